"""Whoever is banned from the site cannot come in, and is told why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from rooms.models import Ban, Person
from tests.accounts import log_in, logged_in, mailed_link, make_account, who
from tests.html import find

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LATER = datetime(2999, 12, 31, 12, 30, tzinfo=UTC)


@pytest.fixture
def ann(db: None) -> Person:
    return make_account("ann")


def ban(person: Person, until: datetime = LATER, **fields: Any) -> None:
    Ban.objects.create(person=person, **({"until": until, "reason": "Shouting."} | fields))
    Person.objects.filter(pk=person.pk).update(banned_until=until)


def said(page: Any) -> str:
    return find(page.content, "p", role="alert").text


def test_they_are_told_until_when_and_why(client: Client, ann: Person) -> None:
    ban(ann)
    page = log_in(client)
    assert said(page) == "“ann” is banned from this site until 31 December 2999, 12:30. The reason: Shouting."
    assert who(client) is None


def test_or_that_it_is_for_good(client: Client, ann: Person) -> None:
    Ban.objects.create(person=ann, reason="")
    Person.objects.filter(pk=ann.pk).update(banned_until=LATER)
    assert said(log_in(client)) == "“ann” is banned from this site for good."


def test_a_ban_from_a_room_is_none_from_the_site(client: Client, ann: Person, lounge: Any) -> None:
    Ban.objects.create(person=ann, room=lounge, reason="Shouting.")
    assert log_in(client).status_code == 302
    assert who(client) == ann


def test_nobody_else_is_told(client: Client, ann: Person) -> None:
    ban(ann)
    assert "banned" not in said(log_in(client, "ann", "wrong"))


def test_a_ban_ends_sessions_at_the_next_request(ann: Person, person: Callable[..., Person]) -> None:
    account, guest = logged_in(ann), Client()
    guest.force_login(person("gina"))
    assert who(guest) is not None
    for each in Person.objects.all():
        ban(each)
    assert who(account) is None
    assert who(guest) is None


def test_it_is_over_when_it_is_over(client: Client, ann: Person) -> None:
    session = logged_in(ann)
    ban(ann, until=timezone.now() - timedelta(seconds=1))
    assert who(session) == ann
    assert log_in(client).status_code == 302


def test_resetting_the_password_is_no_way_in(client: Client, ann: Person) -> None:

    ban(ann)
    client.post("/account/password/reset/", {"email": "ann@example.com"})
    form = client.get(mailed_link("ann@example.com")).headers["Location"]
    client.post(form, {"password1": "another chair", "password2": "another chair"})
    assert "banned" in said(log_in(client, "ann", "another chair"))
    assert who(client) is None


def test_whoever_was_made_inactive_is_told_that_alone(client: Client, ann: Person) -> None:
    session = logged_in(ann)
    Person.objects.filter(pk=ann.pk).update(is_active=False)
    assert log_in(client).headers["Location"] == "/account/inactive/"
    assert who(client) is None
    assert who(session) is None
