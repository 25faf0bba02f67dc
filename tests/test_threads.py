"""Side conversations under one message: in the room's past and its search, not among what it shows."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction
from django.test import Client
from django.utils import timezone

from rooms import (
    audience,
    changes,
    drafts,
    files,
    missed,
    publishing,
    recording,
    threads,
    unread,
)
from rooms.access import Refused
from rooms.accounts.closing import close
from rooms.hub import Hub
from rooms.missed import missed_since
from rooms.models import Block, Following, Level, Membership, Message, Person, Room, Thread
from rooms.recording import Posting, Said
from rooms.search.results import search
from rooms.sidebar import sidebar
from rooms.standing import known_of
from rooms.view import View
from tests.html import find, find_all
from tests.page import Page
from tests.waiting import SECONDS, until

pytestmark = pytest.mark.django_db

ROOM = "/rooms/lounge/"
THREAD = f"{ROOM}messages/1/thread/"


@pytest.fixture
def said(lounge: Room, ann: Person) -> Message:
    """What the thread is under; its seq is 1."""
    Membership.join(lounge.pk, ann.pk)
    return changes.post(lounge, ann, "Where do we eat?")


def seqs(response: object) -> list[int]:
    return [int(one["data-seq"]) for one in find_all(response.content, "li", class_="message")]  # type: ignore[attr-defined]


def grouped(response: object) -> list[int]:
    shown = find_all(response.content, "li", class_="message")  # type: ignore[attr-defined]
    return [int(one["data-seq"]) for one in shown if "grouped" in one["class"]]


def line(message: Message) -> object:
    """What the message says of the thread under it."""
    extras = Message.objects.get(pk=message.pk).extras or {}
    return extras.get("thread", {}).get("count")


@pytest.fixture
def reader(client: Client, ann: Person) -> Client:
    client.force_login(ann)
    return client


# What is said in one --------------------------------------------------------------------


def test_it_is_one_tick_and_the_message_above_another(lounge: Room, said: Message, bob: Person) -> None:
    message = changes.post(lounge, bob, "at the harbour", thread=said.seq)
    lounge.refresh_from_db()
    assert (message.thread_seq, message.seq, lounge.clock) == (said.seq, 3, 3)
    assert Message.objects.get(pk=said.pk).version == 2
    assert line(said) == 1
    assert (lounge.last_seq, lounge.latest_seq) == (1, 3)


def test_under_a_message_of_a_thread_it_is_the_same_thread(lounge: Room, said: Message, bob: Person) -> None:
    first = changes.post(lounge, bob, "one", thread=said.seq)
    second = changes.post(lounge, bob, "two", thread=first.seq)
    assert second.thread_seq == said.seq and Thread.objects.count() == 1


@pytest.mark.parametrize("seq", [2, 99, 2**62])
def test_under_what_is_not_there_nothing_is_said(lounge: Room, said: Message, bob: Person, seq: int) -> None:
    with pytest.raises(Refused):
        changes.post(lounge, bob, "?", thread=seq)
    lounge.refresh_from_db()
    assert (lounge.clock, Message.objects.count(), Thread.objects.count()) == (1, 1, 0)


def test_under_a_deleted_message_none_begins_and_one_goes_on(
    lounge: Room, said: Message, ann: Person, bob: Person
) -> None:
    other = changes.post(lounge, ann, "never mind")
    changes.post(lounge, bob, "at the harbour", thread=said.seq)
    changes.delete(said, ann)
    changes.delete(other, ann)
    changes.post(lounge, bob, "or at home", thread=said.seq)
    assert line(said) == 2  # a thread stays where its message is gone
    with pytest.raises(Refused):
        changes.post(lounge, bob, "why not?", thread=other.seq)


def test_the_same_said_again_is_not_said_twice(lounge: Room, said: Message, bob: Person) -> None:
    one = changes.post(lounge, bob, "at the harbour", thread=said.seq, key="k")
    assert changes.post(lounge, bob, "at the harbour", thread=said.seq, key="k") == one
    assert line(said) == 1
    lounge.refresh_from_db()
    assert lounge.clock == 3


def test_a_deleted_one_counts_no_more(lounge: Room, said: Message, bob: Person) -> None:
    message = changes.post(lounge, bob, "at the harbour", thread=said.seq)
    changes.post(lounge, bob, "or at home", thread=said.seq)
    changes.delete(message, bob)
    assert line(said) == 1


def test_purged_ones_count_no_more_and_an_empty_thread_is_gone(
    lounge: Room, said: Message, bob: Person
) -> None:
    kept = [changes.post(lounge, bob, text, thread=said.seq) for text in ("one", "two", "three")]
    purge(lounge, kept[:1])
    assert line(said) == 2
    purge(lounge, kept[1:])
    assert line(said) is None and not Thread.objects.exists()


def purge(room: Room, messages: list[Message]) -> None:
    with transaction.atomic():
        changes.purge(Room.objects.select_for_update().get(pk=room.pk), messages)


def test_what_is_left_of_a_purged_message_can_be_read(
    reader: Client, lounge: Room, said: Message, bob: Person
) -> None:
    changes.post(lounge, bob, "at the harbour", thread=said.seq)
    purge(lounge, [said])
    response = reader.get(THREAD)
    assert seqs(response) == [3] and b"not kept any more" in response.content
    assert reader.get(f"{ROOM}messages/9/thread/").status_code == 404


def test_files_go_into_one(lounge: Room, said: Message, bob: Person) -> None:
    message = files.post(lounge, bob, "a map", [], thread=said.seq)
    assert message.thread_seq == said.seq


# Where it is shown ------------------------------------------------------------------------


@pytest.fixture
def talk(lounge: Room, said: Message, ann: Person, bob: Person) -> list[int]:
    """ann 1; bob 3 and 5 under it; ann 6, in the room again; ann 8 under it. Returns these seqs."""
    said_since = [
        changes.post(lounge, bob, "at the harbour", thread=1),
        changes.post(lounge, bob, "they have fish", thread=1),
        changes.post(lounge, ann, "and bring a coat"),
        changes.post(lounge, ann, "agreed", thread=1),
    ]
    return [1, *(message.seq for message in said_since)]


def test_the_room_leaves_it_out_and_its_past_does_not(reader: Client, talk: list[int]) -> None:
    assert talk == [1, 3, 5, 6, 8]
    assert seqs(reader.get(ROOM)) == [1, 6]
    assert seqs(reader.get(THREAD)) == [1, 3, 5, 8]
    assert seqs(reader.get(f"{ROOM}history/")) == talk
    assert seqs(reader.get(f"{ROOM}history/{timezone.localdate():%Y/%m/%d}/")) == talk
    assert seqs(reader.get(f"{ROOM}messages/?before=99")) == [1, 6]
    assert seqs(reader.get(f"{ROOM}messages/?before=6&thread=1")) == [3, 5]
    assert seqs(reader.get(f"{ROOM}messages/1/newer/")) == [6]
    assert seqs(reader.get(f"{ROOM}messages/3/newer/?thread=1")) == [5, 8]
    assert seqs(reader.get(f"{ROOM}messages/?after=4&thread=1")) == [5, 8]


def test_each_is_grouped_with_what_stands_above_it(reader: Client, talk: list[int]) -> None:
    assert grouped(reader.get(ROOM)) == [6]  # ann after ann, though bob wrote in between
    assert grouped(reader.get(THREAD)) == [5]
    assert grouped(reader.get(f"{ROOM}history/")) == [5]


def test_the_room_is_live_where_the_last_message_is_in_a_thread(reader: Client, talk: list[int]) -> None:
    assert find(reader.get(f"{ROOM}?before=99").content, id="composer").name == "div"
    page = reader.get(f"{ROOM}messages/6/")
    assert seqs(page) == [1, 6] and not find(page.content, id="room").get("hx-trigger")


def test_the_link_to_one_leads_into_the_thread(reader: Client, talk: list[int]) -> None:
    response = reader.get(f"{ROOM}messages/5/")
    assert response["Location"] == f"{THREAD}?at=5#message-5"
    page = reader.get(f"{THREAD}?at=5")
    assert seqs(page) == [1, 3, 5, 8] and "here" in find(page.content, id="message-5")["class"]
    assert reader.get(f"{ROOM}messages/5/thread/")["Location"] == f"{THREAD}?at=5#message-5"
    assert seqs(reader.get(f"{THREAD}?before=5")) == [1, 3]
    assert seqs(reader.get(f"{THREAD}?before=2")) == [1, 3, 5, 8]  # nothing is older


def test_it_is_found(lounge: Room, talk: list[int], ann: Person) -> None:
    assert [hit.message.seq for hit in search("fish", ann).hits] == [5]


def test_without_javascript(reader: Client, lounge: Room, said: Message) -> None:
    form = find_all(reader.get(THREAD).content, "form", class_="send")[0]
    response = reader.post(form["action"], {"body": "at the harbour", "key": "k"})
    assert response["Location"] == THREAD
    assert Message.objects.get(seq=3).thread_seq == 1
    page = reader.post(form["action"], {"body": " "})
    assert page.status_code == 422 and seqs(page) == [1, 3]
    page = reader.post(form["action"].replace("thread=1", "thread=77"), {"body": "lost?"})
    assert page.status_code == 403 and b"lost?" in page.content


def test_drafts_are_kept_for_each(reader: Client, lounge: Room, said: Message, ann: Person) -> None:
    drafts.save(lounge.pk, ann.pk, "one", "in the room")
    drafts.save(lounge.pk, ann.pk, "two", "in the thread", thread=1)
    assert find(reader.get(ROOM).content, "input", name="body")["value"] == "in the room"
    assert find(reader.get(THREAD).content, "input", name="body")["value"] == "in the thread"


# Who is told ------------------------------------------------------------------------------


def test_who_takes_part_follows_until_they_do_not_wish_to(
    reader: Client, lounge: Room, said: Message, ann: Person, bob: Person, person: Callable[..., Person]
) -> None:
    eve = person("eve")
    Membership.join(lounge.pk, eve.pk)
    _, change = record(lounge, bob, "at the harbour")
    assert change.followers == (ann.pk,)
    _, change = record(lounge, eve, "I come too")
    assert set(change.followers) == {ann.pk, bob.pk}
    reader.post(f"{ROOM}messages/1/follow/", {"on": "0"})
    _, change = record(lounge, eve, "with a friend")
    assert change.followers == (bob.pk,)
    reader.post(f"{ROOM}messages/1/follow/", {"on": "1"})
    Block.objects.create(person=bob, blocked=eve)
    _, change = record(lounge, eve, "or two")
    assert change.followers == (ann.pk,)
    Membership.objects.filter(person=ann).update(level=Level.NOTHING)
    _, change = record(lounge, eve, "or three")
    assert change.followers == ()
    Membership.objects.filter(person=ann).delete()
    _, change = record(lounge, eve, "or four")
    assert change.followers == ()


def record(room: Room, author: Person, body: str) -> tuple[Message, changes.Change]:
    message, change = recording.record(Posting(room.pk, author, Said(body, thread=1)))
    assert change is not None
    return message, change


def test_whoever_is_named_in_one_follows_it(
    reader: Client, lounge: Room, said: Message, bob: Person, person: Callable[..., Person]
) -> None:
    eve = person("eve")
    Membership.join(lounge.pk, eve.pk)
    _, change = record(lounge, bob, "@eve, come too")
    assert set(change.followers) == {said.author_id, eve.pk} and change.mentioned == (eve.pk,)
    assert threads.is_any_new(eve.pk)
    assert Membership.objects.get(person=eve).mentions == 1
    changes.post(lounge, bob, "@eve?")  # in the room
    threads.mark_read(eve.pk, lounge.pk, 1)
    assert not threads.is_any_new(eve.pk)
    assert Membership.objects.get(person=eve).mentions == 1  # that in the room
    record(lounge, bob, "@eve!")
    lounge.refresh_from_db()
    unread.mark_read(lounge.pk, [eve.pk], lounge.latest_seq)
    assert Membership.objects.get(person=eve).mentions == 0
    assert threads.is_any_new(eve.pk)  # the room was read, the thread was not
    changes.post(lounge, bob, "@eve!!")
    threads.mark_read(eve.pk, lounge.pk, 1)
    assert Membership.objects.get(person=eve).mentions == 1


def test_what_nobody_was_told_of_is_not_new(
    lounge: Room, said: Message, ann: Person, bob: Person, person: Callable[..., Person]
) -> None:
    Block.objects.create(person=ann, blocked=bob)
    message, _ = record(lounge, bob, "at the harbour")
    assert not threads.is_any_new(ann.pk)
    Block.objects.all().delete()
    eve = person("eve")
    Membership.join(lounge.pk, eve.pk)
    own, _ = record(lounge, eve, "I come too")
    assert threads.is_any_new(ann.pk)
    Membership.objects.filter(person=ann).update(level=Level.NOTHING)
    assert not threads.is_any_new(ann.pk)
    Membership.objects.filter(person=ann).update(level=Level.MENTIONS)
    changes.delete(own, eve)
    changes.delete(message, bob)
    assert not threads.is_any_new(ann.pk)  # nothing is left of it


def test_the_list_of_threads(reader: Client, lounge: Room, talk: list[int], ann: Person, bob: Person) -> None:
    response = reader.get("/threads/")
    assert b"they have fish" not in response.content and seqs(response) == [1]
    assert not find_all(response.content, class_="badge")
    changes.post(lounge, bob, "at eight", thread=1)
    assert find(reader.get("/threads/").content, class_="badge").text == "New"
    assert "some" in find(reader.get(ROOM).content, id="news-threads")["class"]
    reader.get(THREAD)
    assert "none" in find(reader.get(ROOM).content, id="news-threads")["class"]
    Membership.objects.filter(person=ann).delete()
    Room.objects.filter(pk=lounge.pk).update(kind="private")
    assert seqs(reader.get("/threads/")) == []


def test_marked_as_read_with_everything_else(
    reader: Client, lounge: Room, talk: list[int], bob: Person
) -> None:
    changes.post(lounge, bob, "at eight", thread=1)
    reader.post("/read/")
    assert "none" in find(reader.get(ROOM).content, id="news-threads")["class"]
    assert Following.objects.get(person=bob).read_seq == 10


def test_a_thread_does_not_make_its_room_new(lounge: Room, talk: list[int], bob: Person) -> None:
    unread.mark_read(lounge.pk, [bob.pk], 6)
    changes.post(lounge, Person.objects.get(username="ann"), "at eight", thread=1)
    assert [entry.is_new for entry in sidebar(bob).entries] == [False]


# Live -------------------------------------------------------------------------------------


@pytest.fixture
def watch(lounge: Room, here: Hub, impatient: None) -> Callable[..., Awaitable[Page]]:
    """await watch(person, thread): a tab in the hub, of the room or of a thread of it."""

    async def make(who: Person, thread: int = 0, cursor: int = 0) -> Page:
        page = Page(cursor)
        page.view, page.person_id, page.room_id = View(thread=thread), who.pk, lounge.pk
        assert (await here.join(lounge.pk, page)).admit(page)
        known = await known_of(who.pk)
        here.news.join(page, known)  # type: ignore[arg-type]
        here.hear_rooms(room.room_id for room in known)
        return page

    return make


@pytest.mark.django_db(transaction=True)
async def test_each_tab_is_shown_what_it_is_about(
    watch: Callable[..., Awaitable[Page]], lounge: Room, said: Message, ann: Person, bob: Person
) -> None:
    whole, aside, other = await watch(ann), await watch(ann, 1), await watch(ann, 99)
    await changes.apost(lounge, bob, "at the harbour", thread=1)
    await changes.apost(lounge, bob, "in the room")
    await until(lambda: all(page.cursor == 4 for page in (whole, aside, other)))
    assert whole.texts == ["in the room"]
    assert aside.texts == ["at the harbour"]
    assert other.texts == []


@pytest.mark.django_db(transaction=True)
async def test_far_too_much_missed_brings_each_its_newest_page(
    lounge: Room, talk: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed, "MOST_MISSED", 1)
    found = await missed_since(lounge.pk, 0, View("UTC", 0), View("UTC", 1))
    whole, aside = Page(), Page()
    whole.give(found.html("UTC", 0))
    aside.give(found.html("UTC", 1))
    assert list(whole.shown) == [1, 6]
    assert list(aside.shown) == [1, 3, 5, 8]
    assert found.html("UTC", 7) == ""  # who shows it came later


@pytest.mark.django_db(transaction=True)
async def test_who_follows_is_shown_that_something_is_new_unless_they_look_at_it(
    watch: Callable[..., Awaitable[Page]], lounge: Room, said: Message, ann: Person, bob: Person
) -> None:
    await changes.apost(lounge, bob, "at the harbour", thread=1)
    _, aside, _ = await watch(ann), await watch(ann, 1), await watch(bob)
    aside.is_seen = True
    await changes.apost(lounge, bob, "they have fish", thread=1)

    @sync_to_async
    def read() -> int:
        return Following.objects.get(person=ann).read_seq

    async with asyncio.timeout(SECONDS):
        while await read() < 5:
            await asyncio.sleep(0.01)
    here = Hub.here().news.people
    assert not here[ann.pk].is_any_thread_new and not here[bob.pk].is_any_thread_new
    aside.is_seen = False
    await changes.apost(lounge, bob, "and wine", thread=1)
    await until(lambda: here[ann.pk].is_any_thread_new)
    assert not here[bob.pk].is_any_thread_new
    await sync_to_async(threads.mark_read)(ann.pk, lounge.pk, 1)
    await publishing.notify(changes.Notice(ann.pk, "threads"))
    await until(lambda: not here[ann.pk].is_any_thread_new)
    await changes.apost(lounge, bob, "and song", thread=1)
    await until(lambda: here[ann.pk].is_any_thread_new)
    await publishing.notify(changes.Notice(ann.pk, "read"))  # all of it
    await until(lambda: not here[ann.pk].is_any_thread_new)


@pytest.mark.django_db(transaction=True)
async def test_who_is_named_in_the_thread_they_look_at_is_told_nothing(
    watch: Callable[..., Awaitable[Page]], lounge: Room, said: Message, ann: Person, bob: Person
) -> None:
    aside = await watch(ann, 1)
    aside.is_seen = True
    await changes.apost(lounge, bob, "@ann, at the harbour", thread=1)

    @sync_to_async
    def mentions() -> int:
        mine = Membership.objects.get(person=ann)
        return mine.mentions if Following.objects.get(person=ann).read_seq == 3 else -1

    async with asyncio.timeout(SECONDS):
        while await mentions() != 0:
            await asyncio.sleep(0.01)
    here = Hub.here().news.people[ann.pk]
    assert here.rooms[lounge.pk].mentions == 0 and not here.is_any_thread_new
    here.is_any_thread_new = True  # as a page says that was made before it was recorded
    await changes.apost(lounge, bob, "and wine", thread=1)
    await until(lambda: not here.is_any_thread_new)
    aside.is_seen = False
    await changes.apost(lounge, bob, "@ann?", thread=1)
    await until(lambda: here.rooms[lounge.pk].mentions == 1 and here.is_any_thread_new)


@pytest.mark.django_db(transaction=True)
async def test_what_redis_lost_is_told_without_making_the_room_new(
    watch: Callable[..., Awaitable[Page]],
    lounge: Room,
    said: Message,
    ann: Person,
    bob: Person,
    person: Callable[..., Person],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await changes.apost(lounge, bob, "at the harbour", thread=1)
    await sync_to_async(unread.mark_read)(lounge.pk, [ann.pk], 3)
    await sync_to_async(threads.mark_read)(ann.pk, lounge.pk, 1)
    page = await watch(ann, 1)
    here = Hub.here().news.people[ann.pk]
    assert not here.is_any_thread_new
    monkeypatch.setattr(publishing, "publish_after_commit", lambda change: None)
    await sync_to_async(changes.post)(lounge, bob, "they have fish", thread=1)
    await until(lambda: here.is_any_thread_new)
    assert not here.rooms[lounge.pk].is_new
    await until(lambda: page.texts == ["they have fish"])


@pytest.mark.django_db(transaction=True)
async def test_who_comes_while_far_too_much_is_fetched_misses_nothing(
    watch: Callable[..., Awaitable[Page]],
    lounge: Room,
    talk: list[int],
    ann: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(missed, "MOST_MISSED", 1)
    real, late = audience.missed_since, Page(8)
    late.view, late.person_id, late.room_id = View(thread=1), ann.pk, lounge.pk
    whole = await watch(ann)

    async def somebody_comes(*about: object) -> object:
        found = await real(*about)  # type: ignore[arg-type]
        if not late.cursor or late not in Hub.here().audiences[lounge.pk].tabs:
            (await Hub.here().join(lounge.pk, late)).admit(late)
        return found

    monkeypatch.setattr(audience, "missed_since", somebody_comes)
    monkeypatch.setattr(publishing, "publish_after_commit", lambda change: None)
    for n in range(3):
        await sync_to_async(changes.post)(lounge, ann, f"number {n}", thread=1)
    await until(lambda: late.cursor == whole.cursor == 14)
    assert late.texts[-3:] == ["number 0", "number 1", "number 2"]


def test_an_account_that_closes_follows_nothing(lounge: Room, talk: list[int], bob: Person) -> None:
    close(bob)
    assert not Following.objects.filter(person=bob).exists()
