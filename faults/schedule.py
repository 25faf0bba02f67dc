"""Which faults come when: a pure function of the options, so that a seed can be run again."""

from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from faults.options import Options

QUIET_BEFORE, QUIET_AFTER = 3.0, 3.0  # seconds without faults
MEAN_SECONDS = 2.0  # between the beginnings of two


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault. `what` it happens to has one fault at a time."""

    what: str
    shortest: float  # seconds
    longest: float
    database: str = ""  # the only one that it can happen to
    only_named: bool = False  # never by chance


KINDS = {
    "server-kill": Kind("server", 0.5, 4),  # -9, and started again after so long
    "server-term": Kind("server", 0.5, 3),
    "server-pause": Kind("server", 1, 5),
    # Of one server process, hours ahead or back. What steps it makes Python stall at times, by itself.
    "clock-step": Kind("clock", 2, 8, only_named=True),
    "redis-kill": Kind("redis", 0, 6),  # and started again, empty
    "redis-pause": Kind("redis", 1, 6),
    "redis-read-only": Kind("redis", 2, 6),
    "redis-full": Kind("redis", 2, 6),
    "sqlite-lock": Kind("database", 1, 7, "sqlite"),
    "postgres-restart": Kind("database", 0, 3, "postgres"),
    "postgres-crash": Kind("database", 0, 1, "postgres"),  # a backend dies, and all others with it
    "postgres-pause": Kind("database", 1, 6, "postgres"),
    "postgres-terminate": Kind("database", 0, 0, "postgres"),  # every connection to it
    "disk-full": Kind("database", 1, 5),
    "network-cut": Kind("network", 0.2, 5),
    "network-delay": Kind("network", 2, 8),
    "network-swallow": Kind("network", 1, 5),  # what tabs send is taken, and never arrives
    "tab-stall": Kind("tab", 4, 10),  # it reads nothing
}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What goes wrong: `at` seconds after the beginning, for so many `seconds`."""

    at: float
    seconds: float
    kind: str
    victim: int  # the number of the process or tab; 0 where there is but one

    def __str__(self) -> str:
        return f"{self.at:5.1f} s  {self.kind} {self.victim} for {self.seconds:.1f} s"


def possible(database: str, named: Collection[str] = ()) -> list[str]:
    """The kinds that can happen to a site with that database: those `named`, or all that come by chance."""
    there = {name: kind for name, kind in KINDS.items() if kind.database in ("", database)}
    return [name for name, kind in there.items() if (name in named if named else not kind.only_named)]


def schedule(options: Options, without: Collection[str] = ()) -> list[Fault]:
    """The faults of a run, in order, all over QUIET_AFTER seconds before its end; none of the kinds
    that are named in `without`, which cannot be had on this machine."""
    random = Random(f"{options.seed} {options.database} {options.processes}")
    kinds = [kind for kind in possible(options.database, options.kinds) if kind not in without]
    victims = {"server": options.processes, "clock": options.processes, "tab": slow_tabs(options.tabs)}
    busy_until: dict[tuple[str, int], float] = {}
    faults: list[Fault] = []
    at = QUIET_BEFORE
    while kinds and at < options.seconds:
        name = random.choice(kinds)
        kind = KINDS[name]
        seconds = round(random.uniform(kind.shortest, kind.longest), 2)
        victim = random.randrange(victims.get(kind.what, 1))
        is_free = busy_until.get((kind.what, victim), 0) <= at
        if is_free and at + seconds <= options.seconds - QUIET_AFTER:
            faults.append(Fault(round(at, 2), seconds, name, victim))
            busy_until[kind.what, victim] = at + seconds + 1
        at += random.expovariate(1 / MEAN_SECONDS)
    return faults


def slow_tabs(tabs: int) -> int:
    """How many of so many tabs, the first of them, are such as may stop reading."""
    return max(1, tabs // 4)
