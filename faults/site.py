"""A whole site for one run: its processes, its Redis, its database, and the network before it."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from faults import clock, stored
from faults.clock import Clock
from faults.databases import Cluster, Database, SqliteDatabase
from faults.network import Network
from faults.options import Options
from faults.redis import OwnRedis
from faults.schedule import Fault
from faults.server import APPLICATION, ServerProcess
from tests.process import KEPT, ROOT

TEMPLATE = "faults_template"  # the database that those of the runs are copies of
BROKEN = "faults.broken.app:application"


class Ground:
    """What the runs of this process have in common, made once: a migrated database, and static files."""

    def __init__(self, directory: Path, database: str) -> None:
        self.directory = directory
        self._data_dir = directory / "template"
        self._cluster = Cluster() if database == "postgres" else None
        made: Database = SqliteDatabase(self._data_dir)
        env = {"DATA_DIR": str(self._data_dir)}
        if self._cluster is not None:
            made = self._cluster.make(TEMPLATE)
            env["DATABASE_URL"] = made.url
        steps = ("migrate", "collectstatic")
        codes = [step.wait() for step in [managing(env, step, "--noinput", "-v", "0") for step in steps]]
        if any(codes):
            raise RuntimeError("the site could not be made ready")
        stored.add_witness(made.url)

    def copy(self, data_dir: Path, name: str) -> Database:
        """A database for a run, and its data directory."""
        shutil.copytree(self._data_dir, data_dir)
        return self._cluster.make(name, TEMPLATE) if self._cluster else SqliteDatabase(data_dir)

    def drop(self, name: str) -> None:
        if self._cluster is not None:
            self._cluster.start()
            self._cluster.drop(name)


class Site:
    def __init__(self, options: Options, faults: list[Fault], directory: Path, database: Database) -> None:
        self.directory, self.database = directory, database
        self.redis = OwnRedis(directory / "redis")
        env = {
            "DATA_DIR": str(directory / "data"),
            "REDIS_URL": self.redis.url,
            "TRUSTED_PROXIES": "1",
        }
        if options.database == "postgres":
            env["DATABASE_URL"] = database.url
        if options.guard:
            env["FAULTS_BREAK"] = options.guard
        self.clocks = [Clock(directory / f"clock-{n}") for n in range(options.processes)]
        has_clocks = any(fault.kind == "clock-step" for fault in faults)
        self.servers = [
            ServerProcess(
                options.server,
                directory / f"server-{n}.log",
                env | (self.clocks[n].environment() if has_clocks else {}),
                BROKEN if options.guard else APPLICATION,
            )
            for n in range(options.processes)
        ]
        self.network = Network([server.port for server in self.servers])

    @property
    def pids(self) -> list[int]:
        return [server.pid for server in self.servers if server.pid is not None]

    async def start(self) -> None:
        self.redis.start()
        await asyncio.gather(*(server.start() for server in self.servers))
        await self.network.start()

    def is_stopped(self) -> bool:
        """Whether one of its processes is, as by SIGSTOP."""
        return any(server.is_stopped() for server in self.servers)

    async def abort(self) -> None:
        """End the processes so that what each was doing is in their logs."""
        for server in self.servers:
            await server.end(signal.SIGABRT)

    async def stop(self) -> None:
        await self.network.stop()
        for server in self.servers:
            await server.end()
        self.redis.kill()


@asynccontextmanager
async def running(ground: Ground, options: Options, faults: list[Fault]) -> AsyncIterator[Site]:
    """A new site, which serves. Its directory is left for whoever wants to know what it logged."""
    directory = ground.directory / f"run-{options.seed}-{options.guard or 'whole'}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    name = f"faults_{options.seed}_{options.guard}".replace("-", "_")
    site = Site(options, faults, directory, ground.copy(directory / "data", name))
    try:
        await site.start()
        yield site
    finally:
        await site.stop()
        ground.drop(name)


def managing(env: dict[str, str], *command: str) -> subprocess.Popen[bytes]:
    """`manage.py command`, begun."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return subprocess.Popen([sys.executable, str(ROOT / "manage.py"), *command], env=kept | env, cwd=ROOT)


def lacking() -> list[str]:
    """The kinds of faults that cannot be had on this machine."""
    return [] if clock.library() else ["clock-step"]
