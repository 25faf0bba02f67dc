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
        kind = "flat" if self.is_flat else "RISES" if self.last > self.first else "falls"
        return f"{self.first:,.1f} to {self.last:,.1f} ({self.percent:+.1f} %): {kind}"


def drift(samples: list[tuple[float, float]]) -> Drift:
    """Fit a line to samples over time. It is flat where it rises or falls by little, or where it cannot
    be told from chance."""
    warm = samples[int(len(samples) * WARMING) :]
    times, values = [time for time, _ in warm], [value for _, value in warm]
    if len(warm) < 3:
        return Drift(values[0], values[-1], True) if values else Drift(0.0, 0.0, True)
    slope, base = linear_regression(times, values)
    first, last = base + slope * times[0], base + slope * times[-1]
    off = sum((value - base - slope * time) ** 2 for time, value in warm)
    middle = fmean(times)
    error = sqrt(off / (len(warm) - 2) / sum((time - middle) ** 2 for time in times))
    is_small = abs(last - first) <= abs(first) * SMALL / 100
    return Drift(first, last, is_small or abs(slope) <= SURE * error)
