"""One room's tabs in this process, and how far they have been told.

A room's clock tells what Redis cannot: who hears 9 and then 11 knows that 10 is missing. What is
missing, or was never heard, is read from the database. So whatever Redis loses, repeats, delays
or swaps, each tab is handed every change once, in order.
"""

import asyncio
import logging
from time import monotonic
from typing import Protocol

from django.db import DatabaseError
from django.utils.translation import gettext_noop

from rooms import access, fragments, metrics, recording
from rooms.events import Change
from rooms.missed import Shown, missed_since
from rooms.models import Room
from rooms.reading import reading
from rooms.resumes import Resumes
from rooms.view import View

log = logging.getLogger(__name__)

CHECK_SECONDS = 2.0  # between looks at the clocks of the rooms that have tabs
MOST_REST_SECONDS = 0.02  # between two frames, where sending them takes less
MORE_SECONDS = 0.002  # how soon after a change the next one is, while much is said
GRACE_SECONDS = 0.05  # how long a gap may be mere disorder, before the database is asked
NOT_TOLD_WHY = gettext_noop("You are not in this room any more.")

members_among = reading(access.members_among)


class Tab(Protocol):
    """What the hub needs of one tab."""

    person_id: int
    view: View
    resumed: bool  # whether what it gets moves its cursor

    def give(self, frame: str) -> None:
        """Take `frame` to be sent; never waits."""

    def expel(self, why: str) -> None:
        """Its person may not be here: say why, and close."""

    def room_renamed(self, name: str) -> None:
        """The room that it shows is called so now."""


class Audience:
    """One room's tabs in this process, and how far they have been told."""

    def __init__(self, room_id: int) -> None:
        self.room_id = room_id
        self.tabs: set[Tab] = set()
        self.waiting: set[Tab] = set()  # until it is known that their people may be here
        self.resumes = Resumes(room_id)
        self.version = 0
        self.is_started = False
        self._clock = 0  # as the database last told
        self._early: dict[int, Change] = {}  # heard before what comes before them
        self._pending: list[Shown] = []  # in order, for the next frame
        self._along: dict[Tab, str] = {}  # for one tab alone, in the same frame
        self._rests_until = self._rests_at_most_until = self._queued_at = 0.0
        self._repair: asyncio.Task[None] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.tabs and not self.waiting

    def start(self, clock: int) -> None:
        """Begin at `clock`: later changes are handed out, earlier ones a tab asks for."""
        if not self.is_started:
            self.is_started = True
            self._skip_to(clock)

    def stop(self) -> None:
        """Nobody is here: what happens from now on is kept for nobody."""
        if self._repair is not None:
            self._repair.cancel()
            self._repair = None
        self.is_started = False
        self._early.clear()
        self._pending.clear()
        self._along.clear()

    def admit(self, tab: Tab) -> bool:
        """Hand `tab`, which waited, what happens from now on. Returns whether it may stay."""
        if tab not in self.waiting:
            return False  # its person was expelled meanwhile
        self.waiting.discard(tab)
        self.tabs.add(tab)
        return True

    def leave(self, tab: Tab) -> None:
        self.tabs.discard(tab)
        self.waiting.discard(tab)

    def hear(self, change: Change) -> None:
        """Hand `change` out once its turn has come; what is missing before it is fetched."""
        if self.is_empty or change.version <= self.version:
            return
        self._early[change.version] = change
        if self.is_started:
            self._hand_out()

    def reached(self, clock: int) -> None:
        """The room's clock was seen at `clock`; what has not been heard of by then is fetched."""
        self._clock = clock
        if self.is_started and not self.is_empty:
            self._mind_the_gap()

    def flush(self) -> None:
        """Send all that is pending, as one frame, to every tab."""
        if not self._pending:
            return
        began = monotonic()
        pending, self._pending = self._pending, []
        along, self._along = self._along, {}
        cursor = fragments.cursor(self.version)
        frames: dict[View, tuple[str, str]] = {}
        view, frames_of_view = None, ("", "")
        for tab in tuple(self.tabs):
            if tab.view is not view:  # nearly all have one and the same
                view = tab.view
                if view not in frames:
                    changed = "".join(shown.html(*view) for shown in pending)
                    frames[view] = (changed, changed + cursor)
                frames_of_view = frames[view]
            # A tab that has yet to resume lacks what came before: its cursor must stay there.
            frame = frames_of_view[tab.resumed]
            if along and tab in along:
                frame += along[tab]
            if frame:
                tab.give(frame)
        metrics.flushed(pending, len(self.tabs))
        # Some of the time is for others, and more while much is being said: what comes meanwhile goes out
        # together. A room that is not busy has waited long before anything comes.
        now = monotonic()
        self._rests_until = now + (now - began) / 4
        self._rests_at_most_until = now + min(4 * (now - began), MOST_REST_SECONDS)

    def expel(self, people_ids: set[int], why: str) -> None:
        """Close the tabs of these people. They have had what came before, and get nothing more."""
        self.flush()
        for tab in [*self.tabs, *self.waiting]:
            if tab.person_id in people_ids:
                self.leave(tab)
                tab.expel(why)

    def give(self, html: str) -> int:
        """Send something that is no change of the room to every tab; returns how many they are."""
        for tab in tuple(self.tabs):
            tab.give(html)
        return len(self.tabs)

    def give_along(self, tab: Tab, html: str) -> None:
        """Send it to one tab: with what is pending, if anything is, else at once."""
        if self._pending and tab in self.tabs:
            self._along[tab] = self._along.get(tab, "") + html
        else:
            tab.give(html)

    def _views(self) -> set[View]:
        return {tab.view for tab in [*self.tabs, *self.waiting]}

    def _hand_out(self) -> None:
        while (change := self._early.pop(self.version + 1, None)) is not None:
            self.version += 1
            if change.expelled:
                self.expel(set(change.expelled), change.why)
            if change.message or change.head or change.gone:
                self._queue(change)
        self._mind_the_gap()

    def _queue(self, shown: Shown) -> None:
        if isinstance(shown, Change) and shown.name:
            for tab in [*self.tabs, *self.waiting]:
                tab.room_renamed(shown.name)
        if not self._pending:
            asyncio.get_running_loop().call_later(self._rests_until - monotonic(), self._flush_soon)
        self._pending.append(shown)
        self._queued_at = monotonic()
        self.resumes.handed_out(shown)

    def _flush_soon(self) -> None:
        """Now, or a little later where more is about to come."""
        now = monotonic()
        is_any_coming = recording.is_any_coming() or now - self._queued_at < MORE_SECONDS
        if is_any_coming and now < self._rests_at_most_until:
            asyncio.get_running_loop().call_later(MORE_SECONDS, self._flush_soon)
        else:
            self.flush()

    def _skip_to(self, version: int) -> None:
        self.version = version
        for passed in [early for early in self._early if early <= version]:
            change = self._early.pop(passed)
            # Of somebody who was signed out, and is a member still, the database does not tell.
            if change.expelled:
                self.expel(set(change.expelled), change.why)
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
                views = self._views()
                missed = await missed_since(self.room_id, self.version, *views)
                if missed.is_expelled:
                    people = {tab.person_id for tab in [*self.tabs, *self.waiting] if tab.person_id}
                    self.expel(people - await members_among(self.room_id, people), NOT_TOLD_WHY)
            except Room.DoesNotExist:
                return
            except DatabaseError as error:
                log.warning("room %s: cannot read what is missing: %s", self.room_id, error)
                await asyncio.sleep(CHECK_SECONDS)
                continue
            if self._views() - views:
                continue  # somebody came who sees what was not read
            metrics.repaired(len(missed.shown))
            for shown in missed.shown:
                if not isinstance(shown, Change) or shown.version > self.version:
                    self._queue(shown)
            for version in heard:
                # What was heard had been committed, unless it is no change of this room at all.
                if version > missed.version:
                    self._early.pop(version, None)
            self._skip_to(max(self.version, missed.version))
