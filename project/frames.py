"""What many tabs are sent is made a WebSocket frame once.

A server makes a frame anew for each socket, though what it sends is the same for all: what comes from a
server is never masked. For a room of 500 tabs that is a third of the time.
"""

import struct
from functools import lru_cache
from typing import Any

TEXT = 0x81  # the only, and so the last, frame of a text


@lru_cache(maxsize=8)  # the ways in which a room shows the same thing
def framed(text: str) -> bytes:
    """`text` as one WebSocket frame, as servers send it (RFC 6455, section 5.2)."""
    data = text.encode()
    if len(data) < 126:
        head = struct.pack("!BB", TEXT, len(data))
    elif len(data) < 2**16:
        head = struct.pack("!BBH", TEXT, 126, len(data))
    else:
        head = struct.pack("!BBQ", TEXT, 127, len(data))
    return head + data


def framed_once(application: Any) -> Any:
    """Writes texts to the transport itself where the server is uvicorn, and the socket is open and takes
    more. Whatever else is sent is left to the server."""

    async def framing(scope: Any, receive: Any, send: Any) -> Any:
        socket: Any = getattr(send, "__self__", None)
        if type(socket).__name__ != "WebSocketsSansIOProtocol" or socket.config.ws_per_message_deflate:
            return await application(scope, receive, send)

        async def quick_send(message: Any) -> None:
            text = message.get("text")
            if text is not None and _takes_more(socket):
                socket.transport.write(framed(text))
            else:
                await send(message)
            if message["type"] == "websocket.accept":
                socket.request = socket.response = None  # which it would keep for as long as the tab is open

        return await application(scope, receive, quick_send)

    return framing


def _takes_more(socket: Any) -> bool:
    return (
        socket.handshake_complete
        and socket.writable.is_set()
        and not (socket.disconnected or socket.close_sent or socket.transport.is_closing())
    )
