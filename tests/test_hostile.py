"""Hostile texts on whole pages: whatever they stand for, they are shown and do nothing."""

from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.sessions.models import Session
from django.db.models import Field, Model
from django.test import Client
from django.utils import timezone

from rooms import changes, fragments
from rooms.fragments import body_html
from rooms.management.commands.say import checked
from rooms.models import Act, Ban, Block, Invitation, Kind, Membership, Message, Person, Report, Room
from rooms.names import slug_for
from rooms.views.person import _picture
from tests import test_promises
from tests.accounts import logged_in, make_account
from tests.hostile import PAYLOADS, cut, shape
from tests.html import elements, find, find_all
from tests.test_promises import PAGES, ROOM, objections, person_id

clients = test_promises.clients
pytestmark = pytest.mark.django_db

Shape = list[tuple[str, list[str]]]


def test_there_are_many_and_each_is_another() -> None:
    assert len(PAYLOADS) >= 200
    assert len(set(PAYLOADS)) == len(PAYLOADS)
    for length in (40, 4000):
        texts = cut(length)
        assert len(set(texts)) == len(texts) >= 200
        assert all(len(text) <= length and "\0" not in text for text in texts)


def test_most_would_be_markup_if_they_were_not_escaped() -> None:
    """So that the tests that find none see the difference."""
    assert sum(bool(elements(payload)) for payload in PAYLOADS) > 250
    assert sum(bool(elements(f'<p title="{text}">')[0].attributes[1:]) for text in PAYLOADS) > 20
    assert sum(bool(elements(f"<p title='{text}'>")[0].attributes[1:]) for text in PAYLOADS) > 20


# Every page, with all texts in every place at once -------------------------------------------

# What people write, and where it is kept.
WRITTEN: dict[str, Field] = {
    f"{model.__name__} {name}": model._meta.get_field(name)  # type: ignore[misc]
    for model, names in {
        Person: ["username", "bio", "email"],
        Room: ["name", "topic", "description"],
        Message: ["body", "html"],
        Report: ["reason", "quote"],
        Ban: ["reason"],
        Act: ["why"],
    }.items()
    for name in names
}
# The attributes that are shown to people and that nothing acts on.
SHOWN = {"title", "value", "alt", "aria-label", "content"}


def shown_path(model: type[Model], change: str = "change/") -> Callable[[Client], Any]:
    """The administrators' page about the newest of these."""
    return lambda client: client.get(
        f"/admin/rooms/{model.__name__.lower()}/{model._default_manager.latest('pk').pk}/{change}"
    )


def direct() -> Room:
    return Room.objects.get(kind=Kind.DIRECT)


def private() -> Room:
    return Room.objects.get(kind=Kind.PRIVATE)


# Beside those in PAGES: who asks, and how.
MORE: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "lobby with rooms of one's own": ("keeper", lambda client: client.get("/")),
    "private room": ("keeper", lambda client: client.get(private().get_absolute_url())),
    "about a private room": ("keeper", lambda client: client.get(f"{private().get_absolute_url()}about/")),
    "direct room": ("keeper", lambda client: client.get(direct().get_absolute_url())),
    "about a direct room": ("keeper", lambda client: client.get(f"{direct().get_absolute_url()}about/")),
    "message in a direct room": (
        "keeper",
        lambda client: client.get(f"{direct().get_absolute_url()}messages/1/"),
    ),
    "invitation to a private room": ("stranger", lambda client: client.get("/invitations/private/")),
    "archived rooms": ("keeper", lambda client: client.get("/archived/")),
    "archived room": ("keeper", lambda client: client.get("/rooms/attic/")),
    "blocked people": ("keeper", lambda client: client.get("/blocks/")),
    "somebody banned": ("keeper", lambda client: client.get(f"{ROOM}people/{person_id('bob')}/")),
    "somebody with a role": ("keeper", lambda client: client.get(f"{ROOM}people/{person_id('ann')}/")),
    "somebody blocked": ("keeper", lambda client: client.get(f"/people/{person_id('bob')}/")),
    "settings of an account": ("owner", lambda client: client.get("/settings/")),
    "admin": ("keeper", lambda client: client.get("/admin/")),
    "admin, search": ("keeper", lambda client: client.get("/admin/rooms/person/", {"q": ALL})),
    "search refused": ("keeper", lambda client: client.get(f"{ROOM}?before={ALL[:500]}")),
    "history of a person": ("keeper", shown_path(Person, "history/")),
    "password of a person": (
        "keeper",
        lambda client: client.get(f"/admin/rooms/person/{person_id('ann')}/password/"),
    ),
} | {
    f"admin, {what} {model.__name__}": ("keeper", ask)
    for model in [Person, Room, Message, Report, Ban, Act, Membership, Invitation]
    for what, ask in {
        "every": lambda client, model=model: client.get(f"/admin/rooms/{model.__name__.lower()}/"),
        "one": shown_path(model),
    }.items()
}
ALL = " ".join(payload.replace("\0", "") for payload in PAYLOADS)


@pytest.fixture
def furnished(clients: dict[str, Client]) -> dict[str, Client]:
    """Browsers, and something of everything to see in them."""
    keeper = Person.objects.get(username="keeper") if clients["keeper"] else None
    assert keeper is not None
    ann, bob = Person.objects.get(username="ann"), Person.objects.get(username="bob")
    lounge = Room.objects.get(slug="lounge")
    Act.objects.create(by=keeper, what=Act.What.BANNED, person=bob, room=lounge, why="noise")
    Block.objects.create(person=keeper, blocked=bob)
    rooms = [Room.hidden("Study", Kind.PRIVATE), Room.hidden("", Kind.DIRECT, f"{ann.pk} {keeper.pk}")]
    rooms.append(Room.objects.create(name="Attic", name_key="attic", slug="attic", archived_at=timezone.now()))
    for room in rooms:
        Membership.join(room.pk, keeper.pk, ann.pk, role="owner")
    for room in rooms[:2]:
        changes.post(room, ann, "hello")
    Invitation.objects.create(room=rooms[0], by=ann, token="private")
    return clients


def ask_all(clients: dict[str, Client]) -> Iterator[tuple[str, Callable[[], Any]]]:
    for page, (who, ask, *_) in (PAGES | MORE).items():
        client = clients[who]
        yield page, lambda client=client, ask=ask: ask(client)


def put(monkeypatch: pytest.MonkeyPatch, text: Callable[[str], str]) -> None:
    """Whatever is read of what people wrote is `text` of where it is kept. Like this a page holds all
    of them, and no form, length or constraint keeps one out."""
    for what, field in WRITTEN.items():

        def read(value: Any, expression: Any, connection: Any, what: str = what) -> Any:
            is_unnamed = what == "Room name" and value == ""  # a direct room, called after its people
            shown = value if is_unnamed else text(what)
            return body_html(shown) if what == "Message html" else shown

        monkeypatch.setattr(field, "from_db_value", read, raising=False)


def mark(what: str) -> str:
    """What tells, on a page, where a text was kept."""
    return f"from-{what.replace(' ', '-').lower()}"


def acted_on(html: bytes) -> set[str]:
    """The attributes in which there is something that people wrote, but for those that only show it."""
    return {
        f"{element.name} {name}"
        for element in elements(html)
        for name, value in element.attributes
        if "from-" in value and mark_in(value) and name not in SHOWN
    }


def mark_in(text: str) -> set[str]:
    return {what for what in WRITTEN if mark(what) in text}
