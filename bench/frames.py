"""Frames of the WebSocket protocol (RFC 6455), as far as a client without extensions needs them."""

import base64
import os
import struct
from typing import NamedTuple

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
CONTINUED, LAST, RESERVED = 0, 0x80, 0x70


class Frame(NamedTuple):
    """A message as it came: what it is, and what is in it."""

    opcode: int
    payload: bytes


class Part(NamedTuple):
    """A frame that may be only a part of a message."""

    is_last: bool
    opcode: int
    payload: bytes


def handshake(host: str, path: str, headers: tuple[str, ...] = ()) -> bytes:
    """The request that opens a socket at `path`, as a page of `host` makes it."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Origin: http://{host}",
        *headers,
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def framed(opcode: int, payload: bytes) -> bytes:
    """A frame as a client sends it. The mask is zero, which any server takes and which costs nothing."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", LAST | opcode, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", LAST | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", LAST | opcode, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


def split(data: bytes) -> tuple[list[Part], bytes]:
    """The whole frames that `data` begins with, and what is left of it. Raises ValueError where they
    are not as a server sends them to a client that asked for no extension."""
    parts, at, end = [], 0, len(data)
    while end - at >= 2:
        first, size = data[at], data[at + 1]
        if first & RESERVED or size & 0x80:
            raise ValueError("This is no frame of a server.")
        start = at + 2
        if size == 126:
            start += 2
            size = int.from_bytes(data[at + 2 : start], "big")
        elif size == 127:
            start += 8
            size = int.from_bytes(data[at + 2 : start], "big")
        if end < start + size:
            break
        parts.append(Part(bool(first & LAST), first & 15, data[start : start + size]))
        at = start + size
    return parts, data[at:]


class Frames:
    """Puts what a server sends together, however it was cut on its way."""

    def __init__(self) -> None:
        self.rest = b""  # what came of a frame that has more to come
        self._begun: list[Part] = []

    @property
    def is_between(self) -> bool:
        """Whether nothing is under way."""
        return not self.rest and not self._begun

    def feed(self, data: bytes) -> list[Frame]:
        """The messages that end in `data`. Raises ValueError as `split` does."""
        parts, self.rest = split(self.rest + data if self.rest else data)
        frames = []
        for part in parts:
            if part.opcode >= CLOSE or (part.is_last and not self._begun):
                frames.append(Frame(part.opcode, part.payload))
                continue
            self._begun.append(part)
            if part.is_last:
                payload = b"".join(begun.payload for begun in self._begun)
                frames.append(Frame(self._begun[0].opcode, payload))
                self._begun.clear()
        return frames
