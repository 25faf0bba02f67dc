"""The first account of a site is its administrator's."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rooms.accounts import first
from rooms.models import Person
from tests.accounts import PASSWORD, log_in, mailed_link, make_account, sign_up, who
from tests.html import find, find_all

pytestmark = pytest.mark.django_db


def take_care(client: Client, name: str = "ada", **fields: str) -> Any:
    given = {"username": name, "email": f"{name}@example.com", "password1": PASSWORD}
    return client.post("/welcome/", given | fields)


def administrators() -> list[str]:
    return [person.username for person in Person.objects.filter(is_superuser=True)]


def test_a_fresh_site_says_so_and_works_all_the_same(client: Client) -> None:
    page = client.get("/").content
    assert find(page, "aside", class_="first-run")
    assert find_all(page, "a", href="/welcome/")
    assert client.post("/", {"room_name": "Lounge", "username": "ann"}).status_code == 302
    assert client.get("/welcome/").status_code == 200


@pytest.mark.parametrize("verification", ["mandatory", "optional"])
def test_whoever_comes_first_is_the_administrator(
    client: Client, settings: Settings, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    assert take_care(client).headers["Location"] == "/"
    ada = who(client)
    assert ada and (ada.username, ada.is_superuser, ada.is_staff, ada.is_guest) == ("ada", True, True, False)
    # Whatever becomes of the mail, they come back.
    assert EmailAddress.objects.get(user=ada).verified
    assert log_in(Client(), "ada").headers["Location"] == "/"
    assert client.get("/admin/").status_code == 200
    assert not find_all(client.get("/").content, "a", href="/welcome/")


def test_it_works_once(client: Client) -> None:
    take_care(client)
    for response in (Client().get("/welcome/"), take_care(Client(), "eve"), client.get("/welcome/")):
        assert response.status_code == 404
    assert administrators() == ["ada"]
    sign_up(Client(), "bob")
    assert administrators() == ["ada"]


def test_it_stays_closed_when_no_administrator_is_left(client: Client) -> None:
    make_account("bob")
    assert client.get("/welcome/").status_code == 404
    sign_up(client, "eve", "eve@example.com")
    assert administrators() == []


def test_a_guest_takes_care_under_the_name_they_have(client: Client) -> None:
    client.post("/", {"room_name": "Lounge", "username": "ann"})
    guest = Person.objects.get()
    page = client.get("/welcome/").content
    assert not find_all(page, "input", name="username")
    assert take_care(client, "ann").status_code == 302
    assert who(client) == guest
    assert administrators() == ["ann"]
    assert not Person.objects.get().is_guest


def test_what_is_wrong_is_said(client: Client) -> None:
    Person.guest("Ada").save()
    page = take_care(client, password1="password")
    assert page.status_code == 422
    assert "“ada 2”" in page.content.decode()
    assert "too common" in page.content.decode()
    assert administrators() == []


def test_a_name_taken_in_this_very_moment_is_said_to_be(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Person.guest("Ada").save()

    def nobody_yet(name: str) -> object:
        monkeypatch.undo()
        return Person.objects.none()

    monkeypatch.setattr(Person, "looking_like", nobody_yet)
    assert "“ada 2”" in take_care(client).content.decode()


def test_an_email_that_a_guest_is_about_to_confirm_is_taken(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    guest = Client()
    guest.post("/", {"room_name": "Lounge", "username": "ann"})
    guest.post("/account/keep-name/", {"email": "ada@example.com", "password1": PASSWORD})
    page = take_care(client)
    assert page.status_code == 422
    assert "There is an account with this email already" in page.content.decode()
    assert administrators() == []


def test_the_first_who_signs_up_is_the_administrator(client: Client) -> None:
    Person.guest("ann").save()  # which is no account
    sign_up(client, "bob")
    sign_up(Client(), "cat", "cat@example.com")
    assert administrators() == ["bob"]


def test_also_the_first_who_keeps_a_name(client: Client, settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    client.post("/", {"room_name": "Lounge", "username": "ann"})
    client.post("/account/keep-name/", {"email": "ann@example.com", "password1": PASSWORD})
    assert administrators() == []
    client.post(mailed_link("ann@example.com"))
    assert administrators() == ["ann"]


def test_a_site_that_people_have_come_to_for_long_is_nobodys_for_the_taking(client: Client) -> None:
    Person.guest("ann").save()
    Person.objects.update(date_joined=timezone.now() - first.FRESH_FOR - timedelta(minutes=1))
    Person.guest("bob").save()
    assert not find_all(client.get("/").content, "a", href="/welcome/")
    for response in (client.get("/welcome/"), take_care(client)):
        assert response.status_code == 403
        assert "createsuperuser" in response.content.decode()
    sign_up(client, "eve")
    assert administrators() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", [take_care, sign_up])
def test_of_two_at_once_one_is(way: Callable[..., Any]) -> None:
    barrier = threading.Barrier(4)

    def come(name: str) -> None:
        client = Client()
        client.get("/welcome/")
        barrier.wait()
        way(client, name, email=f"{name}@example.com")
        connection.close()

    threads = [threading.Thread(target=come, args=[name]) for name in ("ada", "bob", "cat", "dan")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(administrators()) == 1
    assert Person.objects.count() == (1 if way is take_care else 4)


# From the command line -----------------------------------------------------------------


def superuser(name: str) -> None:
    call_command("createsuperuser", interactive=False, username=name, email="ops@example.com", verbosity=0)


def test_createsuperuser_makes_one_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    superuser(" Ops  ② ")
    ops = Person.objects.get()
    assert (ops.username, ops.is_superuser, ops.is_guest) == ("Ops ②", True, False)
    assert Person.looking_like("ops ②").get() == ops
    assert log_in(client, "ops ②").status_code == 302
    assert log_in(Client(), "ops@example.com").status_code == 302
    assert client.get("/admin/").status_code == 200
    assert client.get("/welcome/").status_code == 404


def test_createsuperuser_takes_no_name_that_nobody_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="cannot be seen"):
        superuser("a\u202eb")
