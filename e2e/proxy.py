"""A network that fails: a TCP proxy that cuts connections, swallows what is sent, or stalls."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Listens at `url` and passes everything to the server at `port`, while all is well."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_away = False
        self.swallows = False  # what clients send is taken and never arrives
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listens = threading.Event()
        self._thread.start()
        self._listens.wait()
        self.url = f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """End every connection, and refuse new ones until `mend`."""
        self._is_away = True
        self._loop.call_soon_threadsafe(self._abort_all)

    def mend(self) -> None:
        self.swallows = False
        self._is_away = False

    def close(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _abort_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connect, "127.0.0.1", 0))
        self.port: int = server.sockets[0].getsockname()[1]
        self._listens.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.05))

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_away:
            writer.transport.abort()
            return
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, server_writer}
        await asyncio.gather(
            self._pass(reader, server_writer, from_client=True),
            self._pass(server_reader, writer, from_client=False),
        )
        self._writers -= {writer, server_writer}

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, from_client: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if not (from_client and self.swallows):
                    writer.write(data)
                    await writer.drain()
        writer.close()


@contextmanager
def proxy_to(port: int) -> Iterator[Proxy]:
    proxy = Proxy(port)
    try:
        yield proxy
    finally:
        proxy.close()
