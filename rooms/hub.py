"""One hub per process: hears the rooms' Redis groups and hands fragments to its tabs."""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from rooms import audience as audiences
from rooms import context, presence
from rooms.audience import Audience, Tab
from rooms.events import Change, Notice, Typing, group_of_person
from rooms.missed import clocks
from rooms.models.room import group_of
from rooms.news import News
from rooms.presence import Presence
from rooms.typing import Typists

log = logging.getLogger(__name__)

REDIS_SECONDS = 2.0  # how long Redis may take to answer
MOST_OWN = 1000  # changes that are waited for; those that Redis lost are forgotten
SESSION_SECONDS = 10.0  # between looks whether sessions have ended, which Redis tells at once


class Hub:
    """Joins this process's tabs to the rooms' Redis groups, with one member a room."""

    _of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, "Hub"] = WeakKeyDictionary()

    @classmethod
    def here(cls) -> "Hub":
        """The hub of the running event loop."""
        loop = asyncio.get_running_loop()
        if loop not in cls._of_loop:
            cls._of_loop[loop] = cls()
        return cls._of_loop[loop]

    def __init__(self) -> None:
        self.audiences: dict[int, Audience] = {}
        self.presence = Presence(self._tabs)
        self.news = News(self.presence.is_elsewhere)
        self.typists: dict[int, Typists] = {}
        self._layer = get_channel_layer()
        self.channel: str | None = None  # its own at Redis, once it listens
        self.echoed = asyncio.Event()  # what was sent there came back
        self._opening = asyncio.Lock()
        self._heard: set[str] = set()  # groups
        self._unheard: dict[str, int] = {}  # groups that Redis is to be asked for, and their rooms
        self._returns = 0  # how often Redis had to be connected to again, up to the last check
        self._own: dict[tuple[int, int], bool] = {}  # rooms and versions that Redis is to bring back
        self._tasks: list[asyncio.Task[None]] = []
        self._catching_up: asyncio.Task[None] | None = None
        self._is_over = False
        self._sessions_at = 0.0  # when they were last looked at

    async def join(self, room_id: int, tab: Tab) -> Audience:
        """Have `tab` wait for what happens in the room. When this returns, whatever will not be
        handed to it, once it is admitted, can be read from the database."""
        self._start()
        audience = self.audiences.setdefault(room_id, Audience(room_id))
        audience.waiting.add(tab)
        await self._subscribe(group_of(room_id))
        if tab.person_id:
            await self._subscribe(group_of_person(tab.person_id))
        if not audience.is_started:
            clock, _, _ = (await clocks([room_id])).get(room_id, (0, 0, 0))
            audience.start(clock)
        return audience

    def leave(self, room_id: int, tab: Any) -> None:
        """Hand `tab` nothing more. The room's group is left at the next check, if no tab came."""
        self.news.leave(tab)
        if (audience := self.audiences.get(room_id)) is not None:
            audience.leave(tab)

    def hear(self, change: Change) -> None:
        """Take a change, from Redis or from this very process, to the tabs of its room, and to
        those that show the room beside another."""
        if (audience := self.audiences.get(change.room_id)) is not None:
            audience.hear(change)
        if change.message is not None and change.room_id in self.typists:
            self.typists[change.room_id].stopped(change.message.author_id)
        self.news.hear(change)

    def hear_own(self, change: Change) -> None:
        """Take a change of this very process to them, and not once more when Redis brings it back."""
        self.hear(change)
        self._own[change.room_id, change.version] = True
        if len(self._own) > MOST_OWN:
            del self._own[next(iter(self._own))]

    def hear_typing(self, typing: Typing) -> None:
        """Somebody is writing, here or in another process."""
        audience = self.audiences.get(typing.room_id)
        if audience is not None and audience.tabs:
            typists = self.typists.setdefault(typing.room_id, Typists(audience.give))
            typists.hear(typing.person_id, typing.name)

    async def tell_typing(self, typing: Typing) -> None:
        """Somebody is writing in a tab of this process."""
        self.hear_typing(typing)
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(REDIS_SECONDS):
                await self._layer.group_send(group_of(typing.room_id), typing.event())

    def hear_rooms(self, ids: Iterable[int]) -> None:
        """Have Redis send what happens in these rooms, which are news to somebody here; does not wait
        for it."""
        self._start()
        self._unheard.update({group_of(room_id): room_id for room_id in ids})
        if self._catching_up is None or self._catching_up.done():
            self._catching_up = asyncio.create_task(self._catch_up())

    async def close(self) -> None:
        """Stop listening; tabs are left as they are."""
        # A cancellation alone may be lost on the way through the work of a thread.
        self._is_over = True
        tasks = [*self._tasks, *([self._catching_up] if self._catching_up else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for audience in self.audiences.values():
            audience.stop()
        self.news.repair.stop()
        await self.presence.close()

    def _start(self) -> None:
        if not self._tasks:
            self._tasks += [asyncio.create_task(self._watch()), asyncio.create_task(self._beat())]

    def _tabs(self) -> dict[int, set[Tab]]:
        return {room_id: audience.tabs for room_id, audience in self.audiences.items()}

    @property
    def _groups(self) -> dict[str, int]:
        """The groups that the hub is to hear, each with the person whom it is about; 0: a room."""
        rooms = self.news.rooms | self.audiences.keys()
        coming = {tab.person_id for audience in self.audiences.values() for tab in audience.waiting}
        people = self.news.people.keys() | coming - {0}
        return dict.fromkeys(map(group_of, rooms), 0) | {group_of_person(pk): pk for pk in people}

    async def _catch_up(self) -> None:
        while self._unheard:
            group, room_id = self._unheard.popitem()
            if group in self._heard:
                continue
            # A Redis that fails for one group is not asked for the others before the next check.
            if not await self._subscribe(group):
                return self._unheard.clear()
            self.news.repair.suspect([room_id])

    async def _subscribe(self, group: str) -> bool:
        """Have Redis send what happens in the group; returns whether it will."""
        if group in self._heard:
            return True
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                async with self._opening:
                    if self.channel is None:
                        channel = await self._layer.new_channel("hub.")
                        self._tasks.append(asyncio.create_task(self._listen(channel)))
                        self.channel = channel
                await self._layer.group_add(group, self.channel)
            self._heard.add(group)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("%s: Redis cannot be asked to send it: %r", group, error)
        return group in self._heard

    async def _listen(self, channel: str) -> None:
        context.nobody()
        while True:
            try:
                event = await self._layer.receive(channel)
                if event["type"] == "notice":
                    self.news.notice(Notice.of(event))
                elif event["type"] == "typing":
                    self.hear_typing(Typing.of(event))
                elif event["type"] == "echo":
                    self.echoed.set()
                elif not self._own.pop((event["room"], event["version"]), False):
                    self.hear(Change.of(event))
            except Exception as error:  # noqa: BLE001 — others may write to Redis, and anything
                log.warning("an event on a group was not one of ours: %r", error)

    async def _watch(self) -> None:
        """Every few seconds: what Redis did not tell, what it was not asked, whom nobody watches."""
        context.nobody()
        while not self._is_over:
            await asyncio.sleep(audiences.CHECK_SECONDS)
            try:
                await self._check()
            except DatabaseError as error:
                log.warning("the rooms' clocks cannot be read: %s", error)
            except Exception:
                log.exception("the rooms' clocks could not be checked")

    async def _beat(self) -> None:
        context.nobody()
        while not self._is_over:
            await asyncio.sleep(presence.BEAT_SECONDS)
            try:
                await self.presence.beat()
                self.news.met(self.presence.states())
                await self.news.keep()
            except DatabaseError as error:
                log.warning("who is here, and has read what, cannot be kept: %s", error)
            except Exception:
                log.exception("who is here could not be told")

    async def _check(self) -> None:
        known = await clocks(self.news.rooms | self.audiences.keys())
        for room_id, (clock, latest_seq, last_seq) in known.items():
            if room_id in self.audiences:
                self.audiences[room_id].reached(clock)
            self.news.reached(room_id, latest_seq, last_seq)
        for room_id, audience in list(self.audiences.items()):
            audience.resumes.rest()
            if audience.is_empty:
                del self.audiences[room_id]  # at once: who joins from here on gets another
                self.typists.pop(room_id, None)
                audience.stop()
        if monotonic() - self._sessions_at > SESSION_SECONDS:
            self._sessions_at = monotonic()
            await self.news.end_sessions()
        self._unheard.update({group_of(room_id): room_id for room_id in self.news.rooms})
        await self._catch_up()
        late = set()
        for group, person_id in self._groups.items():
            if group not in self._heard:
                if not await self._subscribe(group):
                    break
                late.add(person_id)
        if (returns := self._layer.returns) != self._returns:
            self._returns = returns
            late |= self.news.people.keys()
        self.news.repair.doubt(late)
        for group in self._heard - self._groups.keys():
            if group not in self._groups:  # still: somebody may have come while another was left
                await self._unsubscribe(group)

    async def _unsubscribe(self, group: str) -> None:
        self._heard.discard(group)
        if self.channel is not None:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(REDIS_SECONDS):
                    await self._layer.group_discard(group, self.channel)
