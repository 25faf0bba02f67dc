"""Whether what was sampled over time stays as it is."""

from dataclasses import dataclass
from math import sqrt
from statistics import fmean, linear_regression

SMALL = 5.0  # percent over the whole run: what is less is flat
SURE = 3.0  # standard errors: what is less may be chance
WARMING = 0.2  # of the time, which does not count


@dataclass(frozen=True, slots=True)
class Drift:
    """How the straight line that fits best goes, from `first` to `last`, once it is warm."""

    first: float
    last: float
    is_flat: bool

    @property
    def percent(self) -> float:
        return (self.last / self.first - 1) * 100 if self.first else 0.0

    def __str__(self) -> str:
        kind = "flat" if self.is_flat else "NOT flat"
        return f"{self.first:,.1f} to {self.last:,.1f} ({self.percent:+.1f} %): {kind}"


def drift(samples: list[tuple[float, float]], pace: list[tuple[float, float]] | None = None) -> Drift:
    """Fit a line to samples over time. It is flat where it rises or falls by little, or where it cannot
    be told from chance. `pace` was sampled with them, and is no doing of whatever they are of: the line is
    as if that had been the same throughout (multiple regression, by the theorem of Frisch and Waugh)."""
    begin = int(len(samples) * WARMING)
    times, values = [time for time, _ in samples[begin:]], [value for _, value in samples[begin:]]
    if len(values) < 4:
        return Drift(values[0], values[-1], True) if values else Drift(0.0, 0.0, True)
    beside = [value for _, value in (pace or [])[begin:]]
    late, rest = _apart_from(beside, times), _apart_from(beside, values)
    spread = sum(time * time for time in late)
    slope = sum(time * value for time, value in zip(late, rest, strict=True)) / spread
    off = sum((value - slope * time) ** 2 for time, value in zip(late, rest, strict=True))
    error = sqrt(off / (len(values) - (3 if beside else 2)) / spread)
    first, last = (fmean(values) + slope * (time - fmean(times)) for time in (times[0], times[-1]))
    is_small = abs(last - first) <= abs(first) * SMALL / 100
    return Drift(first, last, is_small or abs(slope) <= SURE * error)


def _apart_from(cause: list[float], values: list[float]) -> list[float]:
    """What is left of the values, about zero, once a line over `cause` is taken away, if there is one."""
    if len(set(cause)) < 2:
        middle = fmean(values)
        return [value - middle for value in values]
    slope, base = linear_regression(cause, values)
    return [value - base - slope * at for at, value in zip(cause, values, strict=True)]
