"""What is measured: a server that runs, and how its tabs speak with it."""

from typing import Protocol

import psutil

from bench.wire import Wire


class Target(Protocol):
    """A server. Everything it takes to run it counts as its own, its Redis and database too."""

    name: str
    host: str
    port: int
    has_rooms: bool

    def start(self) -> None:
        """Run it, afresh."""

    def stop(self) -> None: ...

    def log(self) -> str:
        """What it has written, as far as that is known."""

    def processes(self) -> list[psutil.Process]:
        """All of its processes that run now."""

    async def prepare(self, tabs: int, people: int, rooms: int) -> None:
        """Have as many tabs, of as many people, evenly in as many rooms, able to connect."""

    def wire(self, tab: int, room: int) -> Wire:
        """How that tab, in that room, speaks."""
