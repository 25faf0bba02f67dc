"""What many tabs are sent is made a WebSocket frame once."""

from typing import Any

import pytest
from uvicorn.protocols.websockets import websockets_sansio_impl
from uvicorn.server import ServerState
from websockets.frames import Frame, Opcode

from project.frames import framed, framed_once
from project.server import config


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_is_as_the_server_makes_it(size: int) -> None:
    text = "x" * size
    assert framed(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


def test_counts_bytes_and_not_characters() -> None:
    assert framed("ä" * 63)[:4] == b"\x81\x7e\x00\x7e"


class WebSocketsSansIOProtocol:
    """A socket as uvicorn has them, as far as that matters here."""

    def __init__(self, **state: Any) -> None:
        self.written: list[bytes] = []
        self.sent: list[dict[str, Any]] = []
        self.request = self.response = ""
        self.is_full = self.is_closing_ = self.ws_per_message_deflate = False
        self.handshake_complete, self.disconnected, self.close_sent = True, False, False
        vars(self).update(state)
        self.config = self.transport = self.writable = self
        self.write, self.is_closing = self.written.append, lambda: self.is_closing_

    def is_set(self) -> bool:
        return not self.is_full

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


async def give(socket: WebSocketsSansIOProtocol, message: dict[str, Any]) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(message)

    await framed_once(application)({}, None, socket.send)


HELLO = {"type": "websocket.send", "text": "hello"}


async def test_is_written_at_once() -> None:
    socket = WebSocketsSansIOProtocol()
    await give(socket, HELLO)
    assert (socket.written, socket.sent) == ([b"\x81\x05hello"], [])


@pytest.mark.parametrize(
    "state",
    [
        {"is_full": True},
        {"is_closing_": True},
        {"handshake_complete": False},
        {"disconnected": True},
        {"close_sent": True},
        {"ws_per_message_deflate": True},
    ],
    ids=str,
)
async def test_is_the_servers_where_the_socket_is_not_open_or_full(state: dict[str, bool]) -> None:
    socket = WebSocketsSansIOProtocol(**state)
    await give(socket, HELLO)
    assert (socket.written, socket.sent) == ([], [HELLO])


async def test_the_handshake_is_let_go_once_it_is_done() -> None:
    socket: Any = WebSocketsSansIOProtocol(request="GET", response="101")
    await give(socket, HELLO)
    assert (socket.request, socket.response) == ("GET", "101")
    await give(socket, {"type": "websocket.accept"})
    assert (socket.request, socket.response) == (None, None)


@pytest.mark.parametrize("type_", ["accept", "close", "send"])
async def test_whatever_is_no_text_is_the_servers(type_: str) -> None:
    message = {"type": f"websocket.{type_}", "bytes": b"hello"}
    socket = WebSocketsSansIOProtocol()
    await give(socket, message)
    assert (socket.written, socket.sent) == ([], [message])


async def test_so_uvicorns_are_called_and_made() -> None:
    socket: Any = websockets_sansio_impl.WebSocketsSansIOProtocol(config(give), ServerState(), {})
    assert type(socket).__name__ == WebSocketsSansIOProtocol.__name__
    socket.request = socket.response = None  # once it is asked
    its = {"config", "transport", "writable", "handshake_complete", "disconnected", "close_sent"}
    assert vars(socket).keys() >= its
    assert socket.send.__self__ is socket


async def test_so_it_is_with_another_server() -> None:
    class Another(WebSocketsSansIOProtocol):
        pass

    socket = Another()
    await give(socket, HELLO)
    assert (socket.written, socket.sent) == ([], [HELLO])
