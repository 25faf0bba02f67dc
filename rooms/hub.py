"""One hub per process: hears the rooms' Redis groups and hands fragments to its tabs.

A room's clock tells the hub what Redis cannot: it hears 9 and then 11, and knows that 10 is
missing. What is missing, or was never heard, it reads from the database. So whatever Redis
loses, repeats, delays or swaps, each tab is handed every change once, in order.
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import DatabaseError
from redis.exceptions import RedisError

from rooms import fragments
from rooms.changes import Change
from rooms.models import Message, Room
from rooms.models.room import group_of
from rooms.reading import reading

log = logging.getLogger(__name__)

CHECK_SECONDS = 2.0  # between looks at the clocks of the rooms that have tabs
GRACE_SECONDS = 0.05  # how long a gap may be mere disorder, before the database is asked
REDIS_SECONDS = 2.0  # how long Redis may take to answer
MOST_MISSED = 200  # changes; a tab or a hub that missed more gets the newest page instead
PAGE = 50  # messages
MOST_RENDERED = 4096  # changes kept for tabs that come back; some 3 MB


class Tab(Protocol):
    """What the hub needs of one tab."""

    resumed: bool  # whether what it gets moves its cursor

    def give(self, frame: str) -> None:
        """Take `frame` to be sent; never waits."""


class Audience:
    """One room's tabs in this process, and how far they have been told."""

    def __init__(self, room_id: int) -> None:
        self.room_id = room_id
        self.tabs: set[Tab] = set()
        self.version = 0
        self.is_started = False
        self.is_heard = False  # whether Redis sends this process what happens in the room
        self._clock = 0  # as the database last told
        self._early: dict[int, Change] = {}  # heard before what comes before them
        self._pending: list[str] = []  # fragments in order, for the next frame
        self._rests_until = 0.0
        self._repair: asyncio.Task[None] | None = None

    def start(self, clock: int) -> None:
        """Begin at `clock`: later changes are handed out, earlier ones a tab asks for."""
        if not self.is_started:
            self.is_started = True
            self._skip_to(clock)

    def hear(self, change: Change) -> None:
        """Hand `change` out once its turn has come; what is missing before it is fetched."""
        if change.version <= self.version:
            return
        self._early[change.version] = change
        if self.is_started:
            self._hand_out()

    def reached(self, clock: int) -> None:
        """The room's clock was seen at `clock`; what has not been heard of by then is fetched."""
        self._clock = clock
        self._mind_the_gap()

    def flush(self) -> None:
        """Send all that is pending, as one frame, to every tab."""
        if not self._pending:
            return
        began = monotonic()
        changed = "".join(self._pending)
        self._pending.clear()
        frame = changed + fragments.cursor(self.version)
        for tab in tuple(self.tabs):
            # A tab that has yet to resume lacks what came before: its cursor must stay there.
            tab.give(frame if tab.resumed else changed)
        # Half of the time is for others: what comes meanwhile goes out together. A room that is
        # not busy has waited long before anything comes.
        self._rests_until = 2 * monotonic() - began

    def close(self) -> None:
        if self._repair is not None:
            self._repair.cancel()

    def _hand_out(self) -> None:
        while (change := self._early.pop(self.version + 1, None)) is not None:
            self.version += 1
            self._queue(change.fragment)
        self._mind_the_gap()

    def _queue(self, fragment: str) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_later(self._rests_until - monotonic(), self.flush)
        self._pending.append(fragment)

    def _skip_to(self, version: int) -> None:
        self.version = version
        for passed in [early for early in self._early if early <= version]:
            del self._early[passed]
        self._hand_out()

    def _mind_the_gap(self) -> None:
        behind = self._early or self._clock > self.version
        if behind and (self._repair is None or self._repair.done()):
            self._repair = asyncio.create_task(self._fetch_missing())

    async def _fetch_missing(self) -> None:
        while True:
            await asyncio.sleep(GRACE_SECONDS)
            if not self._early and self._clock <= self.version:
                return  # it was disorder, not loss
            heard = list(self._early)
            try:
                missed = await missed_since(self.room_id, self.version)
            except Room.DoesNotExist:
                return
            except DatabaseError as error:
                log.warning("room %s: cannot read what is missing: %s", self.room_id, error)
                await asyncio.sleep(CHECK_SECONDS)
                continue
            if missed.page:
                self._queue(missed.page)
            for change in missed.changes:
                if change.version > self.version:
                    self._queue(change.fragment)
            for version in heard:
                # What was heard had been committed, unless it is no change of this room at all.
                if version > missed.version:
                    self._early.pop(version, None)
            self._skip_to(max(self.version, missed.version))


@dataclass(frozen=True, slots=True)
class Missed:
    """What leads from some earlier tick to `version`: the changes in order, or a whole page."""

    version: int
    changes: list[Change]
    page: str = ""

    @property
    def html(self) -> str:
        return self.page or "".join(change.fragment for change in self.changes)


@reading
def missed_since(room_id: int, version: int) -> Missed:
    """What happened in the room after the tick `version`. Where that is far too much, or the
    room was never there, the newest page, to replace what is shown."""
    # The clock is read first. What commits in between is then sent twice, and replaces itself;
    # the other way round it would be passed over.
    room = Room.objects.get(pk=room_id)
    if version <= room.clock:
        messages = Message.objects.changed_since(room_id, version, MOST_MISSED + 1)
        if len(messages) <= MOST_MISSED:
            changes = [_change(message) for message in messages]
            return Missed(max(room.clock, *(change.version for change in changes), 0), changes)
    page = Message.objects.page_before(room_id, size=PAGE)
    return Missed(room.clock, [], fragments.start_over(room, page))


_rendered: dict[tuple[int, int, datetime], Change] = {}


def _change(message: Message) -> Change:
    """The last change of `message`, rendered once for all the tabs that come back."""
    key = (message.pk, message.version, message.at)
    if key not in _rendered:
        if len(_rendered) >= MOST_RENDERED:
            _rendered.clear()
        _rendered[key] = Change(message.room_id, message.version, fragments.change(message))
    return _rendered[key]


@reading
def clocks(room_ids: Iterable[int]) -> dict[int, int]:
    """The clocks of these rooms, by room; one query for every 500."""
    ids = list(room_ids)
    found: dict[int, int] = {}
    for start in range(0, len(ids), 500):
        rooms = Room.objects.filter(pk__in=ids[start : start + 500])
        found.update(rooms.values_list("pk", "clock"))
    return found


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
        self._layer = get_channel_layer()
        self._channel: str | None = None
        self._opening = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, room_id: int, tab: Tab) -> Audience:
        """Hand `tab` what happens in the room from now on. When this returns, whatever will not
        be handed to it can be read from the database."""
        if not self._tasks:
            self._tasks.append(asyncio.create_task(self._watch()))
        audience = self.audiences.setdefault(room_id, Audience(room_id))
        audience.tabs.add(tab)
        if not audience.is_heard:
            await self._subscribe(audience)
        if not audience.is_started:
            audience.start((await clocks([room_id])).get(room_id, 0))
        return audience

    def leave(self, room_id: int, tab: Tab) -> None:
        """Hand `tab` nothing more. The room's group is left at the next check, if no tab came."""
        if (audience := self.audiences.get(room_id)) is not None:
            audience.tabs.discard(tab)

    def hear(self, change: Change) -> None:
        """Take a change, from Redis or from this very process, to the tabs of its room."""
        if (audience := self.audiences.get(change.room_id)) is not None:
            audience.hear(change)

    async def close(self) -> None:
        """Stop listening; tabs are left as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for audience in self.audiences.values():
            audience.close()

    async def _subscribe(self, audience: Audience) -> bool:
        """Have Redis send what happens in the room; returns whether it will."""
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                async with self._opening:
                    if self._channel is None:
                        channel = await self._layer.new_channel("hub.")
                        self._tasks.append(asyncio.create_task(self._listen(channel)))
                        self._channel = channel
                await self._layer.group_add(group_of(audience.room_id), self._channel)
            audience.is_heard = True
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("room %s: Redis cannot be asked to send it: %r", audience.room_id, error)
        return audience.is_heard

    async def _listen(self, channel: str) -> None:
        while True:
            try:
                event = await self._layer.receive(channel)
                change = Change(int(event["room"]), int(event["version"]), str(event["fragment"]))
                self.hear(change)
            except Exception as error:  # noqa: BLE001 — others may write to Redis, and anything
                log.warning("an event on a room's group was not a change: %r", error)

    async def _watch(self) -> None:
        """Every few seconds: what Redis did not tell, what it was not asked, whom nobody watches."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await self._check()
            except DatabaseError as error:
                log.warning("the rooms' clocks cannot be read: %s", error)
            except Exception:
                log.exception("the rooms' clocks could not be checked")

    async def _check(self) -> None:
        if self.audiences:
            for room_id, clock in (await clocks(list(self.audiences))).items():
                if room_id in self.audiences:
                    self.audiences[room_id].reached(clock)
        for audience in list(self.audiences.values()):
            if audience.tabs:
                # A Redis that fails for one room is not asked for the others now.
                if not audience.is_heard and not await self._subscribe(audience):
                    break
            else:
                await self._abandon(audience)

    async def _abandon(self, audience: Audience) -> None:
        del self.audiences[audience.room_id]  # at once: who joins from here on gets another
        audience.close()
        if self._channel is not None:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(REDIS_SECONDS):
                    await self._layer.group_discard(group_of(audience.room_id), self._channel)
