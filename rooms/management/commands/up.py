"""The whole site: `manage.py up`, one process that serves and one that works in the background."""

from daphne.server import Server  # isort: skip — before anything else can pick another Twisted reactor

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import monotonic
from typing import Any, cast

from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import Error, connection
from django.utils.module_loading import import_string
from twisted.internet import reactor
from twisted.internet.task import LoopingCall
from twisted.internet.tcp import Port

from project.datadir import redis_socket
from project.embedded_redis import check_redis, embedded_redis
from project.errors import no_database
from project.listening import listen
from project.static import collect
from rooms import farewell
from rooms.search import upkeep

ENDINGS = [signal.SIGINT, signal.SIGTERM]
if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
    ENDINGS.append(signal.SIGHUP)
LAST_SECONDS = 5  # for the worker to leave off what it is doing
ANSWER_SECONDS = 1.0  # for browsers to answer the closing of their sockets
MIND_SECONDS = 1  # between looks whether the worker is there


class Command(BaseCommand):
    help = "Run Parlor: database, static files, Redis, web server and worker, until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        self.server: Server | None = None
        for ending in ENDINGS:
            signal.signal(ending, lambda *_: self.end())
        host, port = os.environ.get("HOST") or "127.0.0.1", os.environ.get("PORT") or "8000"
        with listen(host, port) as listener, redis():
            prepare_database()
            self.prepare_search()
            collect()
            with worker():
                self.serve(listener)

    def prepare_search(self) -> None:
        """Once, where messages are older than the index."""
        if not upkeep.is_complete():
            self.stderr.write("Making what was said before searchable. This is done once.")
            call_command("reindex", stdout=self.stderr)

    def serve(self, listener: socket.socket) -> None:
        host, port = listener.getsockname()
        # daphne would close every socket after a day, with a code that ends htmx's reconnecting.
        self.server = Server(
            import_string(settings.ASGI_APPLICATION),
            endpoints=[f"fd:fileno={listener.detach()}"],
            signal_handlers=False,
            websocket_timeout=-1,
            verbosity=0,
        )
        self.stdout.write(f"Parlor is at http://{host}:{port}/ (Ctrl-C ends it)")
        self.stdout.flush()
        self.server.run()

    def end(self) -> None:
        for ending in ENDINGS:
            signal.signal(ending, lambda *_: None)  # one is enough; the rest would cut the end short
        if self.server is None:
            sys.exit(0)
        loop = cast(Any, reactor)
        loop.callFromThread(self.part)
        loop.callFromThread(loop.callLater, 2 * farewell.LIMIT_SECONDS, loop.crash)

    def part(self) -> None:
        self.parting = asyncio.create_task(part(self.server))


async def part(server: Server) -> None:
    """Stop `server`: nobody comes any more, the tabs are closed, requests under way are answered."""
    loop = cast(Any, reactor)
    for port in loop.getReaders():
        if isinstance(port, Port):
            port.stopListening()

    def under_way(is_socket: bool) -> bool:
        return any(
            isinstance(protocol, WebSocketProtocol) is is_socket and "disconnected" not in details
            for protocol, details in server.connections.items()
        )

    begun = monotonic()
    try:
        await farewell.close_tabs()
        await farewell.until(lambda: not under_way(is_socket=True), ANSWER_SECONDS)
        rest = begun + farewell.LIMIT_SECONDS - monotonic()
        await farewell.until(lambda: not under_way(is_socket=False), rest)
    finally:
        server.stop()


def redis() -> AbstractContextManager[None]:
    """Redis, while the context lasts: the one at REDIS_URL, else an embedded one.

    Raises ImproperlyConfigured when there is none.
    """
    if settings.REDIS_URL:
        for url in settings.REDIS_SERVERS:
            check_redis(url)
        return nullcontext()
    return embedded_redis(redis_socket(settings.DATA_DIR))


@contextmanager
def worker() -> Iterator[None]:
    """Run `manage.py work` while the context lasts and the reactor runs, and again where it has ended.

    It is in a session of its own, out of reach of the terminal's Ctrl-C; its standard input closes
    with this process, however that ends, and it ends then.
    """
    # The site serves first; what is done in the background can wait until it does.
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "work", "--while-open"]
    running: list[subprocess.Popen[bytes]] = []

    def mind() -> None:
        if not running or running[-1].poll() is not None:
            running[:] = [subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)]  # noqa: S603

    minding = LoopingCall(mind)
    cast(Any, reactor).callWhenRunning(minding.start, MIND_SECONDS, now=False)
    try:
        yield
    finally:
        if minding.running:
            minding.stop()
        for process in running:
            process.terminate()
            try:
                process.wait(LAST_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()  # what it was doing is done again


def prepare_database() -> None:
    """Bring the tables up to date. Raises ImproperlyConfigured when the database does not let it."""
    try:
        connection.ensure_connection()
        call_command("migrate", interactive=False, verbosity=0)
    except Error as error:
        raise no_database(error) from error
