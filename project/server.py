"""uvicorn as Parlor runs it: how it is set, and how it ends."""

import select
import socket
import warnings
from math import ceil
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from project.listening import BACKLOG
from rooms import farewell

LARGEST_FRAME = 1024 * 1024  # bytes, as daphne has it; what a page sends is smaller
PING_SECONDS, PONG_SECONDS = 20, 30  # a peer that is gone without a word is noticed within their sum
# Longer than proxies keep a connection open with nothing to do: of the two ends, the one that sends
# requests is to close it, or one would now and then be sent into a connection that is being closed.
KEEP_ALIVE_SECONDS = 75
DUE_SECONDS = 1.0  # for what is due to come from others when the end comes
# Django says so of every static file. Few are asked for, and they are small.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")


def config(application: Any) -> uvicorn.Config:
    """uvicorn's settings. What it logs goes where Django's does; that of each request, nowhere."""
    return uvicorn.Config(
        application,
        loop="auto",  # uvloop and httptools where they are installed
        http="auto",
        ws=WebSocketsSansIOProtocol,  # what it would choose too; its older one is on its way out
        ws_max_size=LARGEST_FRAME,
        ws_per_message_deflate=False,  # the same frame would be compressed anew for each tab
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        lifespan="off",
        proxy_headers=False,  # which proxies are trusted, TRUSTED_PROXIES says
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


class Server(uvicorn.Server):
    """Serves at a socket that listens until it is told to end by SIGINT or SIGTERM. Then nobody comes
    any more, tabs are closed one after the other, and requests under way are answered."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket) -> None:
        super().__init__(config)
        self._listener = listener

    def serve_until_told(self) -> None:
        self.run([self._listener])

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would die of the signal once it is done, and leave at once at the second.
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        begun = monotonic()
        await self._stop_listening()
        await farewell.close_tabs()
        await farewell.until(lambda: not any(map(_is_due, self.server_state.connections)), DUE_SECONDS)
        rest = begun + farewell.LIMIT_SECONDS - monotonic()
        self.config.timeout_graceful_shutdown = max(ceil(rest), 1)
        await super().shutdown(sockets)

    async def _stop_listening(self) -> None:
        """Whoever has connected is served; whoever has not, is refused and goes to another process."""
        if self._listener.family == socket.AF_UNIX:
            Path(self._listener.getsockname()).unlink(missing_ok=True)
            # Until the loop has accepted them.
            await farewell.until(lambda: not select.select([self._listener], [], [], 0)[0], DUE_SECONDS)
        for server in self.servers:
            server.close()


def _is_due(connection: Any) -> bool:
    """Whether something comes from `connection` at any moment: its first request, or the answer to the
    closing of a socket. To hang up now would take back what is on its way there, too."""
    return getattr(connection, "close_sent", False) or getattr(connection, "cycle", ...) is None
