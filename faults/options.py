"""What a run is asked to do."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

SERVERS = ("up", "uvicorn", "daphne")
DATABASES = ("sqlite", "postgres")


@dataclass(frozen=True, slots=True)
class Options:
    """One run; the same options make the same schedule."""

    seed: int
    seconds: float = 60.0
    database: str = "sqlite"
    tabs: int = 12
    chromium: int = 0  # tabs in a real browser, beside the others
    processes: int = 1
    server: str = "up"
    kinds: tuple[str, ...] = ()  # of faults, or "none"; any that can be had here, if none are named
    settle: float = 60.0  # seconds that tabs have, after the last fault, to show all
    guard: str = ""  # which is broken on purpose: see faults.broken


def runs(arguments: Sequence[str] | None = None) -> list[Options]:
    """The runs that the command line asks for. Exits where it cannot be understood."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, default=1)
    seeds.add_argument("--seeds", help="a first and a last, such as 1-50")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--database", choices=DATABASES, default="sqlite")
    parser.add_argument("--tabs", type=int, default=12)
    parser.add_argument("--chromium", type=int, default=0, help="tabs in a real browser, beside the others")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--server", choices=SERVERS, help="up, or uvicorn for several processes")
    parser.add_argument("--kinds", default="", help="the only faults, with commas between")
    asked = parser.parse_args(arguments)
    server = asked.server or ("up" if asked.processes == 1 else "uvicorn")
    if server == "up" and asked.processes != 1:
        parser.error("`manage.py up` is one process")
    kinds = tuple(filter(None, asked.kinds.split(",")))
    return [
        Options(
            seed, asked.seconds, asked.database, asked.tabs, asked.chromium, asked.processes, server, kinds
        )
        for seed in _seeds(asked.seeds or str(asked.seed))
    ]


def _seeds(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)
