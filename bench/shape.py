"""How people talk: how long what they say is, how soon the next says something, and who it is.

Without a file it is as in one public channel about a programming language, of 303,896 messages by
2,231 people within five years.
"""

import gzip
import json
import lzma
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import IO

PERCENTS = (0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.9, 100)
RANKS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
ONE_CONVERSATION = 1800.0  # seconds: after a longer silence another begins
LONGEST = 4000  # characters that are said here at once


@dataclass(frozen=True)
class Shape:
    """`lengths` in characters, and `gaps` as parts of their mean, are what PERCENTS of all do not
    exceed; `shares` are the parts of all messages by as many people as RANKS say, the busiest first."""

    lengths: tuple[float, ...] = (1, 5, 11, 22, 32, 41, 50, 61, 75, 94, 126, 160, 253, 410, 465)
    gaps: tuple[float, ...] = (
        0, 0.02, 0.04, 0.08, 0.12, 0.18, 0.25, 0.35, 0.53, 0.91, 2.2, 5, 13.9, 19, 19.7
    )  # fmt: skip
    shares: tuple[float, ...] = (0, 0.142, 0.209, 0.317, 0.444, 0.559, 0.691, 0.783, 0.864, 0.944, 0.98)

    def length(self, chance: Random) -> int:
        """How many characters somebody says."""
        return round(_at(100 * chance.random(), PERCENTS, self.lengths))

    def gap(self, chance: Random, mean: float) -> float:
        """After how many seconds the next message comes, where it does so after `mean` on average."""
        steps = zip(PERCENTS, PERCENTS[1:], self.gaps, self.gaps[1:], strict=False)
        average = sum((right - left) / 100 * (low + high) / 2 for left, right, low, high in steps)
        return mean * _at(100 * chance.random(), PERCENTS, self.gaps) / average

    def who(self, chance: Random, count: int) -> int:
        """Who of `count` people says it; 0 is the busiest."""
        share = chance.random() * _at(count, RANKS, self.shares)
        return min(count - 1, int(_at(share, self.shares, RANKS)))


def _at(x: float, known: tuple[float, ...], values: tuple[float, ...]) -> float:
    """What lies at `x` between the `values` of what is `known`, in ascending order."""
    n = min(max(1, bisect_left(known, x)), len(known) - 1)
    left, right = known[n - 1], known[n]
    part = min(1.0, (x - left) / (right - left)) if right > left else 1.0
    return values[n - 1] + part * (values[n] - values[n - 1])


def read(path: Path) -> Shape:
    """The shape of a file of history: JSON lines with `at`, `author` and `body`, in order, plain or
    compressed with gzip or xz. Raises ValueError where it is none, or too short to tell."""
    lengths: list[float] = []
    times: list[float] = []
    people: Counter[str] = Counter()
    with _opened(path) as lines:
        for line in lines:
            try:
                said = json.loads(line)
                times.append(datetime.fromisoformat(said["at"]).timestamp())
                lengths.append(min(LONGEST, len(said["body"])))
                people[said["author"]] += 1
            except (KeyError, TypeError) as error:
                raise ValueError(f"{path}: a line without {error}") from error
    gaps = [after - at for at, after in zip(times, times[1:], strict=False)]
    gaps = sorted(max(0.0, gap) for gap in gaps if gap <= ONE_CONVERSATION)
    if len(gaps) < 100 or not (mean := sum(gaps) / len(gaps)):
        raise ValueError(f"{path} is too short to tell how people talk")
    counts = sorted(people.values(), reverse=True)
    shares = tuple(sum(counts[:rank]) / len(lengths) for rank in RANKS)
    return Shape(_quantiles(sorted(lengths)), tuple(gap / mean for gap in _quantiles(gaps)), shares)


def _quantiles(ascending: list[float]) -> tuple[float, ...]:
    last = len(ascending) - 1
    return tuple(ascending[round(last * percent / 100)] for percent in PERCENTS)


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".xz":
        return lzma.open(path, "rt")
    if path.suffix == ".gz":
        return gzip.open(path, "rt")
    return path.open()
