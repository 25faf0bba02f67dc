"""What a scene is."""

from argparse import Namespace
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bench.meter import Figures
from bench.target import Target

Curve = list[tuple[float, float]]


@dataclass
class Outcome:
    """What one run came to. `faults` is what must not be; `curves` are drawn, by their title, each
    over what `over` says."""

    figures: Figures
    faults: dict[str, int] = field(default_factory=dict)
    curves: dict[str, Curve] = field(default_factory=dict)
    over: str = ""
    notes: list[str] = field(default_factory=list)


Run = Callable[[Target, Namespace], Awaitable[Outcome]]


@dataclass(frozen=True)
class Scene:
    """`options` are flags with their defaults. Several `runs` are measured in turn. `is_parlors` where
    no other server can do it; `is_own` where it takes a site of the benchmark's own; `compares` where
    it makes sense to tell how the first column compares with the others."""

    name: str
    help: str
    options: dict[str, tuple[float | int | str, str]]
    runs: dict[str, Run]
    is_parlors: bool = False
    is_own: bool = False
    compares: bool = True


def latency_curve(ascending: list[float]) -> Curve:
    """Milliseconds over percent, of latencies in ascending order."""
    last = len(ascending) - 1
    return [(percent, ascending[round(last * percent / 100)]) for percent in range(101)] if ascending else []
