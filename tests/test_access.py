"""Who may see and do what: every road into every kind of room, for everybody.

The tables are to be read: a line is a road, a column somebody; nobody is not signed in, the keeper
is a moderator, removed was in the room once, outside administers the site and is not in the room,
closed is whose account was. A number is the status of the answer: 404 is "there is no such room",
403 "you may not", 302 "done" or, to nobody, "come in first". Of a socket it is the code it is closed
with.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone

from project.urls import urlpatterns
from rooms import changes
from rooms.hub import Hub
from rooms.models import Ban, File, Kind, Membership, Message, Person, Role, Room, Thread
from tests.test_socket import RESUME, Socket, cookie_of

IN_ROOM = {
    "member": Role.MEMBER,
    "keeper": Role.MODERATOR,
    "owner": Role.OWNER,
    "admin": Role.MEMBER,
    "closed": Role.MEMBER,
    "mia": Role.MEMBER,  # to whom things are done
}


@dataclass
class Scene:
    """A room, who is in it and who is not, and what mia said there."""

    room: Room
    message: Message
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def mia(self) -> str:
        return f"{self.url}people/{self.people['mia'].pk}/"

    @property
    def url(self) -> str:
        return f"/rooms/{self.room.slug}/"

    @property
    def said(self) -> str:
        return f"{self.url}messages/{self.message.seq}/"


def scene(kind: str) -> Scene:
    """An open, private, direct, archived or closed room. In one that is closed only moderators write."""
    person = Person.objects.create_user
    names = ["guest", "other", "banned", "removed", "outside", *IN_ROOM]
    people = {name: person(name) for name in names}
    Person.objects.filter(username="guest").update(is_guest=True)
    Person.objects.filter(username__in=["admin", "outside"]).update(is_superuser=True, is_staff=True)
    if kind == "direct":
        room = Room.hidden("", Kind.DIRECT, f"{people['member'].pk} {people['mia'].pk}")
        Membership.join(room.pk, people["member"].pk, people["mia"].pk)
    else:
        room = Room.hidden("Cellar", Kind.PRIVATE) if kind == "private" else Room.named("Lounge")
        for name, role in IN_ROOM.items():
            Membership.join(room.pk, people[name].pk, role=role)
        Ban.objects.create(room=room, person=people["banned"], reason="Noise")
        Room.objects.filter(pk=room.pk).update(
            is_closed=kind == "closed", archived_at=timezone.now() if kind == "archived" else None
        )
    with transaction.atomic():  # though nothing is said any more in an archived room
        Room.objects.filter(pk=room.pk).update(clock=1, last_seq=1, latest_seq=1)
        message = Message.objects.create(
            room=room, author=people["mia"], seq=1, version=1, at=timezone.now(), body="tea?", html="tea?"
        )
    Thread.objects.create(room=room, seq=1)
    for token, kind_of_file in (("t0ken", File.Kind.OTHER), ("p1cture", File.Kind.PICTURE)):
        file = File.objects.create(token=token, message=message, kind=kind_of_file, type="image/webp", size=3)
        for name in (file.stored, file.small):
            default_storage.delete(name)
            default_storage.save(name, ContentFile(b"tea"))
    Person.objects.filter(username="closed").update(is_active=False)
    room.refresh_from_db()
    return Scene(room, message, {person.username: person for person in Person.objects.all()})


def a_file() -> SimpleUploadedFile:
    return SimpleUploadedFile("a.txt", b"tea")


# Pages and forms -----------------------------------------------------------------------

Road = Callable[[Any, Scene], Any]
ROADS: dict[str, Road] = {
    "room": lambda client, at: client.get(at.url),
    "older": lambda client, at: client.get(f"{at.url}messages/?before=9"),
    "newer": lambda client, at: client.get(f"{at.url}messages/?after=0"),
    "message": lambda client, at: client.get(at.said),
    "later": lambda client, at: client.get(f"{at.said}newer/"),
    "concern": lambda client, at: client.get(f"{at.said}about/"),
    "menu": lambda client, at: client.get(f"{at.said}menu/"),
    "edit": lambda client, at: client.get(f"{at.said}edit/"),
    "last": lambda client, at: client.get(f"{at.url}edit-last/"),
    "answer": lambda client, at: client.get(f"{at.said}reply/"),
    "react": lambda client, at: client.post(f"{at.said}react/", {"emoji": "👍"}),
    "reacted": lambda client, at: client.get(f"{at.said}reactions/"),
    "thread": lambda client, at: client.get(f"{at.said}thread/"),
    "follow": lambda client, at: client.post(f"{at.said}follow/", {"on": "1"}),
    "pin": lambda client, at: client.post(f"{at.said}pin/", {"on": "1"}),
    "pinned": lambda client, at: client.get(f"{at.url}pinned/"),
    "save": lambda client, at: client.post(f"{at.said}save/", {"on": "1"}),
    "preview": lambda client, at: client.get(f"{at.said}preview/"),
    "history": lambda client, at: client.get(f"{at.url}history/"),
    "day": lambda client, at: client.get(f"{at.url}history/2020/06/02/"),
    "year": lambda client, at: client.get(f"{at.url}history/2020/"),
    "about": lambda client, at: client.get(f"{at.url}about/"),
    "say": lambda client, at: client.post(f"{at.url}messages/", {"body": "hello"}),
    "compose": lambda client, at: client.post(f"{at.url}compose/", {"body": "tea", "tall": "1"}),
    "star": lambda client, at: client.post(f"{at.url}star/", {"on": "1"}),
    "level": lambda client, at: client.post(f"{at.url}level/", {"level": "mentions"}),
    "leave": lambda client, at: client.post(f"{at.url}leave/"),
    "report": lambda client, at: client.post(f"{at.said}report/", {"reason": "rude"}),
    "invite": lambda client, at: client.post(f"{at.url}invite/", {"names": "other"}),
    "link": lambda client, at: client.post(f"{at.url}links/", {"days": "7"}),
    "delete": lambda client, at: client.post(f"{at.said}delete/"),
    "mia": lambda client, at: client.get(at.mia),
    "bans": lambda client, at: client.get(f"{at.url}bans/"),
    "remove": lambda client, at: client.post(f"{at.mia}remove/"),
    "ban": lambda client, at: client.post(f"{at.mia}ban/", {"reason": "noise", "end": "day"}),
    "unban": lambda client, at: client.post(f"{at.mia}unban/"),
    "slow": lambda client, at: client.post(f"{at.url}slow/", {"seconds": "30"}),
    "close": lambda client, at: client.post(f"{at.url}close/", {"on": "1"}),
    "role": lambda client, at: client.post(f"{at.mia}role/", {"role": "moderator"}),
    "describe": lambda client, at: client.post(f"{at.url}describe/", {"name": "Attic"}),
    "archive": lambda client, at: client.post(f"{at.url}archive/", {"on": "1"}),
    "keep": lambda client, at: client.post(f"{at.url}keep/", {"days": "30", "is_sure": "on"}),
    "export": lambda client, at: client.post(f"{at.url}export/"),
    "feed": lambda client, at: client.get(f"{at.url}feed/"),
    "secret": lambda client, at: client.get(f"{at.url}feed/n0t-a-t0ken/"),
    "feedlink": lambda client, at: client.post(f"{at.url}feed-link/", {"on": "1"}),
    "attach": lambda client, at: client.get(f"{at.url}attach/"),
    "upload": lambda client, at: client.post(f"{at.url}attach/", {"files": a_file()}),
    "sayfile": lambda client, at: client.post(f"{at.url}messages/", {"files": a_file()}),
    "file": lambda client, at: client.get(f"{at.url}files/t0ken/"),
    "thumb": lambda client, at: client.get(f"{at.url}files/p1cture/small/"),
}

PAGES = {
    "open": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    room     200     200     200     200     200     200     200     200     200     403     200
    older    302     200     200     200     200     200     200     200     200     403     302
    newer    302     200     200     200     200     200     200     200     200     403     302
    message  302     200     200     200     200     200     200     200     200     403     302
    later    302     200     200     200     200     200     200     200     200     403     302
    concern  302     200     200     200     200     200     200     200     200     403     302
    menu     302     200     200     200     200     200     200     200     200     403     302
    edit     302     403     403     403     403     403     403     403     403     403     302
    last     302     403     403     403     403     403     403     403     403     403     302
    answer   302     200     200     200     200     200     200     200     200     403     302
    react    302     403     403     403     302     302     302     302     403     403     302
    reacted  302     200     200     200     200     200     200     200     200     403     302
    thread   302     200     200     200     200     200     200     200     200     403     302
    follow   302     403     403     403     302     302     302     302     403     403     302
    pin      302     403     403     403     403     302     302     302     302     403     302
    pinned   302     200     200     200     200     200     200     200     200     403     302
    save     302     302     302     302     302     302     302     302     302     403     302
    preview  404     200     200     200     200     200     200     200     200     404     404
    history  302     200     200     200     200     200     200     200     200     403     302
    day      302     200     200     200     200     200     200     200     200     403     302
    year     302     200     200     200     200     200     200     200     200     403     302
    about    302     200     200     200     200     200     200     200     200     403     302
    say      302     302     302     302     302     302     302     302     302     403     302
    compose  302     200     200     200     200     200     200     200     200     403     302
    star     302     403     403     403     302     302     302     302     403     403     302
    level    302     403     403     403     302     302     302     302     403     403     302
    leave    302     302     302     302     302     302     302     302     302     403     302
    report   302     302     302     302     302     302     302     302     302     403     302
    invite   302     403     403     403     302     302     302     302     403     403     302
    link     302     403     403     403     302     302     302     302     403     403     302
    delete   302     403     403     403     403     302     302     302     302     403     302
    mia      302     403     403     403     403     200     200     200     200     403     302
    bans     302     403     403     403     403     200     200     200     200     403     302
    remove   302     403     403     403     403     302     302     302     302     403     302
    ban      302     403     403     403     403     302     302     302     302     403     302
    unban    302     403     403     403     403     302     302     302     302     403     302
    slow     302     403     403     403     403     302     302     302     302     403     302
    close    302     403     403     403     403     302     302     302     302     403     302
    role     302     403     403     403     403     403     302     302     302     403     302
    describe 302     403     403     403     403     403     302     302     302     403     302
    archive  302     403     403     403     403     403     302     302     302     403     302
    keep     302     403     403     403     403     403     302     302     302     403     302
    export   302     403     403     403     302     302     302     302     403     403     302
    feed     200     200     200     200     200     200     200     200     200     403     200
    secret   404     404     404     404     404     404     404     404     404     404     404
    feedlink 302     403     403     403     302     302     302     302     403     403     302
    attach   302     200     200     200     200     200     200     200     200     403     302
    upload   302     200     200     200     200     200     200     200     200     403     302
    sayfile  302     302     302     302     302     302     302     302     302     403     302
    file     404     200     200     200     200     200     200     200     200     404     404
    thumb    404     200     200     200     200     200     200     200     200     404     404
    """,
    # Only moderators write in it.
    "closed": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    room     200     200     200     200     200     200     200     200     200     403     200
    say      302     403     403     403     403     302     302     302     302     403     302
    upload   302     403     403     403     403     200     200     200     200     403     302
    sayfile  302     403     403     403     403     302     302     302     302     403     302
    """,
    # Nothing is added to it.
    "archived": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    room     200     200     200     200     200     200     200     200     200     403     200
    older    302     200     200     200     200     200     200     200     200     403     302
    message  302     200     200     200     200     200     200     200     200     403     302
    later    302     200     200     200     200     200     200     200     200     403     302
    concern  302     200     200     200     200     200     200     200     200     403     302
    preview  404     200     200     200     200     200     200     200     200     404     404
    history  302     200     200     200     200     200     200     200     200     403     302
    day      302     200     200     200     200     200     200     200     200     403     302
    year     302     200     200     200     200     200     200     200     200     403     302
    about    302     200     200     200     200     200     200     200     200     403     302
    say      302     403     403     403     403     403     403     403     403     403     302
    star     302     403     403     403     302     302     302     302     403     403     302
    leave    302     302     302     302     302     302     302     302     302     403     302
    invite   302     403     403     403     403     403     403     403     403     403     302
    link     302     403     403     403     403     403     403     403     403     403     302
    delete   302     403     403     403     403     302     302     302     302     403     302
    archive  302     403     403     403     403     403     302     302     302     403     302
    keep     302     403     403     403     403     403     302     302     302     403     302
    export   302     403     403     403     302     302     302     302     403     403     302
    feed     200     200     200     200     200     200     200     200     200     403     200
    attach   302     200     200     200     200     200     200     200     200     403     302
    upload   302     403     403     403     403     403     403     403     403     403     302
    sayfile  302     403     403     403     403     403     403     403     403     403     302
    file     404     200     200     200     200     200     200     200     200     404     404
    """,
    # Not even site administrators enter it uninvited.
    "private": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    room     404     404     404     404     200     200     200     200     404     403     404
    older    404     404     404     404     200     200     200     200     404     403     404
    newer    404     404     404     404     200     200     200     200     404     403     404
    message  404     404     404     404     200     200     200     200     404     403     404
    later    404     404     404     404     200     200     200     200     404     403     404
    concern  404     404     404     404     200     200     200     200     404     403     404
    menu     404     404     404     404     200     200     200     200     404     403     404
    edit     404     404     404     404     403     403     403     403     404     403     404
    last     404     404     404     404     403     403     403     403     404     403     404
    answer   404     404     404     404     200     200     200     200     404     403     404
    react    404     404     404     404     302     302     302     302     404     403     404
    reacted  404     404     404     404     200     200     200     200     404     403     404
    thread   404     404     404     404     200     200     200     200     404     403     404
    follow   404     404     404     404     302     302     302     302     404     403     404
    pin      404     404     404     404     403     302     302     302     404     403     404
    pinned   404     404     404     404     200     200     200     200     404     403     404
    save     404     404     404     404     302     302     302     302     404     403     404
    preview  404     404     404     404     200     200     200     200     404     404     404
    history  404     404     404     404     200     200     200     200     404     403     404
    day      404     404     404     404     200     200     200     200     404     403     404
    year     404     404     404     404     200     200     200     200     404     403     404
    about    404     404     404     404     200     200     200     200     404     403     404
    say      404     404     404     404     302     302     302     302     404     403     404
    compose  404     404     404     404     200     200     200     200     404     403     404
    star     404     404     404     404     302     302     302     302     404     403     404
    level    404     404     404     404     302     302     302     302     404     403     404
    leave    404     404     404     404     302     302     403     302     404     403     404
    report   404     404     404     404     302     302     302     302     404     403     404
    invite   404     404     404     404     302     302     302     302     404     403     404
    link     404     404     404     404     302     302     302     302     404     403     404
    delete   404     404     404     404     403     302     302     302     404     403     404
    mia      404     404     404     404     403     200     200     200     404     403     404
    bans     404     404     404     404     403     200     200     200     404     403     404
    remove   404     404     404     404     403     302     302     302     404     403     404
    ban      404     404     404     404     403     302     302     302     404     403     404
    unban    404     404     404     404     403     302     302     302     404     403     404
    slow     404     404     404     404     403     302     302     302     404     403     404
    close    404     404     404     404     403     302     302     302     404     403     404
    role     404     404     404     404     403     403     302     302     404     403     404
    describe 404     404     404     404     403     403     302     302     404     403     404
    archive  404     404     404     404     403     403     302     302     404     403     404
    keep     404     404     404     404     403     403     302     302     404     403     404
    export   404     404     404     404     302     302     302     302     404     403     404
    feed     404     404     404     404     200     200     200     200     404     403     404
    secret   404     404     404     404     404     404     404     404     404     404     404
    feedlink 404     404     404     404     302     302     302     302     404     403     404
    attach   404     404     404     404     200     200     200     200     404     403     404
    upload   404     404     404     404     200     200     200     200     404     403     404
    sayfile  404     404     404     404     302     302     302     302     404     403     404
    file     404     404     404     404     200     200     200     200     404     404     404
    thumb    404     404     404     404     200     200     200     200     404     404     404
    """,
    # Between the two of it nobody keeps order.
    "direct": """
             nobody  guest   other   outside closed  mia     member
    room     404     404     404     404     404     200     200
    older    404     404     404     404     404     200     200
    newer    404     404     404     404     404     200     200
    message  404     404     404     404     404     200     200
    later    404     404     404     404     404     200     200
    concern  404     404     404     404     404     200     200
    menu     404     404     404     404     404     200     200
    edit     404     404     404     404     404     200     403
    last     404     404     404     404     404     302     403
    answer   404     404     404     404     404     200     200
    react    404     404     404     404     404     302     302
    reacted  404     404     404     404     404     200     200
    thread   404     404     404     404     404     200     200
    follow   404     404     404     404     404     302     302
    pin      404     404     404     404     404     302     302
    pinned   404     404     404     404     404     200     200
    save     404     404     404     404     404     302     302
    preview  404     404     404     404     404     200     200
    history  404     404     404     404     404     200     200
    day      404     404     404     404     404     200     200
    year     404     404     404     404     404     200     200
    about    404     404     404     404     404     200     200
    say      404     404     404     404     404     302     302
    compose  404     404     404     404     404     200     200
    star     404     404     404     404     404     302     302
    level    404     404     404     404     404     302     302
    leave    404     404     404     404     404     403     403
    report   404     404     404     404     404     403     403
    invite   404     404     404     404     404     403     403
    link     404     404     404     404     404     403     403
    delete   404     404     404     404     404     302     403
    mia      404     404     404     404     404     403     403
    bans     404     404     404     404     404     403     403
    remove   404     404     404     404     404     403     403
    ban      404     404     404     404     404     403     403
    unban    404     404     404     404     404     403     403
    slow     404     404     404     404     404     403     403
    close    404     404     404     404     404     403     403
    role     404     404     404     404     404     403     403
    describe 404     404     404     404     404     403     403
    archive  404     404     404     404     404     403     403
    keep     404     404     404     404     404     403     403
    export   404     404     404     404     404     302     302
    feed     404     404     404     404     404     404     404
    secret   404     404     404     404     404     404     404
    feedlink 404     404     404     404     404     403     403
    attach   404     404     404     404     404     200     200
    upload   404     404     404     404     404     200     200
    sayfile  404     404     404     404     404     302     302
    file     404     404     404     404     404     200     200
    thumb    404     404     404     404     404     200     200
    """,
}  # fmt: skip

# What is said in the frame before a socket is closed is tested elsewhere. Commands are for who may
# read the database anyhow: they are kept from nothing but what they would say in another's name.
SOCKETS = {
    "open": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    enter    4401    in      in      in      in      in      in      in      in      4403    4401
    say      -       said    said    said    said    said    said    said    said    -       -
    command  -       said    said    said    said    said    said    said    said    refused refused
    """,
    "closed": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    enter    4401    in      in      in      in      in      in      in      in      4403    4401
    say      -       refused refused refused refused said    said    said    said    -       -
    command  -       refused refused refused refused said    said    said    said    refused refused
    """,
    "archived": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    enter    4401    in      in      in      in      in      in      in      in      4403    4401
    say      -       refused refused refused refused refused refused refused refused -       -
    command  -       refused refused refused refused refused refused refused refused refused refused
    """,
    "private": """
             nobody  guest   other   removed member  keeper  owner   admin   outside banned  closed
    enter    4401    4404    4404    4404    in      in      in      in      4404    4403    4401
    say      -       -       -       -       said    said    said    said    -       -       -
    command  -       refused refused refused said    said    said    said    refused refused refused
    """,
    "direct": """
             nobody  guest   other   outside closed  mia     member
    enter    4401    4404    4404    4404    4401    in      in
    say      -       -       -       -       -       said    said
    command  -       refused refused refused refused said    said
    """,
}  # fmt: skip


def table(rows: dict[str, dict[str, str]]) -> str:
    names = list(next(iter(rows.values())))
    lines = {"": names} | {road: list(row.values()) for road, row in rows.items()}
    return "\n".join(
        f"{road:9}{''.join(f'{cell:8}' for cell in cells)}".rstrip() for road, cells in lines.items()
    )


def expected(text: str) -> str:
    return "\n".join(line[4:].rstrip() for line in text.strip("\n").splitlines()[:-1])


def names_and_roads(text: str) -> tuple[list[str], list[str]]:
    head, *lines = expected(text).splitlines()
    return head.split(), [line.split()[0] for line in lines]


def signed_in(at: Scene, name: str) -> Client:
    client = Client()
    if name != "nobody":
        client.force_login(at.people[name])
    return client


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.django_db
def test_pages_and_forms(kind: str) -> None:
    at = scene(kind)
    names, roads = names_and_roads(PAGES[kind])
    clients = {name: signed_in(at, name) for name in names}
    found = {road: {name: str(ask(clients[name], at, road)) for name in names} for road in roads}
    assert table(found) == expected(PAGES[kind])


def ask(client: Client, at: Scene, road: str) -> int:
    """The status of the answer; what it changed is undone."""
    with transaction.atomic():
        status = ROADS[road](client, at).status_code
        transaction.set_rollback(True)
    return status


def test_the_tables_know_every_road() -> None:
    for kind in ("open", "private", "direct"):
        assert names_and_roads(PAGES[kind])[1] == list(ROADS)
    at = Scene(Room(slug="x"), Message(seq=1), {"mia": Person(pk=1)})
    asked = {resolve(ask(RequestFactory(), at).path).url_name for ask in ROADS.values()}
    patterns: list[Any] = urlpatterns
    there_are = {pattern.name for pattern in patterns if "rooms/<str:slug>/" in str(pattern.pattern)}
    assert asked == there_are - {"revoke-link"}


# Sockets and commands ------------------------------------------------------------------


@pytest.mark.parametrize("kind", SOCKETS)
@pytest.mark.django_db(transaction=True)
async def test_sockets_and_commands(kind: str) -> None:
    at = await sync_to_async(scene)(kind)
    names, roads = names_and_roads(SOCKETS[kind])
    found: dict[str, dict[str, str]] = {road: {} for road in roads}
    for name in names:
        found["enter"][name], found["say"][name] = await by_socket(at, name)
        found["command"][name] = await by_command(at, name)
    await Hub.here().close()
    await get_channel_layer().flush()
    assert table(found) == expected(SOCKETS[kind])


async def by_socket(at: Scene, name: str) -> tuple[str, str]:
    """What becomes of a socket of theirs, and of what they say over it."""
    cookie = (b"cookie", b"") if name == "nobody" else await sync_to_async(cookie_of)(at.people[name])
    socket = Socket(f"{at.url}live/", cookie)
    assert (await socket.connect(timeout=10))[0]
    await socket.say(**RESUME)
    frame = ""
    while 'id="cursor"' not in frame and 'class="farewell"' not in frame:
        frame = await socket.frame()
    if 'class="farewell"' in frame:
        return str(await socket.close_code()), "-"
    await socket.say(body=f"{name} is here", key="k1")
    while "Not sent" not in frame and f"{name} is here" not in frame:
        frame = await socket.frame()
    with suppress(BaseException):
        await socket.disconnect()
    return "in", "refused" if "Not sent" in frame else "said"


async def by_command(at: Scene, name: str) -> str:
    """What becomes of what is said in their name."""
    if name == "nobody":
        return "-"
    try:
        await sync_to_async(call_command, thread_sensitive=False)("say", at.room.slug, "hello", name=name)
    except CommandError:
        return "refused"
    return "said"


# What is hidden ------------------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", ["nobody", "other", "removed", "outside"])
@pytest.mark.django_db
def test_a_hidden_room_answers_as_one_that_is_not_there(road: str, name: str) -> None:
    at = scene("private")
    client = signed_in(at, name)
    client.defaults["HTTP_X_REQUEST_ID"] = "same"
    # As long, so that nothing in the answer may differ in length either.
    nowhere = Scene(Room(slug="x" * len(at.room.slug)), at.message, at.people)

    def asked(there: Scene) -> tuple[Any, ...]:
        with CaptureQueriesContext(connection) as queries:
            response = ROADS[road](client, there)
        headers = {name: value for name, value in response.headers.items() if name != "Expires"}  # now
        return response.status_code, response.content, headers, len(queries)

    asked(nowhere)  # what is cached is cached now
    hidden, missing = asked(at), asked(nowhere)
    assert hidden == missing
    assert hidden[0] == 404


@pytest.mark.parametrize("name", ["other", "removed", "outside"])
@pytest.mark.django_db(transaction=True)
async def test_so_does_its_socket(name: str) -> None:
    at = await sync_to_async(scene)("private")
    cookie = await sync_to_async(cookie_of)(at.people[name])

    async def answer(slug: str) -> list[dict[str, Any]]:
        socket = Socket(f"/rooms/{slug}/live/", cookie)
        await socket.connect(timeout=10)
        return [await socket.receive_output(timeout=10) for _ in range(2)]

    assert await answer(at.room.slug) == await answer("nowhere")


@pytest.mark.django_db
def test_under_its_former_name_it_is_as_hidden() -> None:
    at = scene("private")
    former = at.url
    owner, other = signed_in(at, "owner"), signed_in(at, "other")
    assert owner.post(f"{at.url}describe/", {"name": "Attic"}).status_code == 302
    at.room.refresh_from_db()
    assert former != at.url
    for path in ("", "messages/", "messages/1/", "about/", "bans/", "history/", "history/2020/06/02/"):
        assert other.get(former + path).status_code == 404
        moved = owner.get(f"{former}{path}?q=x", follow=True)
        assert (moved.status_code, moved.request["PATH_INFO"]) == (200, at.url + path)


@pytest.mark.django_db
def test_its_new_name_is_not_for_who_is_banned() -> None:
    at = scene("private")
    former = at.url
    banned = signed_in(at, "banned")
    changes.configure(at.room, name="Attic")
    assert former != at.url
    for path in ("", "messages/", "messages/?after=0", "about/", "history/", "messages/1/newer/"):
        answer = banned.get(former + path)
        assert answer.status_code == 403
        assert "attic" not in answer.content.decode().lower()
    assert "attic" not in banned.post(f"{former}messages/", {"body": "hello"}).content.decode().lower()
