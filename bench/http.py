"""HTTP/1.1 over one connection that stays open, and what of it goes over the wire."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: `wire` is how many bytes it was, head and all; `headers` have names in small letters."""

    status: int
    headers: dict[str, str]
    cookies: dict[str, str]
    body: bytes
    wire: int

    @property
    def text(self) -> str:
        return self.body.decode()


class Http:
    """A browser's connection to a server on this machine."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._free = asyncio.Lock()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return await self.ask("GET", path, headers or {})

    async def ask(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Answer:
        """Ask, once more where the server has closed the connection meanwhile. Raises OSError."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body else []
        request = "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body
        async with self._free:  # an answer at a time
            if self._streams is not None:
                with suppress(OSError, asyncio.IncompleteReadError):
                    return await self._exchange(request)
                self.close()
            try:
                return await self._exchange(request)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.close()
                raise OSError(f"{path}: {error}") from error

    async def _exchange(self, request: bytes) -> Answer:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port, limit=2**20)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin1").rstrip().split("\r\n")
        pairs = [line.split(": ", 1) if ": " in line else [line, ""] for line in lines]
        headers = {name.lower(): value for name, value in pairs}
        cookies = [value.split(";")[0] for name, value in pairs if name.lower() == "set-cookie"]
        status = int(first.split()[1])
        body, extra = b"", 0
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body, extra = await _chunks(reader)
        elif status not in (204, 304):
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        if headers.get("connection", "").lower() == "close":
            self.close()
        wire = len(head) + len(body) + extra
        return Answer(status, headers, dict(cookie.split("=", 1) for cookie in cookies), body, wire)

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> tuple[bytes, int]:
    """A body that comes in chunks, and how many bytes more these take."""
    body, extra = b"", 0
    while True:
        line = await reader.readline()
        size = int(line.split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        body, extra = body + chunk[:-2], extra + len(line) + 2
        if not size:
            return body, extra
