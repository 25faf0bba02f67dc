"""What a run writes down as it goes."""

import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from faults.page import Row


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that the site did not do, tried between these times (of time.monotonic)."""

    since: float
    until: float
    what: str
    whose: str = ""  # told where nothing explains it


@dataclass(slots=True)
class Outage:
    """How long at most something was asked for and not had."""

    longest: float = 0.0
    since: float | None = None  # when what is waited for was asked for first

    def asked(self, at: float) -> None:
        if self.since is None:
            self.since = at

    def had(self, *, is_more_asked: bool = False) -> None:
        now = time.monotonic()
        if self.since is not None:
            self.longest = max(self.longest, now - self.since)
        self.since = now if is_more_asked else None


@dataclass(slots=True)
class Record:
    """Of one run. A message is named by the key it was sent under, or by its room's slug and its seq."""

    said: dict[str, tuple[str, str]] = field(default_factory=dict)  # by key: the room, and the body
    confirmed: set[str] = field(default_factory=set)  # keys
    edited: dict[tuple[str, int], str] = field(default_factory=dict)  # confirmed: the newest body
    perhaps_edited: dict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))
    deleted: set[tuple[str, int]] = field(default_factory=set)  # confirmed
    perhaps_deleted: set[tuple[str, int]] = field(default_factory=set)
    shown: dict[str, set[tuple[int, int, str, bool]]] = field(default_factory=lambda: defaultdict(set))
    waiting: set[str] = field(default_factory=set)  # keys of what is sent and not confirmed
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    without_post: Outage = field(default_factory=Outage)
    without_page: Outage = field(default_factory=Outage)

    def saying(self, key: str, room: str, body: str) -> None:
        self.said[key] = (room, body)
        self.waiting.add(key)
        self.without_post.asked(time.monotonic())
        self.counts["posts"] += 1

    def confirm(self, key: str) -> None:
        if key in self.waiting:
            self.waiting.discard(key)
            self.confirmed.add(key)
            self.counts["confirmed"] += 1
            self.without_post.had(is_more_asked=bool(self.waiting))

    def give_up(self, key: str) -> None:
        """It was refused, or its page is gone: whether it was said is not known."""
        self.waiting.discard(key)
        self.counts["given up"] += 1
        if not self.waiting:
            self.without_post.since = None

    def saw(self, room: str, row: Row) -> None:
        self.shown[room].add((row.seq, row.author, row.html, row.is_deleted))

    def failed(self, what: str, since: float | None = None, whose: str = "") -> None:
        now = time.monotonic()
        self.failures.append(Failure(now if since is None else since, now, what, whose))
        self.counts[what] += 1
