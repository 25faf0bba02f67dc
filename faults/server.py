"""The processes that serve the site."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.process import KEPT, ROOT, free_port

START_SECONDS = 60.0  # until it serves
END_SECONDS = 20.0  # from SIGTERM to its end

SMALL = 32 * 1024  # bytes that the system buffers of what a tab has yet to read

APPLICATION = "project.asgi:application"


def command(server: str, port: int, application: str, fd: int) -> list[str]:
    """How a server of this kind is run, as the README has it; uvicorn takes the socket `fd` to listen at."""
    python = [sys.executable]
    return {
        "up": [*python, str(ROOT / "manage.py"), "up"],
        "uvicorn": [*python, "-m", "uvicorn", "--fd", str(fd), "--log-level", "warning"]
        + ["--ws-per-message-deflate", "false", application],
        "daphne": [*python, "-m", "daphne", "--port", str(port), "--websocket_timeout", "-1", application],
    }[server]


def listening(port: int) -> socket.socket:
    """A socket whose connections buffer little: a tab that does not read is then noticed soon."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


class ServerProcess:
    """One of them, at a port that it keeps over restarts."""

    def __init__(self, server: str, log: Path, env: dict[str, str], application: str = APPLICATION) -> None:
        self.port = free_port()
        self.log = log
        self._server, self._application = server, application
        # What each thread was doing is in the log of one that is ended with SIGABRT.
        env = {"PYTHONFAULTHANDLER": "1"} | env
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._env = kept | {"PORT": str(self.port), "PYTHONPATH": str(ROOT)} | env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """None while it does not run."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def is_up(self) -> bool:
        return self.pid is not None

    async def start(self) -> None:
        """Returns once it answers. Raises RuntimeError where it ends, or does not come to that."""
        if self.is_up():
            return
        with self.log.open("ab") as log, self._listener() as listener:
            self._process = subprocess.Popen(
                command(self._server, self.port, self._application, listener.fileno()),
                pass_fds=[listener.fileno()] if self._server == "uvicorn" else [],
                cwd=ROOT,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while self.is_up() and time.monotonic() < end:
            with suppress(OSError, TimeoutError):
                if await asyncio.wait_for(self._answers(), end - time.monotonic()):
                    return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"a server did not start; see {self.log}")

    async def _answers(self) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(b"GET /healthz HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            return bool(await reader.read(1))
        finally:
            writer.close()

    def _listener(self) -> socket.socket:
        """What uvicorn listens at; the others have sockets of their own."""
        return listening(self.port) if self._server == "uvicorn" else socket.socket()

    async def end(self, ending: signal.Signals = signal.SIGKILL) -> bool:
        """Send it that, and wait for its end. Returns whether it came in END_SECONDS; then it was killed."""
        if self._process is None or not self.is_up():
            return True
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(ending)
        try:
            await asyncio.to_thread(self._process.wait, END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)
            return False
        return True

    def is_stopped(self) -> bool:
        """As by SIGSTOP."""
        with suppress(psutil.Error):
            return self.is_up() and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        return False

    def signal(self, what: signal.Signals) -> None:
        if self._process is not None and self.is_up():
            self._process.send_signal(what)


def limit_files(pid: int, size: int | None = None) -> None:
    """From here on the process can write no file beyond `size` bytes, or any again. Does nothing where it
    has ended."""
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        owner = psutil.Process(pid).uids().real
        soft = resource.RLIM_INFINITY if size is None else size
        if owner == os.getuid():
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
            return
        # Only its owner may, as which PostgreSQL runs where we are root.
        told = "unlimited" if size is None else str(size)
        subprocess.run(
            ["prlimit", "--pid", str(pid), f"--fsize={told}:"],
            user=owner,
            check=False,
            stderr=subprocess.DEVNULL,
        )
