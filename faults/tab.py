"""A tab without a browser: one page, one WebSocket, and what hx-ws and the page's forms do with them."""

import asyncio
import json
import socket
import time
from collections import deque
from contextlib import suppress
from random import Random
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from faults.checker import View
from faults.page import Page
from faults.person import Person, Unanswered
from faults.record import Record

# As static/vendor/hx-ws.min.js and the page's htmx-config have it.
RECONNECT_CODES = {1001, 1005, 1006, 1011, 1012, 1013, 1014}
FIRST_DELAY, LONGEST_DELAY, JITTER = 0.3, 10.0, 0.3
MOST_QUEUED = 100

HANDSHAKE_SECONDS = 30.0
RELOAD_SECONDS = 1.0  # before somebody tries a page again that did not come
# Bytes that the system buffers for a tab that may stop reading. It reads no more in one turn of the loop,
# which has few in a second where the machine is busy: with 4096 some tabs were behind for a minute after
# they read again, and so was the server's ping, which then closed them.
SMALL = 32 * 1024

Frame = dict[str, Any]


class Tab:
    """One page of `person`; `direct_port` makes it one that may be stalled, past the network."""

    def __init__(
        self, name: str, person: Person, room: str, record: Record, random: Random, direct_port: int = 0
    ) -> None:
        self.name, self.person, self.room, self.record = name, person, room, record
        self.page: Page | None = None
        self.unconfirmed: dict[str, Frame] = {}  # by key, in order
        self.is_live = False  # resumed, and connected since
        self.stalled_until = 0.0  # time.monotonic
        self._random, self._direct_port = random, direct_port
        self._queue: deque[str] = deque()
        self._socket: ClientConnection | None = None
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._attempt, self._heard_at = 0, 0.0
        self._leaves = False

    async def run(self) -> None:
        """Open the page, and be there until cancelled."""
        while True:
            await self._load()
            await self._stay()
            self._forget()

    async def leave(self) -> None:
        """Close the page, and open it again: another page, which waits for nothing of the first."""
        self._leaves = True
        if self._socket is not None:
            await self._socket.close(1000)

    def say(self, body: str) -> bool:
        """Send a message off, as the form at the end of the page; returns whether there was one left."""
        if self.page is None or not self.page.forms:
            return False
        key = self.page.forms.pop(0)
        frame = {"csrfmiddlewaretoken": self.page.token, "key": key, "body": body}
        self.unconfirmed[key] = frame
        self.record.saying(key, self.room, body)
        self._send(frame)
        self._send(frame | {"again": 1})  # what says it again, put in place in this moment
        return True

    def react(self, seq: int, emoji: str) -> None:
        self._send({"action": "react", "seq": seq, "emoji": emoji})

    @property
    def view(self) -> View:
        page = self.page
        return View(self.name, self.room, page.rows if page else [], page.raw if page else [])

    async def _load(self) -> None:
        while True:
            try:
                self.page = await self.person.page(self.room)
                break
            except Unanswered:
                await asyncio.sleep(RELOAD_SECONDS)
        self._attempt, self._leaves = 0, False
        for shown in self.page.rows:
            self.record.saw(self.room, shown)
        self.record.counts["pages"] += 1

    async def _stay(self) -> None:
        """Be connected, again and again, until that ends for good."""
        while not self._leaves:
            code = await self._connected()
            self.is_live, self._socket = False, None
            if self._leaves or code not in RECONNECT_CODES:
                self.record.counts[f"ended with {code}"] += 1
                return
            delay = min(FIRST_DELAY * 2**self._attempt, LONGEST_DELAY)
            self._attempt += 1
            await asyncio.sleep(delay * self._random.uniform(1 - JITTER, 1 + JITTER))

    async def _connected(self) -> int:
        """One connection, to its end; returns the code that a browser is told of."""
        since = time.monotonic()
        try:
            opened = await self._open()
        except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
            self.record.failed(f"no socket: {type(error).__name__}", since)
            return 1006
        self._attempt, self._heard_at = 0, time.monotonic()
        opened_at = self._heard_at
        self.record.counts["connections"] += 1
        async with opened as self._socket:
            self._go_on()
            sending = asyncio.create_task(self._send_all(self._socket))
            try:
                while True:
                    await self._while_stalled()
                    text = str(await self._socket.recv())
                    self._heard_at = time.monotonic()
                    self._take(text)
            except ConnectionClosed as closed:
                code = closed.rcvd.code if closed.rcvd else 1006
            finally:
                sending.cancel()
        if not self._leaves:
            now, resumed = time.monotonic(), "resumed" if self.is_live else "not resumed"
            about = f"{self.name}, {resumed}, {now - opened_at:.0f} s after it connected"
            about = f"{about} and {now - self._heard_at:.0f} s after its last frame"
            self.record.failed(f"closed with {code}", whose=about)
        return code

    async def _open(self) -> ClientConnection:
        parts = urlsplit(self.person.url)
        headers = {"Cookie": self.person.cookie, "X-Forwarded-For": self.person.address}
        options: dict[str, Any] = {"max_queue": 16}
        address = parts.netloc
        if self._direct_port:
            address = f"127.0.0.1:{self._direct_port}"
            options = {"max_queue": 1, "sock": await small_socket(self._direct_port)}
        return await connect(
            f"ws://{address}/rooms/{self.room}/live/",
            additional_headers=headers,
            origin=f"http://{address}",  # type: ignore[arg-type]
            compression=None,
            open_timeout=HANDSHAKE_SECONDS,
            ping_interval=None,
            close_timeout=1,
            max_size=None,
            proxy=None,
            **options,
        )

    def _go_on(self) -> None:
        """What the page sends when it has connected: what was queued meanwhile, the cursor, and each
        message that waits to be let go."""
        assert self.page is not None
        self._outgoing = asyncio.Queue()
        for text in self._queue:
            self._outgoing.put_nowait(text)
        self._queue.clear()
        self._send({"action": "resume", "cursor": self.page.cursor})
        for frame in self.unconfirmed.values():
            self._send(frame | {"again": 1})

    def _take(self, text: str) -> None:
        assert self.page is not None
        taken = self.page.take(text)
        for shown in taken.shown:
            self.record.saw(self.room, shown)
        self.record.counts["frames"] += 1
        if taken.has_cursor and not self.is_live:
            self.is_live = True
            self.record.counts["resumes"] += 1
        for key in taken.accepted:
            if self.unconfirmed.pop(key, None):
                self.record.confirm(key)
        for key in taken.refused:
            if self.unconfirmed.pop(key, None):
                self.record.counts["refused"] += 1
                self.record.give_up(key)
                self._send({"action": "discard", "key": key})

    def _send(self, frame: Frame) -> None:
        text = json.dumps({**frame, "headers": {}})
        if self._socket is not None:
            self._outgoing.put_nowait(text)
        elif len(self._queue) < MOST_QUEUED:
            self._queue.append(text)

    async def _send_all(self, to: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await to.send(await self._outgoing.get())

    async def _while_stalled(self) -> None:
        while (rest := self.stalled_until - time.monotonic()) > 0:
            await asyncio.sleep(rest)

    def _forget(self) -> None:
        """The page is gone, and with it what it waited for."""
        for key in self.unconfirmed:
            self.record.give_up(key)
        self.unconfirmed.clear()
        self._queue.clear()


async def small_socket(port: int) -> socket.socket:
    """A TCP connection to `port` for which the system buffers little of what is not read."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    small.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(small, ("127.0.0.1", port))
    except OSError:
        small.close()
        raise
    return small
