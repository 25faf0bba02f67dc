"""The end of an account."""

import re
import threading
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from pytest_django import Settings

from rooms import changes, joining
from rooms.accounts import closing
from rooms.models import Block, Draft, Invitation, Membership, Message, Person, Role, Room, Saved
from tests.accounts import PASSWORD, log_in, logged_in, make_account, turn_on_two_factor, who
from tests.html import find_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def admin(db: None) -> Person:
    return make_account("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def ann(settings: Settings, tmp_path: object, lounge: Room, admin: Person) -> Person:
    """Somebody who has told of themselves, and said something."""
    settings.MEDIA_ROOT = str(tmp_path)
    ann = make_account("ann", bio="I sing.", time_zone="Europe/Rome", theme="dark")
    ann.picture.save("ann.png", ContentFile(b"a picture"))
    changes.post(lounge, ann, "hello")
    Membership.join(lounge.pk, ann.pk)
    Block.objects.create(person=ann, blocked=admin)
    SocialAccount.objects.create(user=ann, provider="oidc", uid="1")
    return ann


def test_whatever_tells_who_it_was_is_gone(ann: Person) -> None:
    here, there = logged_in(ann), logged_in(ann)
    turn_on_two_factor(here)
    picture, storage = str(ann.picture.name), ann.picture.storage
    assert storage.exists(picture)
    Invitation.objects.create(by=ann)
    said = changes.post(Room.named("Attic"), ann, "hello")
    Saved.objects.create(person=ann, message=said)
    Draft.objects.create(person=ann, room=said.room, body="half a", at=said.at)
    response = here.post("/account/close/", follow=True)
    assert response.redirect_chain == [("/", 302)]
    assert "Your account is closed." in response.content.decode()
    gone = Person.objects.get(pk=ann.pk)
    assert gone.username == "Former member 1"
    assert (gone.email, gone.bio, gone.time_zone, gone.theme, gone.picture.name) == ("", "", "", "", "")
    assert (gone.is_active, gone.is_guest, gone.last_login) == (False, False, None)
    assert not gone.has_usable_password()
    for model in (EmailAddress, Authenticator, SocialAccount, UserSession):
        assert not model.objects.filter(user=gone).exists(), model
    assert not Membership.objects.exists()
    assert not Block.objects.exists()
    assert not Invitation.objects.exists()
    assert not Saved.objects.exists() and not Draft.objects.exists()
    assert not storage.exists(picture)
    assert not Session.objects.filter(session_key=there.session.session_key).exists()
    assert who(here) is None
    assert who(there) is None


@pytest.mark.parametrize(("role", "heir"), [(Role.MODERATOR, "cat"), (Role.MEMBER, "bob")])
def test_a_private_room_has_an_owner_still(ann: Person, role: str, heir: str) -> None:
    cellar = joining.private_room("Cellar", ann)
    Membership.join(cellar.pk, make_account("abe", is_active=False).pk)
    Membership.join(cellar.pk, make_account("bob").pk)
    Membership.join(cellar.pk, make_account("cat").pk, role=role)
    closing.close(ann)
    owners = cellar.membership_set.filter(role=Role.OWNER)
    assert list(owners.values_list("person__username", flat=True)) == [heir]


def test_what_they_said_stays_under_a_name_that_is_nobodys(ann: Person, admin: Person) -> None:
    closing.close(ann)
    message = Message.objects.select_related("author").get()
    assert (message.body, message.author.username) == ("hello", "Former member 1")
    page = logged_in(admin).get("/rooms/lounge/").content
    assert find_all(page, "bdi", class_="author")[0].text == "Former member 1"
    assert b"ann" not in page


def test_the_name_and_the_email_are_free_again(ann: Person, client: Client) -> None:
    closing.close(ann)
    assert log_in(client, "ann").status_code == 200
    assert log_in(client, "ann@example.com").status_code == 200
    assert make_account("ann").pk != ann.pk
    assert log_in(client, "ann").status_code == 302


def test_every_name_is_another(admin: Person, person: Callable[..., Person]) -> None:
    person("former MEMBER 2")
    people = [make_account(name) for name in ("bob", "cat", "dan")]
    for each in people:
        closing.close(each)
    names = [each.username for each in people]
    assert len(set(names)) == 3
    assert all(re.fullmatch(r"Former member [13-9]", name) for name in names)
    assert all(Person.looking_like(name).count() == 1 for name in names)


def test_it_takes_showing_who_one_is(ann: Person, client: Client) -> None:
    log_in(client, "ann")
    asked = client.get("/account/close/").headers["Location"]
    assert asked == "/account/reauthenticate/?next=%2Faccount%2Fclose%2F"
    assert client.post("/account/close/").headers["Location"] == "/account/close/"
    client.post(asked, {"password": "wrong"})
    assert client.get("/account/close/").status_code == 302
    # Having shown it they are asked again: what was sent before is not done now.
    assert client.post(asked, {"password": PASSWORD}).headers["Location"] == "/account/close/"
    assert "Close it for good" in client.get("/account/close/").content.decode()
    assert Person.objects.get(pk=ann.pk).is_active


def test_looking_at_the_page_closes_nothing(ann: Person) -> None:
    client = logged_in(ann)
    client.get("/account/close/")
    assert who(client) == ann


def test_the_only_administrator_stays(admin: Person) -> None:
    client = logged_in(admin)
    assert "You are the only administrator" in client.get("/account/close/").content.decode()
    assert client.post("/account/close/").status_code == 422
    assert who(client) == admin
    make_account("bob", is_superuser=True, is_active=False)  # is of no help
    assert client.post("/account/close/").status_code == 422
    make_account("cat", is_superuser=True)
    assert client.post("/account/close/").status_code == 302
    assert not Person.objects.get(pk=admin.pk).is_superuser


@pytest.mark.django_db(transaction=True)
def test_two_administrators_do_not_both_leave_at_once(admin: Person) -> None:
    people = [admin, make_account("bob", is_superuser=True)]
    barrier = threading.Barrier(2)
    refused: list[Person] = []

    def leave(person: Person) -> None:
        barrier.wait()
        try:
            closing.close(person)
        except closing.OnlyAdministrator:
            refused.append(person)
        connection.close()

    threads = [threading.Thread(target=leave, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert list(Person.objects.filter(is_superuser=True, is_active=True)) == refused
