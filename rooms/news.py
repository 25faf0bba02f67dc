"""What is new in rooms that nobody looks at just now: for the sidebars of this process's tabs.

A tab is told that there is something new in a room, once, and then no more of that room until
its person has read it, however much is said. How often they were named or written to is told
as it changes, at most once a second. Nothing here is kept: what is lost with the process, or
by Redis, is read again from the database: a room where a message was not heard, and all of a person where
Redis was away.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, Protocol

from channels.db import database_sync_to_async
from django.db import DatabaseError

from rooms import fragments, threads, unread
from rooms.bulk import chunked
from rooms.events import SIGNED_OUT, Change, Notice
from rooms.reading import reading
from rooms.sessions import ended_sessions
from rooms.standing import Known, known_of, mentions_of
from rooms.view import View

log = logging.getLogger(__name__)

REST_SECONDS = 1.0  # between two frames for one person
READERS_PER_SECOND = 200  # of one room, of whom it is recorded that they have read it
MOST_REST_SECONDS = 5.0  # before more of that is recorded
SESSIONS_AT_ONCE = 50  # that are looked at: so long whoever posts may have to wait
BELIEVED_SECONDS = 5.0  # how long it holds that somebody reads a room in another process
THREADS = 0  # in place of a room: the threads that somebody follows
MOST_HEARD = 64  # seqs of a room that are remembered, to know what comes twice


class Tab(Protocol):
    """What news need of one tab."""

    person_id: int
    room_id: int  # the one it shows
    session: str  # the digest of the key
    session_key: str
    view: View
    is_seen: bool  # whether anybody has it before them
    active_at: float  # when somebody last did anything in it

    def give(self, frame: str) -> None: ...

    def expel(self, why: str) -> None: ...

    def refresh_rooms(self) -> None:
        """The list of the person's rooms is another: have it made anew."""

    def retitle(self, mentions: int) -> None:
        """Show in the title how often the person was named or written to."""

    def person_renamed(self, name: str) -> None:
        """Its person is called so now."""


@dataclass(slots=True)
class State:
    """How one person stands with one room."""

    is_muted: bool
    is_new: bool  # told that something is new
    mentions: int
    counted_seq: int  # up to which the database had counted them
    sounds: bool = False  # whether they want to hear of mentions


@dataclass(slots=True)
class Here:
    """A person with tabs in this process."""

    tabs: set[Tab] = field(default_factory=set)
    rooms: dict[int, State] = field(default_factory=dict)
    listed: set[tuple[int, bool, int]] = field(default_factory=set)  # what the list of their rooms shows
    pending: set[int] = field(default_factory=set)  # rooms whose state is to be told
    rung: set[int] = field(default_factory=set)  # of these, where they were just named or written to
    is_resting: bool = False
    partners: set[int] = field(default_factory=set)  # of their direct rooms
    is_any_thread_new: bool = False  # of those that they follow
    read_elsewhere: dict[int, float] = field(default_factory=dict)  # until when, by room


@dataclass(slots=True)
class Watched:
    """A room that is in the sidebar of somebody here."""

    last_seq: int
    people: set[int] = field(default_factory=set)
    untold: set[int] = field(default_factory=set)  # of them, who are to be told of the next message
    readers: set[int] = field(default_factory=set)  # of them, who have it before them
    heard: dict[int, Collection[int]] = field(default_factory=dict)  # the newest seqs, and whom they name
    unheard: set[int] = field(default_factory=set)  # seqs before them that were not
    late: set[int] = field(default_factory=set)  # of these, what was not a check ago
    kept_seq: int = 0  # up to which it is recorded that the readers have read
    rests_until: float = 0.0  # before more of that is recorded
    clock_seq: int = 0  # the last message, as the database told a check ago
    outside_seq: int = 0  # and the last that was in no thread, or was heard since
    thread_seq: int = 0  # the last that was heard and is in a thread
    head_version: int = 0  # of the newest name that was heard of


ended_among = reading(ended_sessions)
is_any_thread_new = reading(threads.is_any_new)
who_has_new = reading(threads.who_has_new)


class News:
    """The people with tabs in this process, and what is new to them."""

    def __init__(self, is_elsewhere: Callable[[int, int], bool] = lambda person_id, room_id: False) -> None:
        """`is_elsewhere` says whether a person has a room before them in another process."""
        self._is_elsewhere = is_elsewhere
        self.people: dict[int, Here] = {}
        self._watched: dict[int, Watched] = {}
        self._states: dict[int, int] = {}  # who is on the site
        self._left: list[tuple[int, int, int]] = []  # room, person, seq: read, and not yet recorded
        self._read_in_threads: dict[tuple[int, int, int], int] = {}  # up to where, by who, room and thread
        self._missed: set[int] = set()  # rooms in which something was said that was not heard
        self._doubted: set[int] = set()  # people of whom something may not have been heard
        self._asking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._learning = asyncio.Semaphore(1)  # a room that comes back may do so for thousands

    @property
    def rooms(self) -> set[int]:
        """The rooms in the sidebars of this process's tabs."""
        return set(self._watched)

    def join(self, tab: Tab, known: Iterable[Known], *, is_any_thread_new: bool = False) -> None:
        """Tell `tab` from now on; its person stands with their rooms, and threads, as is known."""
        here = self.people.setdefault(tab.person_id, Here())
        here.tabs.add(tab)
        # In other tabs it may be known already what was said since that was read.
        here.is_any_thread_new = is_any_thread_new or (len(here.tabs) > 1 and here.is_any_thread_new)
        known = list(known)
        self._learn(tab.person_id, known)
        if any(self._watched[room.room_id].thread_seq > room.latest_seq for room in known):
            self._start(self._learn_threads(tab.person_id))

    def html(self, person_id: int) -> tuple[str, int]:
        """All there is to tell a person now, for a tab whose page may be older; and how often they
        were named or written to."""
        here = self.people[person_id]
        news = "".join(fragments.news(room_id, state) for room_id, state in here.rooms.items())
        of_threads = fragments.threads(here.is_any_thread_new)
        return news + of_threads + self._partners_html(here.partners), _mentions(here)

    def leave(self, tab: Tab) -> None:
        if (here := self.people.get(tab.person_id)) is None or tab not in here.tabs:
            return
        self.look_away(tab)
        here.tabs.discard(tab)
        if not here.tabs:
            self._learn(tab.person_id, [])
            del self.people[tab.person_id]

    def look(self, tab: Tab) -> bool:
        """The person has `tab`, and so its room, before them. Returns whether that is news."""
        tab.is_seen = True
        if tab.view.thread:
            return False  # of the room itself it shows nothing
        watched = self._watched.get(tab.room_id)
        if watched is None or tab.person_id in watched.readers:
            return False
        watched.readers.add(tab.person_id)
        watched.kept_seq = 0
        self._clear(tab.person_id, [tab.room_id])
        watched.untold.discard(tab.person_id)
        return True

    def look_away(self, tab: Tab) -> None:
        """The person has `tab` no longer before them."""
        was_seen, tab.is_seen = tab.is_seen, False
        watched, here = self._watched.get(tab.room_id), self.people.get(tab.person_id)
        if not was_seen or tab.view.thread or watched is None or here is None:
            return
        of_room = [other for other in here.tabs if other.room_id == tab.room_id and not other.view.thread]
        if not any(other.is_seen for other in of_room):
            watched.readers.discard(tab.person_id)
            self._left.append((tab.room_id, tab.person_id, watched.last_seq))
            state = here.rooms.get(tab.room_id)
            if state is not None and not (state.is_muted or state.is_new):
                watched.untold.add(tab.person_id)

    def hear(self, change: Change) -> None:
        """Tell of a new message whom it concerns, and nobody who is not in the room."""
        watched = self._watched.get(change.room_id)
        for person_id in change.expelled:
            if person_id in self.people:
                self._forget(person_id, change.room_id)
        if change.head and watched is not None and change.version > watched.head_version:
            watched.head_version = change.version
            self._hear_head(change, tuple(watched.people))
        message = change.message
        if watched is None or message is None or not change.is_new or message.seq in watched.heard:
            return
        if message.seq > watched.last_seq + 1:
            watched.unheard.update(range(max(watched.last_seq + 1, message.seq - MOST_HEARD), message.seq))
        watched.unheard.discard(message.seq)
        watched.heard[message.seq] = change.mentioned
        if len(watched.heard) > MOST_HEARD:
            del watched.heard[next(iter(watched.heard))]
        watched.last_seq = max(watched.last_seq, message.seq)
        for person_id in change.mentioned:
            if person_id in watched.people and not self._reads(person_id, change.room_id):
                state = self.people[person_id].rooms[change.room_id]
                if message.seq > state.counted_seq and not self._sees_thread(person_id, change):
                    state.mentions += 1
                    self._tell(person_id, change.room_id, rings=True)
        if message.thread_seq is None:
            watched.outside_seq = max(watched.outside_seq, message.seq)
            self._tell_untold(watched, change.room_id, message.author_id)
        else:
            watched.thread_seq = max(watched.thread_seq, message.seq)
        self._tell_followers(watched, change)

    def _tell_followers(self, watched: Watched, change: Change) -> None:
        """Show that something is new in a thread to those who follow it and do not have it before them."""
        assert change.message is not None  # noqa: S101 — it is in a thread
        for person_id in watched.people.intersection(change.followers):
            if self._sees_thread(person_id, change):
                place = person_id, change.room_id, change.message.thread_seq or 0
                self._read_in_threads[place] = change.message.seq
            else:
                self._mark_threads(person_id, is_new=True)

    def _sees_thread(self, person_id: int, change: Change) -> bool:
        """Whether the person has the thread before them that the new message is in."""
        where = change.room_id, change.message and change.message.thread_seq
        return any(
            tab.is_seen and (tab.room_id, tab.view.thread) == where for tab in self.people[person_id].tabs
        )

    def _hear_head(self, change: Change, people_ids: Iterable[int]) -> None:
        """Show what the room is called, or that it is gone, beside the other rooms."""
        for person_id in people_ids:
            here = self.people[person_id]
            for tab in tuple(here.tabs):
                if tab.room_id != change.room_id:  # which shows it in its turn
                    tab.give(change.head)
            if change.is_archived:
                self._forget(person_id, change.room_id)
                for tab in tuple(here.tabs):
                    tab.retitle(_mentions(here))

    def notice(self, notice: Notice) -> None:
        """Take what concerns one person to their tabs."""
        here = self.people.get(notice.person_id)
        if here is None:
            return
        if notice.what == "read":
            rooms = [notice.room_id] if notice.room_id else list(here.rooms)
            self._clear(notice.person_id, rooms)
            if not notice.room_id:
                self._mark_threads(notice.person_id, is_new=False)
            else:
                here.read_elsewhere[notice.room_id] = monotonic() + BELIEVED_SECONDS
        elif notice.what == "rooms":
            self._start(self._learn_anew(notice.person_id))
        elif notice.what == "threads":
            self._start(self._learn_threads(notice.person_id))
            self._start(self._learn_anew(notice.person_id))  # they were named in one, it may be
        elif notice.what == "renamed":
            for tab in list(here.tabs):
                tab.person_renamed(notice.name)
        elif notice.what == "ended":
            for tab in list(here.tabs):
                if notice.session in ("", tab.session):
                    tab.expel(notice.why)

    def reached(self, room_id: int, latest_seq: int, last_seq: int) -> None:
        """The database says that these are the room's last message, and its last in no thread. What was
        said by the last time it was asked, and has not been heard of by now, was lost on the way."""
        if (watched := self._watched.get(room_id)) is not None:
            if (was := watched.last_seq) < watched.clock_seq:
                watched.last_seq = watched.clock_seq
                self._missed.add(room_id)
                if watched.outside_seq > was:
                    self._tell_untold(watched, room_id)
            if watched.late & watched.unheard:
                watched.unheard.clear()
                self._missed.add(room_id)
            watched.late = watched.unheard.copy()
            watched.clock_seq, watched.outside_seq = latest_seq, max(watched.outside_seq, last_seq)

    def met(self, states: dict[int, int]) -> None:
        """These people are on the site, each here or away: show it beside direct rooms."""
        changed = {pk for pk in states.keys() | self._states.keys() if states.get(pk) != self._states.get(pk)}
        self._states = states
        for here in self.people.values():
            if partners := changed & here.partners:
                html = self._partners_html(partners)
                for tab in tuple(here.tabs):
                    tab.give(html)

    def _partners_html(self, people_ids: Iterable[int]) -> str:
        return "".join(fragments.dot(person_id, self._states.get(person_id, 0)) for person_id in people_ids)

    def suspect(self, room_ids: Iterable[int]) -> None:
        """Of these rooms nothing may have been heard until now."""
        self._missed.update(room_ids)

    def doubt(self, people_ids: Iterable[int]) -> None:
        """Of these people, as far as they are here, nothing may have been heard until now. Their rooms and
        threads are read again, after each other, and those of whom that failed before."""
        self._doubted.update(people_ids)
        if self._doubted and (self._asking is None or self._asking.done()):
            self._asking = self._start(self._ask())

    async def _ask(self) -> None:
        while self._doubted:
            person_id = self._doubted.pop()
            if person_id not in self.people:
                continue
            is_known = await self._learn_threads(person_id)
            if not is_known or not await self._learn_anew(person_id, is_told=False):
                self._doubted.add(person_id)
                break

    async def end_sessions(self) -> None:
        """Close the tabs of sessions that have ended, where nobody told."""
        tabs = [tab for here in self.people.values() for tab in here.tabs if tab.session_key]
        for some in chunked(tabs, SESSIONS_AT_ONCE):
            ended = await ended_among({tab.session_key: tab.person_id for tab in some})
            for tab in some:
                if tab.session_key in ended:
                    tab.expel(SIGNED_OUT)

    async def keep(self) -> None:
        """Record who has read what, and count anew where something was not heard."""
        for room_id in list(self._missed):
            self._missed.discard(room_id)
            try:
                await self._count_anew(room_id)
            except DatabaseError:
                self._missed.add(room_id)
                raise
        in_threads, self._read_in_threads = self._read_in_threads, {}
        try:
            named = await _mark_threads_read(in_threads) if in_threads else set()
            for person_id in {person_id for person_id, _, _ in in_threads}:
                here = self.people.get(person_id)
                # Their next page may have been made before this was recorded.
                if here is not None and (here.is_any_thread_new or person_id in named):
                    self.notice(Notice(person_id, "threads"))
        except DatabaseError:
            self._read_in_threads = in_threads | self._read_in_threads
            raise
        left, self._left = self._left, []
        read: list[unread.Read] = [(room_id, {person_id}, seq) for room_id, person_id, seq in left]
        now = monotonic()
        for room_id, watched in self._watched.items():
            if watched.readers and watched.last_seq > watched.kept_seq and now > watched.rests_until:
                watched.kept_seq = watched.last_seq
                rest = len(watched.readers) / READERS_PER_SECOND
                watched.rests_until = now + min(rest, MOST_REST_SECONDS)
                read.append((room_id, set(watched.readers), watched.last_seq))
        if read:
            try:
                await _mark_each_read(read)
            except DatabaseError:
                self._left = [*left, *self._left]
                for watched in self._watched.values():
                    watched.kept_seq = 0
                raise

    async def _count_anew(self, room_id: int) -> None:
        watched = self._watched.get(room_id)
        if watched is None:
            return
        before = {
            person_id: replace(self.people[person_id].rooms[room_id])
            for person_id in watched.people
            if not self._reads(person_id, room_id)
        }
        for person_id, count, seq in await mentions_of(room_id, before):
            here = self.people.get(person_id)
            state = here.rooms.get(room_id) if here else None
            # Who was told meanwhile, or has read it, is ahead of what was counted.
            if state is not None and state == before[person_id]:
                was, state.mentions, state.counted_seq = state.mentions, count, seq
                if count != was:
                    self._tell(person_id, room_id, rings=count > was)

        for person_id in await who_has_new(room_id, watched.people):
            self._mark_threads(person_id, is_new=True)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _reads(self, person_id: int, room_id: int) -> bool:
        """Whether the person has the room before them, here or in another process."""
        until = self.people[person_id].read_elsewhere.get(room_id, 0)
        is_reader = person_id in self._watched[room_id].readers
        return is_reader or monotonic() < until or self._is_elsewhere(person_id, room_id)

    def _tell_untold(self, watched: Watched, room_id: int, author_id: int | None = None) -> None:
        for person_id in list(watched.untold):
            if person_id != author_id and not self._reads(person_id, room_id):
                watched.untold.discard(person_id)
                state = self.people[person_id].rooms[room_id]
                state.is_new = True
                if not state.mentions:  # or else it shows how many
                    self._tell(person_id, room_id)

    def _tell(self, person_id: int, room_id: int, *, rings: bool = False) -> None:
        here = self.people[person_id]
        here.pending.add(room_id)
        if rings:
            here.rung.add(room_id)
        if not here.is_resting:
            here.is_resting = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._flush, here)
            loop.call_later(REST_SECONDS, self._rested, here)

    def _rested(self, here: Here) -> None:
        here.is_resting = False
        if here.pending:
            here.is_resting = True
            self._flush(here)
            asyncio.get_running_loop().call_later(REST_SECONDS, self._rested, here)

    def _flush(self, here: Here) -> None:
        html = "".join(
            fragments.news(room_id, here.rooms[room_id]) for room_id in here.pending if room_id in here.rooms
        )
        if THREADS in here.pending:
            html += fragments.threads(here.is_any_thread_new)
        rung = (here.rooms[room_id] for room_id in here.rung if room_id in here.rooms)
        # Not where they have read it by now; and one tab is loud enough.
        rings = any(state.sounds and state.mentions for state in rung)
        loud = max(here.tabs, key=lambda tab: tab.active_at, default=None) if rings else None
        here.pending.clear()
        here.rung.clear()
        for tab in tuple(here.tabs):
            tab.give(html + fragments.chime() if tab is loud else html)
            tab.retitle(_mentions(here))

    def _clear(self, person_id: int, room_ids: Iterable[int]) -> None:
        here = self.people[person_id]
        for room_id in room_ids:
            state, watched = here.rooms.get(room_id), self._watched.get(room_id)
            if state is None or watched is None:
                continue
            if state.is_new or state.mentions:
                state.is_new, state.mentions = False, 0
                self._tell(person_id, room_id)
            if not state.is_muted and person_id not in watched.readers:
                watched.untold.add(person_id)

    def _learn(self, person_id: int, known: Iterable[Known]) -> None:
        here = self.people[person_id]
        rooms = {room.room_id: room for room in known}
        for room_id in here.rooms.keys() - rooms.keys():
            self._forget(person_id, room_id)
        here.rooms = {}
        here.listed = {(room.room_id, room.is_muted, room.head_version) for room in rooms.values()}
        # Who goes from one room to another has read the first, though that is not recorded yet.
        left = {room_id: seq for room_id, who, seq in self._left if who == person_id}
        here.partners = set().union(*(room.partners for room in rooms.values()))
        for room_id, room in rooms.items():
            latest = room.latest_seq
            watched = self._watched.setdefault(room_id, Watched(latest, clock_seq=latest))
            watched.people.add(person_id)
            # What was heard since this was read counts too.
            heard = sum(person_id in named for seq, named in watched.heard.items() if seq > latest)
            last_seq = max(room.last_seq, watched.outside_seq)
            is_read = person_id in watched.readers
            is_behind = not self._reads(person_id, room_id) and left.get(room_id, -1) < last_seq
            is_new = last_seq > room.read_seq and not room.is_muted and is_behind
            mentions = room.mentions + heard if is_behind else 0
            here.rooms[room_id] = State(room.is_muted, is_new, mentions, latest, room.sounds)
            watched.untold.discard(person_id)
            if not (is_new or room.is_muted or is_read):
                watched.untold.add(person_id)

    def _forget(self, person_id: int, room_id: int) -> None:
        """The person is not in the room."""
        self.people[person_id].rooms.pop(room_id, None)
        if (watched := self._watched.get(room_id)) is not None:
            for people in (watched.people, watched.untold, watched.readers):
                people.discard(person_id)
            if not watched.people:
                del self._watched[room_id]

    async def _learn_anew(self, person_id: int, *, is_told: bool = True) -> bool:
        """Read how the person stands with their rooms; returns whether that could be. Where it is not told
        that this is another, it may well be what is shown."""
        try:
            async with self._learning:
                known = await known_of(person_id)
        except DatabaseError as error:
            log.warning("person %s: their rooms cannot be read: %s", person_id, error)
            return False
        if (here := self.people.get(person_id)) is not None:
            listed, were = here.listed, dict(here.rooms)
            self._learn(person_id, known)
            for room_id, state in here.rooms.items():
                was = were.get(room_id, State(state.is_muted, state.is_new, 0, 0))
                # As in a conversation that just began, and is not before them.
                rings = state.mentions > was.mentions and not self._reads(person_id, room_id)
                if rings or (state.is_new, state.mentions) != (was.is_new, was.mentions):
                    self._tell(person_id, room_id, rings=rings)
            for tab in tuple(here.tabs):
                if is_told or here.listed != listed:
                    tab.refresh_rooms()
                tab.retitle(_mentions(here))
        return True

    async def _learn_threads(self, person_id: int) -> bool:
        try:
            is_any_new = await is_any_thread_new(person_id)
        except DatabaseError as error:
            log.warning("person %s: their threads cannot be read: %s", person_id, error)
            return False
        self._mark_threads(person_id, is_new=is_any_new)
        return True

    def _mark_threads(self, person_id: int, *, is_new: bool) -> None:
        """Show whether anything is new in the threads that the person follows, if they are here still."""
        here = self.people.get(person_id)
        if here is not None and here.is_any_thread_new != is_new:
            here.is_any_thread_new = is_new
            self._tell(person_id, THREADS)

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _mentions(here: Here) -> int:
    return sum(state.mentions for state in here.rooms.values())


@database_sync_to_async
def _mark_threads_read(read: dict[tuple[int, int, int], int]) -> set[int]:
    """Record who has read what in which thread. Returns who was named or addressed there."""
    found = set()
    for (person_id, room_id, seq), upto in sorted(read.items()):
        following = threads.mark_read(person_id, room_id, seq, upto)
        if following is not None and following.mentions:
            found.add(person_id)
    return found


_mark_each_read = database_sync_to_async(unread.mark_each_read)
