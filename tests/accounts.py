"""Accounts as tests make and use them."""

import re
from typing import Any

from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client

from rooms.models import Membership, Person, Room
from tests.html import find
from tests.totp import totp

PASSWORD = "a wooden chair"


def make_account(name: str = "ann", *, verified: bool = True, **fields: Any) -> Person:
    """An account called `name`, with an email like it and PASSWORD."""
    person = Person(username=name, email=fields.pop("email", f"{name}@example.com"), **fields)
    person.set_password(PASSWORD)
    person.save()
    EmailAddress.objects.create(user=person, email=person.email, primary=True, verified=verified)
    return person


def make_member(room: Room, name: str) -> Person:
    """Such an account, and its person in `room`."""
    person = make_account(name)
    Membership.join(room.pk, person.pk)
    return person


def log_in(client: Client, login: str = "ann", password: str = PASSWORD, next_url: str = "") -> Any:
    return client.post("/account/login/", {"login": login, "password": password, "next": next_url})


def logged_in(person: Person) -> Client:
    """A browser in which `person` has logged in, and has just shown again who they are."""
    client = Client(raise_request_exception=False)
    assert log_in(client, person.username).status_code == 302
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    return client


def who(client: Client) -> Person | None:
    """Who is signed in in this browser."""
    user = client.get("/").context["user"]
    return Person.objects.get(pk=user.pk) if user.is_authenticated else None


def sign_up(client: Client, name: str = "bob", email: str = "bob@example.com", **fields: str) -> Any:
    return client.post("/account/signup/", {"username": name, "email": email, "password1": PASSWORD} | fields)


def mailed_link(to: str) -> str:
    """The path in the newest mail to this address."""
    body = next(str(sent.body) for sent in reversed(mail.outbox) if sent.to == [to])
    link = re.search(r"https?://[^/\s]+(/\S+)", body)
    assert link, body
    return link[1]


def turn_on_two_factor(client: Client) -> str:
    """Returns the secret key."""
    secret = find(client.get("/account/2fa/totp/activate/").content, "code", id="secret").text
    done = client.post("/account/2fa/totp/activate/", {"code": totp(secret)})
    assert done.status_code == 302
    return secret
