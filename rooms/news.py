"""What is new in rooms that nobody looks at just now: for the sidebars of this process's tabs.

A tab is told that there is something new in a room, once, and then no more of that room until
its person has read it, however much is said. How often they were named or written to is told
as it changes, at most once a second. Nothing here is kept: what is lost with the process, or
by Redis, is read again from the database (`rooms.news_repair`).
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from time import monotonic

from channels.db import database_sync_to_async
from django.db import DatabaseError

from rooms import fragments, threads, unread
from rooms.bulk import chunked
from rooms.events import SIGNED_OUT, Change, Notice
from rooms.news_repair import Repair
from rooms.reading import reading
from rooms.sessions import ended_sessions
from rooms.standing import Known
from rooms.telling import Here, State, Tab

READERS_PER_SECOND = 200  # of one room, of whom it is recorded that they have read it
MOST_REST_SECONDS = 5.0  # before more of that is recorded
SESSIONS_AT_ONCE = 50  # that are looked at: so long whoever posts may have to wait
BELIEVED_SECONDS = 5.0  # how long it holds that somebody reads a room in another process
MOST_HEARD = 64  # seqs of a room that are remembered, to know what comes twice


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


class News:
    """The people with tabs in this process, and what is new to them."""

    def __init__(self, is_elsewhere: Callable[[int, int], bool] = lambda person_id, room_id: False) -> None:
        """`is_elsewhere` says whether a person has a room before them in another process."""
        self._is_elsewhere = is_elsewhere
        self.people: dict[int, Here] = {}
        self.repair = Repair(self)
        self.watched: dict[int, Watched] = {}
        self._states: dict[int, int] = {}  # who is on the site
        self._left: list[tuple[int, int, int]] = []  # room, person, seq: read, and not yet recorded
        self._read_in_threads: dict[tuple[int, int, int], int] = {}  # up to where, by who, room and thread

    @property
    def rooms(self) -> set[int]:
        """The rooms in the sidebars of this process's tabs."""
        return set(self.watched)

    def join(self, tab: Tab, known: Iterable[Known], *, is_any_thread_new: bool = False) -> None:
        """Tell `tab` from now on; its person stands with their rooms, and threads, as is known."""
        here = self.people.setdefault(tab.person_id, Here())
        here.tabs.add(tab)
        # In other tabs it may be known already what was said since that was read.
        here.is_any_thread_new = is_any_thread_new or (len(here.tabs) > 1 and here.is_any_thread_new)
        known = list(known)
        self.learn(tab.person_id, known)
        if any(self.watched[room.room_id].thread_seq > room.latest_seq for room in known):
            self.repair.threads_of(tab.person_id)

    def html(self, person_id: int) -> tuple[str, int]:
        """All there is to tell a person now, for a tab whose page may be older; and how often they
        were named or written to."""
        here = self.people[person_id]
        return here.html() + self._partners_html(here.partners), here.mentions

    def leave(self, tab: Tab) -> None:
        if (here := self.people.get(tab.person_id)) is None or tab not in here.tabs:
            return
        self.look_away(tab)
        here.tabs.discard(tab)
        if not here.tabs:
            self.learn(tab.person_id, [])
            del self.people[tab.person_id]

    def look(self, tab: Tab) -> bool:
        """The person has `tab`, and so its room, before them. Returns whether that is news."""
        tab.is_seen = True
        if tab.view.thread:
            return False  # of the room itself it shows nothing
        watched = self.watched.get(tab.room_id)
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
        watched, here = self.watched.get(tab.room_id), self.people.get(tab.person_id)
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
        watched = self.watched.get(change.room_id)
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
            if person_id in watched.people and not self.reads(person_id, change.room_id):
                here = self.people[person_id]
                state = here.rooms[change.room_id]
                if message.seq > state.counted_seq and not self._sees_thread(person_id, change):
                    state.mentions += 1
                    here.tell(change.room_id, rings=True)
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
                self.people[person_id].mark_threads(is_new=True)

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
                here.retitle()

    def notice(self, notice: Notice) -> None:
        """Take what concerns one person to their tabs."""
        here = self.people.get(notice.person_id)
        if here is None:
            return
        if notice.what == "read":
            rooms = [notice.room_id] if notice.room_id else list(here.rooms)
            self._clear(notice.person_id, rooms)
            if not notice.room_id:
                here.mark_threads(is_new=False)
            else:
                here.read_elsewhere[notice.room_id] = monotonic() + BELIEVED_SECONDS
        elif notice.what == "rooms":
            self.repair.rooms_of(notice.person_id)
        elif notice.what == "threads":
            self.repair.threads_of(notice.person_id)
            self.repair.rooms_of(notice.person_id)  # they were named in one, it may be
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
        if (watched := self.watched.get(room_id)) is not None:
            if (was := watched.last_seq) < watched.clock_seq:
                watched.last_seq = watched.clock_seq
                self.repair.suspect([room_id])
                if watched.outside_seq > was:
                    self._tell_untold(watched, room_id)
            if watched.late & watched.unheard:
                watched.unheard.clear()
                self.repair.suspect([room_id])
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

    async def end_sessions(self) -> None:
        """Close the tabs of sessions that have ended, where nobody told."""
        tabs = [tab for here in self.people.values() for tab in here.tabs if tab.session_key]
        for some in chunked(tabs, SESSIONS_AT_ONCE):
            ended = await ended_among({tab.session_key: tab.person_id for tab in some})
            for tab in some:
                if tab.session_key in ended:
                    tab.expel(SIGNED_OUT)

    async def keep(self) -> None:
        """Record who has read what, and count anew where something was not heard. Raises DatabaseError; what
        could not be recorded will be the next time."""
        await self.repair.count()
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
        for room_id, watched in self.watched.items():
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
                for watched in self.watched.values():
                    watched.kept_seq = 0
                raise

    def reads(self, person_id: int, room_id: int) -> bool:
        """Whether the person has the room before them, here or in another process."""
        until = self.people[person_id].read_elsewhere.get(room_id, 0)
        is_reader = person_id in self.watched[room_id].readers
        return is_reader or monotonic() < until or self._is_elsewhere(person_id, room_id)

    def _tell_untold(self, watched: Watched, room_id: int, author_id: int | None = None) -> None:
        for person_id in list(watched.untold):
            if person_id != author_id and not self.reads(person_id, room_id):
                watched.untold.discard(person_id)
                here = self.people[person_id]
                state = here.rooms[room_id]
                state.is_new = True
                if not state.mentions:  # or else it shows how many
                    here.tell(room_id)

    def _clear(self, person_id: int, room_ids: Iterable[int]) -> None:
        here = self.people[person_id]
        for room_id in room_ids:
            state, watched = here.rooms.get(room_id), self.watched.get(room_id)
            if state is None or watched is None:
                continue
            if state.is_new or state.mentions:
                state.is_new, state.mentions = False, 0
                here.tell(room_id)
            if not state.is_muted and person_id not in watched.readers:
                watched.untold.add(person_id)

    def learn(self, person_id: int, known: Iterable[Known]) -> None:
        """The person, who is here, stands with their rooms as is known, and is in no others."""
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
            watched = self.watched.setdefault(room_id, Watched(latest, clock_seq=latest))
            watched.people.add(person_id)
            # What was heard since this was read counts too.
            heard = sum(person_id in named for seq, named in watched.heard.items() if seq > latest)
            last_seq = max(room.last_seq, watched.outside_seq)
            is_read = person_id in watched.readers
            is_behind = not self.reads(person_id, room_id) and left.get(room_id, -1) < last_seq
            is_new = last_seq > room.read_seq and not room.is_muted and is_behind
            mentions = room.mentions + heard if is_behind else 0
            here.rooms[room_id] = State(room.is_muted, is_new, mentions, latest, room.sounds)
            watched.untold.discard(person_id)
            if not (is_new or room.is_muted or is_read):
                watched.untold.add(person_id)

    def _forget(self, person_id: int, room_id: int) -> None:
        """The person is not in the room."""
        self.people[person_id].rooms.pop(room_id, None)
        if (watched := self.watched.get(room_id)) is not None:
            for people in (watched.people, watched.untold, watched.readers):
                people.discard(person_id)
            if not watched.people:
                del self.watched[room_id]


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
