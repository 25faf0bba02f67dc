"""What is shown to one person of their rooms, in all their tabs of this process: as it changes, and at most
once a second."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from rooms import fragments
from rooms.view import View

REST_SECONDS = 1.0  # between two frames for one person
THREADS = 0  # in place of a room: the threads that somebody follows


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

    @property
    def mentions(self) -> int:
        """How often they were named or written to, in all their rooms."""
        return sum(state.mentions for state in self.rooms.values())

    def html(self) -> str:
        """All that there is to tell."""
        news = "".join(fragments.news(room_id, state) for room_id, state in self.rooms.items())
        return news + fragments.threads(self.is_any_thread_new)

    def tell(self, room_id: int, *, rings: bool = False) -> None:
        """Show how they stand with the room, or with their threads; with a sound where it `rings`."""
        self.pending.add(room_id)
        if rings:
            self.rung.add(room_id)
        if not self.is_resting:
            self.is_resting = True
            loop = asyncio.get_running_loop()
            loop.call_soon(self._flush)
            loop.call_later(REST_SECONDS, self._rested)

    def mark_threads(self, *, is_new: bool) -> None:
        """Show whether anything is new in the threads that they follow."""
        if self.is_any_thread_new != is_new:
            self.is_any_thread_new = is_new
            self.tell(THREADS)

    def retitle(self) -> None:
        for tab in tuple(self.tabs):
            tab.retitle(self.mentions)

    def _rested(self) -> None:
        self.is_resting = False
        if self.pending:
            self.is_resting = True
            self._flush()
            asyncio.get_running_loop().call_later(REST_SECONDS, self._rested)

    def _flush(self) -> None:
        html = "".join(
            fragments.news(room_id, self.rooms[room_id]) for room_id in self.pending if room_id in self.rooms
        )
        if THREADS in self.pending:
            html += fragments.threads(self.is_any_thread_new)
        rung = (self.rooms[room_id] for room_id in self.rung if room_id in self.rooms)
        # Not where they have read it by now; and one tab is loud enough.
        rings = any(state.sounds and state.mentions for state in rung)
        loud = max(self.tabs, key=lambda tab: tab.active_at, default=None) if rings else None
        self.pending.clear()
        self.rung.clear()
        for tab in tuple(self.tabs):
            tab.give(html + fragments.chime() if tab is loud else html)
        self.retitle()
