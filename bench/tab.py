"""A browser's tab, as the server sees it: one socket that reads, and counts what it is sent."""

import asyncio
import math
import re
import socket
from collections.abc import Callable
from time import monotonic
from typing import cast

from bench.digest import Digest
from bench.frames import CLOSE, PING, PONG, TEXT, Frame, Frames, framed, handshake
from bench.ledger import Ledger
from bench.wire import Wire

KEPT = 1024  # numbers more than needed, by which what a tab has seen grows


class Tab(asyncio.Protocol):
    """One tab. It can be closed, or lose its server, and connect again: it then goes on from its
    cursor, and what it has seen stays seen."""

    shared = Digest(b"", [], re.compile(b""))  # what the last tab was sent

    def __init__(self, ledger: Ledger, host: str, port: int, wire: Wire, room: int) -> None:
        self.ledger, self.wire, self.room = ledger, wire, room
        self.host, self.port = host, port
        self.cursor = ""
        self.is_leaving = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ready_at = 0.0
        self.on_closed: Callable[[], object] = lambda: None  # by the server
        self._unconfirmed: dict[int, list[str]] = {}  # its messages, and what says them again
        self._resumed: set[int] = set()  # what it was sent until it was there
        self._seen = bytearray()
        self._transport: asyncio.Transport | None = None

    async def connect(self, seconds: float = 120, socket: socket.socket | None = None) -> None:
        """Connect, over `socket` if it is given, and wait until the server has said that the tab is
        there. Raises OSError where it does not within so many seconds."""
        loop = asyncio.get_running_loop()
        self.ready, self.is_leaving, self._ready_at = loop.create_future(), False, math.inf
        self._head: bytes | None = b""  # of the answer to the handshake, until all of it is there
        self._frames, self._code = Frames(), 0
        self._resumed.clear()
        try:
            async with asyncio.timeout(seconds):
                if socket is None:
                    await loop.create_connection(lambda: self, self.host, self.port)
                else:
                    await loop.create_connection(lambda: self, sock=socket)
                await self.ready
        except BaseException:
            self.leave()  # what comes late is nobody's
            raise

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(handshake(f"{self.host}:{self.port}", self.wire.path, self.wire.headers))

    def data_received(self, data: bytes) -> None:
        self.ledger.bytes += len(data)
        if self._head is not None:
            data = self._opened(data)
            if not data:
                return
        digest, mark = Tab.shared, self.ledger.mark
        if not self._frames.is_between or data != digest.data or digest.mark is not mark:
            is_whole = self._frames.is_between
            digest = Digest(data, self._frames.feed(data), mark)
            if is_whole and self._frames.is_between:
                Tab.shared = digest
        self.ledger.frames += digest.texts
        if digest.cursor:
            self.cursor = digest.cursor
        if not self.ready.done():
            self._resumed.update(digest.numbers)
        for number in digest.numbers:
            self._deliver(number)
        for frame in digest.others if self.ready.done() else digest.frames:
            self._answer(frame)
        if digest.is_start_over:
            self._start_over(max(digest.numbers, default=0))

    def _opened(self, data: bytes) -> bytes:
        self._head = (self._head or b"") + data
        head, end, rest = self._head.partition(b"\r\n\r\n")
        if not end:
            return b""
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            self._fail(OSError(f"{self.wire.path}: {head[:100].decode('latin1')}"))
            self.leave()
            return b""
        self._head = None
        for text in self.wire.hello(self.cursor):
            self.send(text)
        if not self.wire.ready:
            self._is_there()
        return rest

    def _is_there(self) -> None:
        self._ready_at = monotonic()
        self.ready.set_result(None)
        for again in self._unconfirmed.values():
            for text in again:
                self.send(text)

    def _deliver(self, number: int) -> None:
        if number >= len(self._seen):
            self._seen.extend(bytes(number + KEPT - len(self._seen)))
        if self._unconfirmed:
            self._unconfirmed.pop(number, None)
        if self._seen[number]:
            # What is said while a tab resumes may be in the answer to that, and come by itself: the
            # page puts it in place of itself.
            if number not in self._resumed:
                self.ledger.doubled += 1
        else:
            self._seen[number] = 1
            self.ledger.deliver(number, self._ready_at)

    def _start_over(self, newest: int) -> None:
        """Its list was replaced by the newest: what came before those it is not to have any more."""
        self.ledger.replaced += 1
        for number, said in enumerate(self.ledger.said[:newest]):
            if said.room == self.room and not (number < len(self._seen) and self._seen[number]):
                self._deliver(number)

    def _answer(self, frame: Frame) -> None:
        if frame.opcode == PING:
            self._write(framed(PONG, frame.payload))
        elif frame.opcode == CLOSE:
            self._code = int.from_bytes(frame.payload[:2], "big")
            self._write(framed(CLOSE, frame.payload[:2]))
        elif frame.opcode == TEXT:
            if reply := self.wire.answer(frame.payload):
                self.send(reply)
            if not self.ready.done() and self.wire.ready in frame.payload:
                self._is_there()
            if self.wire.is_refusal(frame.payload):
                self.ledger.refused += 1

    def send(self, text: str) -> None:
        """Send a frame; nothing, where there is no connection."""
        self._write(framed(TEXT, text.encode()))

    def say(self, number: int, text: str) -> None:
        """Send the message of this number, as the page does."""
        first, *again = self.wire.say(text)
        self._unconfirmed[number] = again
        self._write(b"".join(framed(TEXT, part.encode()) for part in (first, *again)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def stop_reading(self) -> None:
        """From now on the system buffers what is sent, as far as it does."""
        if self._transport is not None:
            self._transport.pause_reading()

    def leave(self) -> None:
        """Close the connection, without a word, as a browser that is gone."""
        self.is_leaving, self._ready_at = True, math.inf
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    @property
    def is_there(self) -> bool:
        """Whether it is connected, and the server has taken it in."""
        return self.is_connected and self._ready_at < math.inf

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.is_leaving and self.ready.done():
            self.ledger.closed += 1
            self._ready_at = math.inf
            self.on_closed()
        self._fail(OSError(str(exc) if exc else f"the server closed it, {self._code or 'without a code'}"))

    def _fail(self, error: Exception) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
