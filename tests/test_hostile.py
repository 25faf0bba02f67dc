"""Hostile texts on whole pages: whatever they stand for, they are shown and do nothing."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain, cycle
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from django.db.models import Field, Model
from django.test import Client
from django.utils import timezone

from rooms import changes
from rooms.markup import render
from rooms.models import Act, Ban, Block, Invitation, Kind, Membership, Message, Person, Report, Room
from rooms.names import slug_for
from rooms.views.person import _picture
from tests import test_promises
from tests.hostile import PAYLOADS, as_shown, cut, escaped, shape
from tests.html import elements, find_all
from tests.test_promises import PAGES, ROOM, person_id

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
    """So that a test that finds none would have seen it."""
    assert sum(bool(elements(payload)) for payload in PAYLOADS) > 300
    for sign in "\"'":
        for template in ("<p title={0}harmless{0}>", "<p title={0}{1}{0}>"):
            shapes = [shape(template.format(sign, payload)) for payload in PAYLOADS]
            broken = sum(found != shapes[0] for found in shapes)
            assert broken > 20 if "{1}" in template else broken == 0


# Every page, with all texts in every place at once -------------------------------------------

# All texts, in ten parts; without NUL, which no form takes and no database keeps.
HOSTILE = [" ".join(PAYLOADS[n::10]).replace("\0", "") for n in range(10)]
# As long, and in as many lines and parts of a path.
HARMLESS = [re.sub(r"[^\r\n/]", "x", text) for text in HOSTILE]
ALL, NOTHING = " ".join(HOSTILE), " ".join(HARMLESS)

# What people write, and where it is kept.
WRITTEN: dict[str, Field] = {
    f"{model.__name__} {name}": model._meta.get_field(name)  # type: ignore[misc]
    for model, names in {
        Person: ["username", "bio"],
        Room: ["name", "topic", "description"],
        Message: ["body", "html"],
        Report: ["reason", "quote"],
        Ban: ["reason"],
        Act: ["why"],
    }.items()
    for name in names
}
# The attributes that are shown to people and that nothing acts on.
SHOWN = {"title", "value", "alt", "aria-label", "content", "placeholder"}


def all_of(model: type[Model]) -> Callable[[Client], Any]:
    """The administrators' list of these."""
    return lambda client: client.get(f"/admin/rooms/{model.__name__.lower()}/")


def newest_of(model: type[Model], change: str = "change/") -> Callable[[Client], Any]:
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
    "admin, search": ("keeper", lambda client: client.get("/admin/rooms/person/", {"q": "ann"})),
    "history of a person": ("keeper", newest_of(Person, "history/")),
    "password of a person": (
        "keeper",
        lambda client: client.get(f"/admin/rooms/person/{person_id('ann')}/password/"),
    ),
} | {
    f"admin, {what} {model.__name__}": ("keeper", ask)
    for model in [Person, Room, Message, Report, Ban, Act, Membership, Invitation]
    for what, ask in {
        "every": all_of(model),
        "one": newest_of(model),
    }.items()
}
as_html = cache(lambda body: render(body).html)  # of long texts, again and again


def furnish(clients: dict[str, Client]) -> None:
    """Something of everything that the keeper may see."""
    keeper, ann, bob = (Person.objects.get(username=name) for name in ("keeper", "ann", "bob"))
    lounge = Room.objects.get(slug="lounge")
    Act.objects.create(by=keeper, what=Act.What.BANNED, person=bob, room=lounge, why="noise")
    Block.objects.create(person=keeper, blocked=bob)
    rooms = [Room.hidden("Study", Kind.PRIVATE), Room.hidden("", Kind.DIRECT, f"{ann.pk} {keeper.pk}")]
    attic = Room.objects.create(name="Attic", name_key="attic", slug="attic", archived_at=timezone.now())
    for room in (*rooms, attic):
        Membership.join(room.pk, keeper.pk, ann.pk, role="owner")
    for room in rooms:
        changes.post(room, ann, "hello")
    Invitation.objects.create(room=rooms[0], by=keeper, token="private")


def put(monkeypatch: pytest.MonkeyPatch, texts: list[str]) -> None:
    """Whatever is read of what people wrote is `texts`, after a mark of where it is kept. Like this a
    page holds every text at once, and no form, length or constraint keeps one out. What a page shows
    more than a few times is the next of them each time, for the sake of speed."""
    for what, field in WRITTEN.items():
        to_read = chain([" ".join(texts)] * 5, cycle(texts))

        def read(
            value: Any, expression: Any, connection: Any, what: str = what, to_read: Iterator[str] = to_read
        ) -> Any:
            if value is None or (what == "Room name" and value == ""):
                return value  # there is no ban; it is a direct room, called after its people
            shown = f"{mark(what)} {next(to_read)}"
            return as_html(shown) if what == "Message html" else shown

        monkeypatch.setattr(field, "from_db_value", read, raising=False)


def mark(what: str) -> str:
    return f"from-{what.lower().replace(' ', '-')}."


def marks_in(html: bytes) -> set[str]:
    """Of WRITTEN, what is shown."""
    return {what for what in WRITTEN if mark(what).encode() in html}


def acted_on(html: bytes) -> list[str]:
    """The attributes with something that people wrote, but for those that only show it."""
    return [
        f"{element.name} {name}"
        for element in elements(html)
        for name, value in element.attributes
        if "from-" in value and marks_in(value.encode()) and name not in SHOWN
    ]


@pytest.mark.any_database  # which holds nothing of it: it is put in where it is read
@pytest.mark.urls("tests.test_promises")
def test_every_page_is_the_same_whatever_people_write(
    clients: dict[str, Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, set[str]] = {what: set() for what in WRITTEN}
    pages = [(page, who, ask) for page, (who, ask, *_) in PAGES.items()]
    for page, who, ask in [*pages, *((page, *asked) for page, asked in MORE.items())]:
        if page == next(iter(MORE)):
            furnish(clients)
        client = clients[who]
        ask(client)  # what the first look changes is changed
        answers = []
        for texts in (HARMLESS, HOSTILE):
            with monkeypatch.context() as patch:
                put(patch, texts)
                answers.append(ask(client))
        harmless, hostile = answers
        assert hostile.status_code == harmless.status_code, page
        assert shape(hostile.content) == shape(harmless.content), page
        assert acted_on(hostile.content) == [], page
        for what in marks_in(hostile.content):
            seen[what].add(page)
    for what, pages_with in SEEN.items():
        assert seen[what] >= pages_with, what
    assert SEEN.keys() == WRITTEN.keys()


# Where each is shown, at least: a page that shows none of it proves nothing about it.
SEEN: dict[str, set[str]] = {
    "Person username": {
        *("room", "older", "newer", "about a message", "about", "about a private room"),
        *("about a direct room", "room at a message", "history", "history, a day", "room, later", "preview"),
        *("direct room", "lobby signed in", "lobby with rooms of one's own", "somebody in it", "bans"),
        *("reports", "invitation", "blocked people", "person", "settings", "keep the name", "log out, guest"),
        *("email", "sessions", "ban from the site", "admin, every Person", "admin, one Person"),
        *("admin, every Act", "admin, every Report", "admin, search", "history of a person"),
    },
    "Person bio": {"person", "settings", "somebody blocked", "admin, one Person"},
    "Room name": {
        *("room", "name", "lobby", "private room", "about", "about a private room", "history"),
        *("about a message", "newer", "history, a day", "history, a year", "room at a message", "preview"),
        *("invitation", "invitation to a private room", "archived rooms", "archived room", "bans", "reports"),
        *("somebody in it", "direct room", "admin, every Room", "admin, one Room", "admin, every Report"),
    },
    "Room topic": {"room", "about", "private room", "archived room", "admin, one Room"},
    "Room description": {"about", "about a private room", "admin, one Room"},
    "Message body": {"admin, every Message"},
    "Message html": {
        *(
            "room",
            "room, older",
            "preview",
            "older",
            "newer",
            "about a message",
            "about another's message",
            "direct room",
        ),
        *("room at a message", "room, later", "history", "history, older", "history, a day"),
    },
    "Report reason": {"reports", "admin, every Report", "admin, one Report"},
    "Report quote": {"reports", "admin, one Report"},
    "Ban reason": {"banned", "bans", "somebody banned", "admin, every Ban", "admin, one Ban"},
    "Act why": {"admin, every Act", "admin, one Act"},
}


def test_the_check_sees_where_a_text_is_acted_on() -> None:
    for what in WRITTEN:
        assert acted_on(f'<a href="{mark(what)} x">'.encode()) == ["a href"]
        assert acted_on(f'<p title="{mark(what)} x">{mark(what)}</p>'.encode()) == []


# What is typed and comes back ----------------------------------------------------------------

FIELDS = "body lead key room_name username name names topic description bio reason why email login password1"
TYPED = {
    "/": ["stranger", "member"],
    ROOM: ["stranger"],
    "/rooms/lounge/messages/": ["member"],
    "/rooms/lounge/messages/7/report/": ["keeper"],
    "/rooms/lounge/messages/7/delete/": ["keeper"],
    "/rooms/lounge/invite/": ["keeper"],
    "/rooms/lounge/describe/": ["keeper"],
    "/rooms/lounge/slow/": ["keeper"],
    "/new-room/": ["owner"],
    "/direct/": ["owner"],
    "/settings/": ["owner"],
    "/invitations/t0ken/": ["stranger"],
    "/account/login/": ["stranger"],
    "/account/signup/": ["stranger"],
    "/account/keep-name/": ["member"],
    "/account/password/reset/": ["stranger"],
    "/admin/rooms/room/1/change/": ["keeper"],
}
ASKED = [
    *(
        "/?room_name=",
        "/account/login/?next=",
        "/account/signup/?next=/",
        "/rooms/lounge/?before=",
        "/rooms/lounge/history/?before=",
        "/rooms/lounge/history/?day=",
        "/rooms/lounge/history/",
        "/nowhere?",
    ),
    *("/rooms/lounge/messages/?after=", "/people/1/picture/?v=", "/reports/?after=", "/settings/?saved="),
    *("/rooms/lounge/about/?after=", "/rooms/lounge/bans/?before=", "/admin/rooms/person/?q=", "/me.css?v="),
    *(
        "/rooms/",
        "/rooms/lounge/messages/",
        "/invitations/",
        "/parts/",
        "/parts/x/",
        "/account/confirm-email/",
    ),
    *("/account/password/reset/key/", "/admin/", "/admin/rooms/person/", "/static/", "/"),
]


@pytest.mark.urls("tests.test_promises")
def test_what_is_typed_comes_back_as_it_was(clients: dict[str, Client]) -> None:
    came_back = set()
    for url, people in TYPED.items():
        for who in people:
            client = clients[who]
            # Too long for every field, so that no form takes it.
            answers = [client.post(url, dict.fromkeys(FIELDS.split(), text)) for text in (NOTHING, ALL)]
            assert answers[0].status_code == answers[1].status_code, url
            assert shape(answers[0].content) == shape(answers[1].content), url
            if "alert(1)" in answers[1].content.decode():
                came_back.add(url)
    assert came_back >= {"/", ROOM, "/settings/", "/direct/", "/account/login/", "/rooms/lounge/describe/"}


@pytest.mark.urls("tests.test_promises")
def test_what_is_in_an_address_does_nothing(clients: dict[str, Client]) -> None:
    """In a query, and as a part of an address, where servers decode it."""
    came_back = set()
    for url in ASKED:
        answers = [clients["keeper"].get(url + quote(text, safe="")) for text in (NOTHING, ALL)]
        assert shape(b"".join(answers[0])) == shape(b"".join(answers[1])), url
        for name in ("Location", "Content-Type", "Set-Cookie", "Content-Disposition"):
            assert "alert(1)" not in answers[1].headers.get(name, ""), url
        if b"alert(1)" in b"".join(answers[1]):
            came_back.add(url)
    assert came_back >= {"/admin/rooms/person/?q="}


# As they are kept ----------------------------------------------------------------------------


def test_a_room_full_of_hostile_people_reads_as_any_other(
    room: Callable[..., Room], person: Callable[..., Person]
) -> None:
    """Each is somebody's name and what they say, as far as it is fit to be kept."""
    lounge, member = room(), Client()
    member.force_login(person("member"))
    names, bodies = cut(Person.NAME_LENGTH), cut(Message.BODY_LENGTH)
    for n, _ in enumerate(bodies):
        author = Person.guest(f"author {n}")
        author.save()
        Membership.join(lounge.pk, author.pk)
        changes.post(lounge, author, f"message {n}")
    authors = Person.objects.filter(is_guest=True, username__startswith="author").order_by("pk")
    pages = [f"{ROOM}?before={seq}" for seq in range(len(bodies) + 1, 1, -50)]
    pages += [f"{ROOM}messages/?before=51", ROOM, f"{ROOM}about/", "/"]
    member.get(ROOM)
    harmless = [shape(member.get(page).content) for page in pages]
    for author, name in zip(authors, names, strict=False):
        Person.objects.filter(pk=author.pk).update(username=name)
    for message, body in zip(Message.objects.order_by("seq"), bodies, strict=True):
        message.body, message.html = body, render(escaped(body)).html
        message.save()
    assert [shape(member.get(page).content) for page in pages] == harmless
    for class_, expected in (("text", list(map(as_shown, bodies))), ("author", names)):
        shown = [find_all(member.get(page).content, class_=class_) for page in pages[-5::-1]]
        assert [element.text for page in shown for element in page][: len(expected)] == expected


def test_a_lobby_full_of_hostile_rooms_reads_as_any_other(person: Callable[..., Person]) -> None:
    member = Client()
    ann = person("ann")
    member.force_login(ann)
    names = cut(Room.NAME_LENGTH)
    for n, _ in enumerate(names):
        kind = (Kind.OPEN, Kind.PRIVATE)[n % 2]
        room = Room.objects.create(name=f"room {n}", name_key=str(n), slug=f"room-{n}", kind=kind)
        Membership.join(room.pk, ann.pk)
    pages = ["/", "/rooms/room-0/", "/rooms/room-1/about/"]
    harmless = [shape(member.get(page).content) for page in pages]
    for n, name in enumerate(names):
        Room.objects.filter(slug=f"room-{n}").update(name=name)
    assert [shape(member.get(page).content) for page in pages] == harmless
    listed = {bdi.text for page in pages for bdi in find_all(member.get(page).content, "bdi")}
    assert listed >= set(names)


def test_an_address_of_a_room_is_made_of_letters_and_digits() -> None:
    for payload in PAYLOADS:
        assert not set(slug_for(payload)) & set(" <>\"'`&/\\?#%:;=(){}[]\n\r\t\0"), payload


def test_initials_are_a_picture_whatever_the_name() -> None:
    root = ElementTree.fromstring(_picture(Person(pk=1, username="ann")).content)
    tags = [element.tag for element in root.iter()]
    for payload in PAYLOADS:
        picture = ElementTree.fromstring(_picture(Person(pk=1, username=payload)).content)
        assert [element.tag for element in picture.iter()] == tags, payload
        assert [sorted(a.attrib) for a in picture.iter()] == [sorted(b.attrib) for b in root.iter()], payload
