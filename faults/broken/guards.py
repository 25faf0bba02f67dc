"""The guards, each with what breaks it; within a server process of the suite, and nowhere else."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

from asgiref.sync import async_to_sync
from django.db import OperationalError

from rooms import publishing, recording, statements
from rooms.audience import Audience
from rooms.consumers import TabConsumer
from rooms.models import Room
from rooms.prepared import prepared
from rooms.tab import MOST_WAITING, Tab

BUSY_SECONDS = 0.1  # between two steps that are to be one, on a machine that has other work
FAILS = 15  # one commit in so many, where commits fail after they were told


def gap_repair() -> None:
    """The hub never fetches what Redis skipped: it takes what it hears, as it comes."""

    def hand_out(self: Audience) -> None:
        for version in sorted(self._early):
            change = self._early.pop(version)
            self.version = max(self.version, version)
            if change.message or change.head or change.gone:
                self._queue(change)

    Audience._hand_out = hand_out  # type: ignore[method-assign]
    Audience._mind_the_gap = lambda self: None  # type: ignore[method-assign]


def resume_order() -> None:
    """A tab that resumes is sent what it missed first, and joins the others in the room then."""

    async def resume(self: TabConsumer, frame: dict[str, Any]) -> None:
        tab, audience = self.tab, self.audience
        if tab is not None:
            audience.tabs.discard(tab)
        await whole(self, frame)
        await asyncio.sleep(BUSY_SECONDS)
        if tab is not None and self.tab is tab:
            audience.tabs.add(tab)

    whole = TabConsumer.resume
    TabConsumer.resume = resume  # type: ignore[method-assign]


def publish_after_commit() -> None:
    """A message is told before its transaction commits, and some commits fail."""
    numbers = count(1)
    whole = recording._record_within

    def record_within(*args: Any, **kwargs: Any) -> Any:
        message, change = whole(*args, **kwargs)
        if change is not None:
            async_to_sync(publishing.publish)(change)
        if next(numbers) % FAILS == 0:
            raise OperationalError("the commit failed")
        return message, change

    recording._record_within = record_within


def row_lock() -> None:
    """The clock is read without its row's lock, which PostgreSQL needs: two writers take the same tick."""
    statements._locked = prepared(lambda room_id: Room.objects.filter(pk=room_id), -1)
    statements.locked_rooms = lambda ids: Room.objects.in_bulk(ids)


def slow_close() -> None:
    """The frames of a tab that does not read are let go, and it is never told to come back."""
    whole = Tab.give

    def give(self: Tab, frame: str) -> None:
        if self._writing is not None and self._size + len(frame) > MOST_WAITING:
            self._waiting.clear()
            self._size = 0
            return
        with suppress(AttributeError):
            whole(self, frame)

    Tab.give = give  # type: ignore[method-assign]


GUARDS: dict[str, Callable[[], None]] = {
    "gap-repair": gap_repair,
    "resume-order": resume_order,
    "publish-after-commit": publish_after_commit,
    "row-lock": row_lock,
    "slow-close": slow_close,
}
