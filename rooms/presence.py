"""Who is here now, and who is typing. Never stored, and no tick of any clock.

Each process keeps one key in Redis that says which people its tabs show in which rooms, and
that expires: what a process knew is gone seconds after it was killed. Once a second it reads
the keys of the others. So a thousand people who come and go cost a process one look a second,
and a room's tabs one small frame now and then.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from secrets import token_hex
from time import monotonic, time
from typing import Any, Protocol, cast

from django.conf import settings
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from project.redis_servers import async_pool, pool
from rooms import fragments
from rooms.models import Person
from rooms.reading import reading

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0  # between looks
REFRESH_SECONDS = 3.0  # between writes of what has not changed
EXPIRES_SECONDS = 8  # after which a process that no longer writes has no people
IDLE_SECONDS = 300.0  # without a sign of the person, who is then away
MOST_SHOWN = 20  # people by name
MOST_NAMES = 1000  # that are remembered for a while, and so may be old ones
TABS_PER_SECOND = 200  # that are told of comings and goings in one room

HERE, AWAY = 2, 1

Rooms = dict[int, dict[int, int]]  # by room, by person: HERE or AWAY


class Tab(Protocol):
    """What presence needs of one tab."""

    person_id: int
    room_id: int
    is_seen: bool
    active_at: float  # when the person last gave a sign, by the monotonic clock

    def give(self, frame: str) -> None: ...


def merged(parts: Iterable[Rooms]) -> Rooms:
    """The people of all the rooms of `parts`; who is here by one of them is not away."""
    rooms: Rooms = {}
    for part in parts:
        for room_id, people in part.items():
            room = rooms.setdefault(room_id, {})
            for person_id, state in people.items():
                room[person_id] = max(state, room.get(person_id, 0))
    return rooms


def _states(rooms: Rooms) -> dict[int, int]:
    people: dict[int, int] = {}
    for room in rooms.values():
        for person_id, state in room.items():
            people[person_id] = max(state, people.get(person_id, 0))
    return people


def states_now() -> dict[int, int]:
    """Everybody on the site, by id, each HERE or AWAY, as the processes said it last; for pages.
    Nobody, where Redis does not answer."""
    try:
        redis = _redis(settings.REDIS)
        keys = cast(list[bytes], redis.zrange(Keys().index, 0, -1))
        said = redis.mget(keys) if keys else []
    except (RedisError, OSError) as error:
        log.warning("who is here cannot be read: %r", error)
        return {}
    return _states(merged(map(_read, said)))


@cache
def _redis(url: str) -> SyncRedis:
    # Once more: a Redis that was started anew has dropped the connections there were.
    retry = Retry(NoBackoff(), 1)
    return SyncRedis.from_pool(
        pool(url, socket_timeout=BEAT_SECONDS, socket_connect_timeout=BEAT_SECONDS, retry=retry)
    )


def states_of(tabs: Iterable[Tab]) -> dict[int, int]:
    """The people of these tabs: here where one of them is seen and in use, else away."""
    people: dict[int, int] = {}
    now = monotonic()
    for tab in tabs:
        if not tab.person_id:
            continue  # no person's: a command that listens
        state = HERE if tab.is_seen and now - tab.active_at < IDLE_SECONDS else AWAY
        people[tab.person_id] = max(state, people.get(tab.person_id, 0))
    return people


class Keys:
    """The keys in Redis: one for each process, and a list of these."""

    def __init__(self) -> None:
        prefix = settings.REDIS_PREFIX
        self.index = f"{prefix}:processes"
        self.own = f"{prefix}:people:{token_hex(8)}"


def _read(value: bytes | str | None) -> Rooms:
    try:
        rooms = json.loads(value or "{}")
        return {
            int(room): {int(person): HERE if state == HERE else AWAY for person, state in people.items()}
            for room, people in rooms.items()
            if all(0 < int(person) < 2**63 for person in people)
        }
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):
        return {}  # others may write to Redis, and anything


class Presence:
    """Who is in the rooms of this site, as far as this process knows."""

    def __init__(self, tabs: Callable[[], dict[int, set[Any]]]) -> None:
        self.rooms: Rooms = {}
        self._tabs = tabs  # of this process, by room
        self._keys = Keys()
        self._redis: Redis | None = None
        self._said: tuple[str, float] = ("", 0.0)
        self._others: tuple[list[Rooms], float] = ([], 0.0)
        self._shown: dict[int, tuple[dict[int, int], float]] = {}  # by room: what, until when it rests
        self._html: dict[int, tuple[dict[int, int], str]] = {}  # by room: of whom, and how they are shown
        self._names: dict[int, str] = {}

    async def beat(self) -> None:
        """Say who is here, hear who is elsewhere, and show it where it has changed."""
        tabs = self._tabs()
        own = {room_id: states_of(room_tabs) for room_id, room_tabs in tabs.items() if room_tabs}
        others = await self._exchange(own)
        self.rooms = merged([own, *others])
        for room_id, room_tabs in tabs.items():
            await self._show(room_id, room_tabs)
        for room_id in self._shown.keys() - tabs.keys():
            del self._shown[room_id]
        self._html.clear()

    def states(self) -> dict[int, int]:
        """Everybody on the site."""
        return _states(self.rooms)

    def is_elsewhere(self, person_id: int, room_id: int) -> bool:
        """Whether the person has the room before them in another process."""
        return any(rooms.get(room_id, {}).get(person_id) == HERE for rooms in self._others[0])

    async def close(self) -> None:
        if self._redis is not None:
            with suppress(RedisError, OSError, TimeoutError):  # what stays expires
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._redis.delete(self._keys.own)
            await self._redis.aclose()

    async def _exchange(self, own: Rooms) -> list[Rooms]:
        """Write what is `own`, and read what the other processes wrote."""
        now = monotonic()
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                if self._redis is None:
                    self._redis = Redis.from_pool(async_pool(settings.REDIS))
                said = json.dumps(own)
                pipe = self._redis.pipeline(transaction=False)
                is_due = said != self._said[0] or now > self._said[1]
                if is_due:
                    pipe.set(self._keys.own, said, ex=EXPIRES_SECONDS)
                    pipe.zadd(self._keys.index, {self._keys.own: time() + EXPIRES_SECONDS})
                    pipe.zremrangebyscore(self._keys.index, 0, time() - EXPIRES_SECONDS)
                pipe.zrange(self._keys.index, 0, -1)
                keys = [key for key in (await pipe.execute())[-1] if key.decode() != self._keys.own]
                if is_due:
                    self._said = (said, now + REFRESH_SECONDS)
                others = list(map(_read, await self._redis.mget(keys))) if keys else []
                self._others = (others, now + EXPIRES_SECONDS)
        except (RedisError, OSError, TimeoutError, UnicodeDecodeError) as error:
            self._said = ("", 0.0)
            if now > self._others[1]:
                self._others = ([], now + EXPIRES_SECONDS)
                log.warning("who is here cannot be told or heard: %r", error)
        return self._others[0]

    async def _show(self, room_id: int, tabs: set[Any]) -> None:
        people = self.rooms.get(room_id, {})
        shown, rests_until = self._shown.get(room_id, ({}, 0.0))
        if people == shown or monotonic() < rests_until:
            return
        self._shown[room_id] = (people, monotonic() + len(tabs) / TABS_PER_SECOND)
        html = await self.fragment(room_id)
        for tab in tuple(tabs):
            tab.give(html)

    async def fragment(self, room_id: int) -> str:
        """Who is in the room now, as a fragment."""
        people = self.rooms.get(room_id, {})
        of_whom, html = self._html.get(room_id, ({}, ""))
        if of_whom is people and html:  # whoever comes at the same time is shown the same
            return html
        first = sorted(people, key=lambda person_id: (-people[person_id], person_id))[:MOST_SHOWN]
        if unknown := [person_id for person_id in first if person_id not in self._names]:
            if len(self._names) + len(unknown) > MOST_NAMES:
                self._names.clear()
            self._names.update(await names_of(unknown))
        named = [(pk, self._names.get(pk, ""), people[pk]) for pk in first]
        html = fragments.present(named, len(people))
        if people:
            self._html[room_id] = (people, html)
        return html


@reading
def names_of(people_ids: list[int]) -> dict[int, str]:
    """What these people are called."""
    return dict(Person.objects.filter(pk__in=people_ids).values_list("pk", "username"))
