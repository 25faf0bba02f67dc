"""Starting servers, on processor cores of their own, and ending them."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

SECONDS = 60.0  # for anything that is to happen at all
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "NODE_PATH", "XDG_RUNTIME_DIR")  # of the environment

Cores = frozenset[int]


def shared_out(processes: int) -> tuple[Cores, Cores]:
    """The cores of the server, one for each process as far as there are, and the one of the load
    generator: the last. Empty where the system does not let one choose; the same where there is one."""
    if not hasattr(os, "sched_getaffinity"):
        return frozenset(), frozenset()
    cores = sorted(os.sched_getaffinity(0))
    return frozenset(cores[: max(1, min(processes, len(cores) - 1))]), frozenset(cores[-1:])


@contextmanager
def on_cores(cores: Cores) -> Iterator[None]:
    """What is started within runs on these cores alone, and whatever it starts itself."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Launched:
    """A server that listens at `port` of this machine once it runs; `log` is where it writes."""

    def __init__(
        self, command: Sequence[str], port: int, env: dict[str, str], cores: Cores, log: Path
    ) -> None:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        self.log = log
        with log.open("ab") as out, on_cores(cores):
            self.process = subprocess.Popen(  # noqa: S603 — what is started is ours
                command, env=kept | env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        self._wait_for(port)

    def _wait_for(self, port: int) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"it did not start: {self.log.read_text(errors='replace')[-2000:]}")

    def stop(self, seconds: float = 5.0) -> None:
        """End it and what it started; gently, for so many seconds."""
        family = family_of([self.process.pid])
        if self.process.poll() is None:
            self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        _kill(family)
        self.process.wait(SECONDS)

    def kill(self) -> None:
        """End it, and what it started, at once: it has no time to tidy up."""
        _kill(family_of([self.process.pid]))
        self.process.wait(SECONDS)


def _kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, SECONDS)


def family_of(pids: Sequence[int]) -> list[psutil.Process]:
    """These processes and all that they have started, as far as they run."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            found |= {one.pid: one for one in (process, *process.children(recursive=True))}
    return list(found.values())
