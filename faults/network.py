"""What is between the tabs and the server processes: a TCP proxy that spreads connections over the
processes, and fails when it is told to."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress


class Network:
    """Listens at `url` and passes each connection to one of the `ports`, the next that takes it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._next = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.is_away = False  # every new connection is refused
        self.swallows = False  # what tabs send is taken, and never arrives
        self.delay = 0.0  # seconds before anything is passed on
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def stop(self) -> None:
        self.is_away = True
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        ends = [writer]
        try:
            if self.is_away or (server := await self._server_side()) is None:
                writer.transport.abort()
                return
            server_reader, server_writer = server
            ends.append(server_writer)
            self._writers.add(server_writer)
            await asyncio.gather(
                self._pass(reader, server_writer, from_tab=True),
                self._pass(server_reader, writer, from_tab=False),
            )
        finally:
            for end in ends:
                end.transport.abort()
                self._writers.discard(end)

    async def _server_side(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self._ports:
            self._next = (self._next + 1) % len(self._ports)
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self._ports[self._next])
        return None

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_tab: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if not (from_tab and self.swallows):
                    writer.write(data)
                    await writer.drain()
        writer.close()
