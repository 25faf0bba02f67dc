"""What a stretch of load costs, and comes to."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic, process_time

import psutil

from bench.ledger import Ledger

BOTTLENECK = 90.0  # percent of its core, above which the load generator is what was measured

OWN = "load generator, % of its core"
STOOD_STILL = "load generator, longest stall ms"
LONGEST_STALL = 100.0  # milliseconds, above which somebody else had its core, or it was stopped
BEAT_SECONDS = 0.01

Figures = dict[str, float]  # by what they are and their unit


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """What these have used of the processor so far, in steps of 10 ms."""
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def memory_kib(processes: list[psutil.Process]) -> float:
    """What these hold of memory that nobody else does (USS), in KiB."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total / 1024


def percentile(ascending: list[float], percent: float) -> float:
    """The least of the values, in ascending order, that `percent` of them do not exceed; 0 of none."""
    if not ascending:
        return 0.0
    rank = -(-len(ascending) * percent // 100)  # rounded up
    return ascending[min(len(ascending), max(1, int(rank))) - 1]


def of_own(figures: Figures) -> Figures:
    """Of these, what is about the load generator."""
    return {name: figures[name] for name in (OWN, STOOD_STILL)}


class Meter:
    """Begins to measure when it is made; `figures` tells of what happened since."""

    def __init__(self, ledger: Ledger, processes: Callable[[], list[psutil.Process]]) -> None:
        self._ledger, self._processes = ledger, processes
        self._said, self._deliveries = len(ledger.said), ledger.deliveries
        self._frames, self._bytes = ledger.frames, ledger.bytes
        self._server, self._own, self._began = cpu_seconds(processes()), process_time(), monotonic()
        self._stall, self._beat_at = 0.0, self._began
        self._beating = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def _beat(self) -> None:
        self._notice()
        self._beating = asyncio.get_running_loop().call_later(BEAT_SECONDS, self._beat)

    def _notice(self) -> None:
        """Notice where this very process comes too late to notice anything."""
        now = monotonic()
        self._stall = max(self._stall, now - self._beat_at - BEAT_SECONDS)
        self._beat_at = now

    def latencies(self) -> list[float]:
        return self._ledger.latencies(self._said)

    def figures(self) -> Figures:
        """What happened until now; the end of it."""
        self._beating.cancel()
        self._notice()
        own, server = process_time() - self._own, cpu_seconds(self._processes()) - self._server
        said = self._ledger.said[self._said :]
        wall = max(1e-9, monotonic() - self._began)
        # Not until now: what waits for the last delivery looks for it only now and then.
        seconds = max((one.done - self._began for one in said if one.done), default=wall)
        deliveries = self._ledger.deliveries - self._deliveries
        each, latencies = max(1, deliveries), self.latencies()
        return {
            "posts/s": len(said) / seconds,
            "deliveries/s": deliveries / seconds,
            "server CPU, µs/delivery": server / each * 1e6,
            "server CPU, % of a core": server / wall * 100,
            "to the last tab, p50 ms": percentile(latencies, 50),
            "to the last tab, p99 ms": percentile(latencies, 99),
            "to the last tab, max ms": percentile(latencies, 100),
            "frames/delivery": (self._ledger.frames - self._frames) / each,
            "bytes/delivery": (self._ledger.bytes - self._bytes) / each,
            OWN: own / wall * 100,
            STOOD_STILL: self._stall * 1000,
        }


def open_files(processes: list[psutil.Process]) -> int:
    """How many files and sockets these have open."""
    total = 0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            total += process.num_fds()
    return total
