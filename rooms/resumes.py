"""What tabs are given that come back, read once for all of one room that come at the same time.

After a restart thousands come back at once, all with one cursor. What is read for the first is given to
the others too, with what has been handed out since: whatever is said meanwhile, each ends up with the
last version of every message.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic

from rooms.events import Change
from rooms.missed import Missed, Shown, missed_since
from rooms.view import View

SHARED_SECONDS = 2.0  # how long what was read is given to others
MOST_SINCE = 500  # changes handed out since; after more it is read again


@dataclass(slots=True)
class Reading:
    """What was missed after a cursor, being read or read."""

    task: asyncio.Future[Missed]
    start: int  # what was handed out from here on may not be in it
    at: float = field(default_factory=monotonic)


class Resumes:
    """Of one room in this process."""

    def __init__(self, room_id: int) -> None:
        self.room_id = room_id
        self._readings: dict[tuple[int, View], Reading] = {}
        self._since: deque[Shown] = deque()
        self._passed = 0  # how many of those are kept no more

    def handed_out(self, shown: Shown) -> None:
        """The tabs of the room are given `shown` from here on."""
        if self._readings:
            self._since.append(shown)
            if len(self._since) > MOST_SINCE:
                self._readings.clear()
                self._forget()

    def rest(self) -> None:
        """Forget what is old. To be called now and then."""
        old = monotonic() - SHARED_SECONDS
        self._readings = {key: reading for key, reading in self._readings.items() if reading.at > old}
        self._forget()

    async def read(self, cursor: int, view: View) -> Reading:
        """What a tab in the audience, which has seen everything up to `cursor`, has missed. Raises
        DatabaseError, and Room.DoesNotExist."""
        key = cursor, view
        reading = self._readings.get(key)
        if reading is None or reading.at < monotonic() - SHARED_SECONDS:
            task = asyncio.ensure_future(missed_since(self.room_id, cursor, view))
            reading = self._readings[key] = Reading(task, self._passed + len(self._since))
        try:
            await asyncio.shield(reading.task)  # which others wait for
        except Exception:
            if self._readings.get(key) is reading:
                del self._readings[key]
            raise
        return reading

    def html(self, reading: Reading, view: View) -> str | None:
        """What was missed by now, as fragments; None where it was read too long ago to tell."""
        if reading.start < self._passed:
            return None
        missed = reading.task.result()
        return missed.html(*view) + "".join(shown.html(*view) for shown in self._after(missed, reading.start))

    def _after(self, missed: Missed, start: int) -> Iterator[Shown]:
        for shown in islice(self._since, start - self._passed, None):
            if not isinstance(shown, Change) or shown.version > missed.version:
                yield shown

    def _forget(self) -> None:
        """What was handed out before the first of the readings."""
        handed_out = self._passed + len(self._since)
        first = min((reading.start for reading in self._readings.values()), default=handed_out)
        while self._passed < first:
            self._since.popleft()
            self._passed += 1
