"""A tab: what waits to be written, and a reader that does not read."""

import asyncio
from functools import partial
from typing import Any

from rooms.tab import MOST_WAITING, Tab
from tests.waiting import until


class Socket:
    """A server's `send` that waits while `gate` is closed."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.gate = asyncio.Event()
        self.slow = 0

    async def send(self, message: dict[str, Any]) -> None:
        await self.gate.wait()
        self.sent.append(message["text"])

    def on_slow(self) -> None:
        self.slow += 1


async def test_writes_at_once_where_nothing_waits() -> None:
    socket = Socket()
    socket.gate.set()
    tab = Tab(socket.send, socket.on_slow)
    tab.give("a")
    tab.give("b")
    assert socket.sent == ["a", "b"]


async def test_what_came_while_a_write_was_under_way_goes_out_as_one_frame() -> None:
    socket = Socket()
    tab = Tab(socket.send, socket.on_slow)
    for text in "abcd":
        tab.give(text)
    assert socket.sent == []
    socket.gate.set()
    await until(lambda: len(socket.sent) == 2)
    assert socket.sent == ["a", "bcd"]
    tab.give("e")
    await until(lambda: len(socket.sent) == 3)
    assert socket.sent[-1] == "e"


async def test_a_reader_that_does_not_read_is_told_of_once_and_what_waits_is_let_go() -> None:
    socket = Socket()
    tab = Tab(socket.send, socket.on_slow)
    frame = "x" * 1000
    for _ in range(2 * MOST_WAITING // len(frame)):
        tab.give(frame)
    assert socket.slow == 1
    socket.gate.set()
    tab.give("more")
    await until(lambda: tab._writing is None)
    assert socket.sent == [frame]


async def test_a_connection_that_is_gone_is_no_error() -> None:
    async def gone(message: dict[str, Any]) -> None:
        raise ConnectionError

    async def gone_later(message: dict[str, Any]) -> None:
        await asyncio.sleep(0)
        raise ConnectionError

    for send in (gone, gone_later):
        tab = Tab(send, lambda: None)
        tab.give("a")
        await until(partial(getattr, tab, "is_over"))
        tab.give("b")
