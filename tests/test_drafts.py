"""What is begun and not sent: whose it is, and that what was sent does not come back."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from rooms import changes, drafts
from rooms.accounts import closing
from rooms.drafts import LONGEST
from rooms.models import Draft, Message, Person, Room
from tests.html import find, find_all
from tests.race import overlap

pytestmark = pytest.mark.django_db

PAGE, MESSAGES = "/rooms/lounge/", "/rooms/lounge/messages/"


def kept(room: Room, person: Person) -> str:
    draft = drafts.find(room.pk, person.pk)
    return draft.body if draft else ""


def save(room: Room, person: Person, body: str, key: str = "k1", began_as: str = "") -> None:
    drafts.save(room.pk, person.pk, key, body, began_as)


def test_the_last_to_write_is_kept_for_each_person_and_room(
    lounge: Room, room: Callable[..., Room], person: Callable[..., Person]
) -> None:
    ann, bob, attic = person("ann"), person("bob"), room("Attic")
    save(lounge, ann, "one")
    save(lounge, ann, "two", "k2")
    save(lounge, bob, "bob's")
    save(attic, ann, "elsewhere")
    assert (kept(lounge, ann), kept(lounge, bob), kept(attic, ann)) == ("two", "bob's", "elsewhere")
    assert kept(attic, bob) == ""
    assert Draft.objects.count() == 3


def test_a_draft_ticks_no_clock(lounge: Room, ann: Person) -> None:
    save(lounge, ann, "one")
    clock = lounge.clock
    lounge.refresh_from_db()
    assert lounge.clock == clock


def test_what_is_emptied_is_gone_and_takes_along_what_it_began_as_but_no_other(
    lounge: Room, ann: Person
) -> None:
    save(lounge, ann, "one")
    save(lounge, ann, " ", "k2")
    assert kept(lounge, ann) == "one"
    save(lounge, ann, "", "k2", "k1")
    assert kept(lounge, ann) == ""


def test_what_is_far_too_long_is_not_kept(lounge: Room, ann: Person) -> None:
    save(lounge, ann, "x" * LONGEST)
    save(lounge, ann, "x" * (LONGEST + 1))
    assert kept(lounge, ann) == "x" * LONGEST


def test_a_draft_that_comes_after_its_message_is_not_kept(lounge: Room, ann: Person) -> None:
    changes.post(lounge, ann, "hello", key="k1")
    save(lounge, ann, "hello")
    assert not Draft.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_draft_that_is_kept_while_its_message_is_said_is_void(lounge: Room, ann: Person) -> None:
    """Neither sees the other before both are there."""
    overlap(
        lambda: save(lounge, ann, "hello"),
        lambda: changes.post(lounge, ann, "hello", key="k1"),
    )
    assert Message.objects.count() == Draft.objects.count() == 1
    assert kept(lounge, ann) == ""
    assert not Draft.objects.exists()


def test_another_persons_message_under_that_key_is_not_meant(
    lounge: Room, person: Callable[..., Person]
) -> None:
    ann, bob = person("ann"), person("bob")
    changes.post(lounge, bob, "hello", key="k1")
    save(lounge, ann, "mine")
    assert kept(lounge, ann) == "mine"


def test_a_closed_account_leaves_none(lounge: Room, ann: Person) -> None:
    save(lounge, ann, "secret")
    closing.close(ann)
    assert not Draft.objects.exists()


# The page ------------------------------------------------------------------------------


@pytest.fixture
def page(client: Client, lounge: Room, ann: Person) -> Client:
    client.force_login(ann)
    return client


def test_the_page_has_the_draft_in_its_field_alone(page: Client, lounge: Room, ann: Person) -> None:
    save(lounge, ann, '"><script>')
    html = page.get(PAGE).content
    assert find(html, "input", name="body")["value"] == '"><script>'
    assert find(html, "input", name="draft")["value"] == "k1"
    assert find_all(html, "input", name="key")[0]["value"] != "k1"  # another tab may have it too
    assert len(find_all(html, class_="field")) == 1


def test_several_lines_keep_their_first_line_break(page: Client, lounge: Room, ann: Person) -> None:
    page.post("/rooms/lounge/compose/", {"tall": "1", "body": "x", "key": "k0"})
    save(lounge, ann, "\none\ntwo")
    html = page.get(PAGE).content.decode()
    assert "\n\none\ntwo</textarea>" in html  # a browser leaves out the first of them


def test_posting_without_a_socket_deletes_it(page: Client, lounge: Room, ann: Person) -> None:
    save(lounge, ann, "one")
    page.post(MESSAGES, {"body": "other", "key": "k9"})
    assert kept(lounge, ann) == "one"
    page.post(MESSAGES, {"body": "one more", "key": "k2", "draft": "k1"})
    assert not Draft.objects.exists()


# The socket ----------------------------------------------------------------------------


class Tab:
    """What the server keeps of one tab's drafts."""

    def __init__(self, room: Room, person: Person) -> None:
        self.drafter = drafts.Drafter(room.pk, person.pk)

    async def draft(self, body: Any, key: str = "k1", **more: Any) -> None:
        await self.drafter.keep({"action": "draft", "body": body, "key": key} | more)


@pytest.mark.django_db(transaction=True)
async def test_drafts_of_a_tab(lounge: Room, ann: Person) -> None:
    tab, read = Tab(lounge, ann), sync_to_async(kept)
    await tab.draft("on", lead="go ")
    assert await read(lounge, ann) == "go on"
    for bad in (7, "\ud800"):
        await tab.draft(bad)
    await tab.draft("no key", key="")
    await tab.draft("no key", key="'; --")
    assert await read(lounge, ann) == "go on"
    await tab.draft("nul\0\r\n")
    assert await read(lounge, ann) == "nul\n"
    await tab.drafter.let_go("k1", "")
    assert await read(lounge, ann) == ""
    await tab.draft("late")
    assert await read(lounge, ann) == ""


@pytest.mark.django_db(transaction=True)
async def test_a_tab_that_is_left_displaces_nothing_unless_something_was_typed_there(
    lounge: Room, ann: Person
) -> None:
    one, two, read = Tab(lounge, ann), Tab(lounge, ann), sync_to_async(kept)
    await one.draft("from one")
    await two.draft("old", key="k2", leaving=1)
    assert await read(lounge, ann) == "from one"
    two.drafter.has_typed = True
    await two.draft("new", key="k2", leaving=1)
    assert await read(lounge, ann) == "new"
    await one.draft("from one", leaving=1)
    assert await read(lounge, ann) == "new"
    await one.draft("from one, and more", leaving=1)
    assert await read(lounge, ann) == "from one, and more"


@pytest.mark.django_db(transaction=True)
async def test_a_draft_that_cannot_be_kept_ends_nothing(lounge: Room, ann: Person) -> None:
    tab = Tab(Room(pk=lounge.pk + 1000), ann)
    await tab.draft("of a room that is gone")
    assert not await Draft.objects.aexists()


@pytest.mark.django_db(transaction=True)
async def test_a_tab_remembers_no_more_than_it_may(lounge: Room, ann: Person) -> None:
    tab = Tab(lounge, ann)
    await tab.draft("x" * (LONGEST + 1), key="long")
    for n in range(drafts.MOST_KEYS + 5):
        await tab.draft("x", key=f"k{n}")
    assert len(tab.drafter.kept) == drafts.MOST_KEYS
    assert "long" not in tab.drafter.kept
