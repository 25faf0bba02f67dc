"""Months as a reader leafs through them: each day, and how much was said on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache

from django.conf import settings
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format, get_format
from django.utils.translation import ngettext, pgettext_lazy

from rooms import days
from rooms.models import Room
from rooms.texts import number

# As they stand above the columns of a month, from Monday on.
LETTERS = [
    pgettext_lazy("one letter for Monday", "M"),
    pgettext_lazy("one letter for Tuesday", "T"),
    pgettext_lazy("one letter for Wednesday", "W"),
    pgettext_lazy("one letter for Thursday", "T"),
    pgettext_lazy("one letter for Friday", "F"),
    pgettext_lazy("one letter for Saturday", "S"),
    pgettext_lazy("one letter for Sunday", "S"),
]
STEPS = [1, 10, 50, 200, 800]  # messages a day, from which on it is drawn a step darker


class DayInPath:
    """A day as a part of an address: 2020/06/02."""

    regex = r"\d{4}/\d{2}/\d{2}"

    def to_python(self, value: str) -> date:
        day = date.fromisoformat(value.replace("/", "-"))
        if not days.FIRST <= day <= days.LAST:
            raise ValueError
        return day

    def to_url(self, day: date) -> str:
        return day.isoformat().replace("-", "/")


class YearInPath:
    """A year as a part of an address: 2020."""

    regex = r"\d{4}"

    def to_python(self, value: str) -> int:
        year = int(value)
        if not days.FIRST.year < year < days.LAST.year:
            raise ValueError
        return year

    def to_url(self, year: int) -> str:
        return f"{year:04}"


def path(day: date) -> str:
    """The end of the address of this day's page."""
    return f"{DayInPath().to_url(day)}/"


def said(count: int) -> str:
    """So many messages, in words."""
    return _said(settings.LANGUAGE_CODE, count)


# Kept, for a year has hundreds of days.


@lru_cache(maxsize=4096)
def _said(language: str, count: int) -> str:
    return ngettext("%(number)s message", "%(number)s messages", count) % {"number": number(count)}


@cache
def _month_name(language: str, month: int) -> str:
    return date_format(date(2000, month, 1), "F")


@cache
def _weekdays(language: str) -> list[tuple[str, str]]:
    first = first_weekday()
    return [(str(WEEKDAYS[n % 7]), str(LETTERS[n % 7])) for n in range(first, first + 7)]


def first_weekday() -> int:
    """With which day the weeks of a calendar begin: 0 for Monday to 6 for Sunday."""
    return (int(get_format("FIRST_DAY_OF_WEEK")) - 1) % 7


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    count: int  # messages

    @property
    def step(self) -> int:
        """How dark it is drawn: from 0, for nothing, to 5."""
        return sum(self.count >= least for least in STEPS)

    @property
    def said(self) -> str:
        return said(self.count)

    @property
    def number(self) -> str:
        return str(self.date.day)

    @property
    def path(self) -> str:
        """Of its page, below that of the room's history."""
        return path(self.date)


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a room."""

    first: date
    days: Sequence[Day]

    @property
    def name(self) -> str:
        return _month_name(settings.LANGUAGE_CODE, self.first.month)

    @property
    def count(self) -> int:
        return sum(day.count for day in self.days)

    @property
    def said(self) -> str:
        return said(self.count)

    @property
    def weekdays(self) -> list[tuple[str, str]]:
        """What its columns are called: the name of the day, and one letter of it."""
        return _weekdays(settings.LANGUAGE_CODE)

    @property
    def weeks(self) -> list[list[Day | None]]:
        """As the calendar has them; None where a day is not of this month."""
        cells = [*[None] * ((self.first.weekday() - first_weekday()) % 7), *self.days]
        cells += [None] * (-len(cells) % 7)
        return [cells[start : start + 7] for start in range(0, len(cells), 7)]


def month_after(first: date) -> date:
    """The first day of the month after the one that begins with `first`."""
    return (first + timedelta(days=31)).replace(day=1)


def month(room: Room, day: date) -> Month:
    """The month that `day` is in."""
    first = day.replace(day=1)
    counts = days.per_day(room, first, month_after(first))
    return Month(first, _numbered(first, counts))


def year(room: Room, year: int) -> list[Month]:
    """The months of a year."""
    counts = days.per_day(room, date(year, 1, 1), date(year + 1, 1, 1))
    by_month: list[list[Day]] = [[] for _ in range(12)]
    for day in _numbered(date(year, 1, 1), counts):
        by_month[day.date.month - 1].append(day)
    return [Month(of_month[0].date, of_month) for of_month in by_month]


def _numbered(first: date, counts: Sequence[int]) -> list[Day]:
    return [Day(first + n * days.DAY, count) for n, count in enumerate(counts)]
