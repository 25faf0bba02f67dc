"""One browser page with one WebSocket: what waits to be written to it, and the writing."""

import asyncio
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from rooms.events import session_digest
from rooms.view import View

MOST_WAITING = 256 * 1024  # characters, beyond what the server itself buffers

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Viewer:
    """Whose tab it is, and what becomes of it beyond the writing."""

    person_id: int = 0
    room_id: int = 0
    view: View = View()
    session_key: str = ""
    on_expel: Callable[[str], None] = lambda why: None
    on_rooms: Callable[[], None] = lambda: None
    on_title: Callable[[int], None] = lambda mentions: None
    on_room_name: Callable[[str], None] = lambda name: None
    on_person_name: Callable[[str], None] = lambda name: None


class Tab:
    """Writes frames to one tab, in order, and never makes whoever gives one wait.

    While a write is under way what comes is kept, and then goes out as one frame. Where more
    than MOST_WAITING is kept, the tab has stopped reading: `on_slow` is called, once, and what
    waits is let go, for the tab will resume.
    """

    def __init__(self, send: Send, on_slow: Callable[[], None], viewer: Viewer | None = None) -> None:
        self.resumed = False
        self.is_seen = False
        self.active_at = monotonic()
        viewer = viewer or Viewer()
        self.person_id, self.room_id = viewer.person_id, viewer.room_id
        self.view = viewer.view
        self.session_key, self.session = viewer.session_key, session_digest(viewer.session_key)
        self.expel, self.refresh_rooms, self.retitle = viewer.on_expel, viewer.on_rooms, viewer.on_title
        self.room_renamed, self.person_renamed = viewer.on_room_name, viewer.on_person_name
        self._send = send
        self._on_slow = on_slow
        self._writing: asyncio.Task[None] | None = None
        self._waiting: list[str] = []
        self._size = 0
        self.is_over = False

    @property
    def is_behind(self) -> bool:
        """Whether a write is under way."""
        return self._writing is not None

    @property
    def backlog(self) -> int:
        """How many characters wait for it."""
        return self._size

    def give(self, frame: str) -> None:
        if self.is_over:
            return
        if self._writing is None:
            # Nearly every write is done without waiting for anything: it needs no task of its own.
            write = self._send({"type": "websocket.send", "text": frame})
            try:
                waits_for = write.send(None)
            except StopIteration:
                return
            except Exception:  # noqa: BLE001 — each server has errors of its own for this
                self.stop()  # the connection is gone, and its consumer is about to be told
                return
            self._writing = asyncio.create_task(self._go_on(_rest_of(write, waits_for)))
        else:
            self._waiting.append(frame)
            self._size += len(frame)
            if self._size > MOST_WAITING:
                self.stop()
                self._on_slow()

    async def flushed(self) -> None:
        """Wait until what is given by now is written, or cannot be."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    def stop(self) -> None:
        """Write nothing more, whatever is given."""
        self.is_over = True
        self._waiting.clear()

    async def _go_on(self, write: Awaitable[None]) -> None:
        try:
            await write
            while self._waiting:
                frame = "".join(self._waiting)
                self._waiting.clear()
                self._size = 0
                await self._send({"type": "websocket.send", "text": frame})
        except Exception:  # noqa: BLE001 — likewise
            self.stop()
        finally:
            self._writing = None


@types.coroutine
def _rest_of(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine that has been started by hand and `waits_for` a future."""
    while True:
        try:
            result = yield waits_for
        except BaseException as error:  # noqa: BLE001 — a cancellation too is the coroutine's
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, result)
        try:
            waits_for = step()
        except StopIteration:
            return
