"""What was said, when, and which tab has it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic

WORDS = "hello everyone, how is it going, "


@dataclass(slots=True)
class Said:
    """A message: where, when it was due, how many tabs still lack it, and when the last of those had it
    that were there when it was due."""

    room: int
    due: float
    lacking: int
    done: float = 0.0


@dataclass
class Ledger:
    """Every message is written down before it is sent, and every delivery when it comes: what is
    missing at the end was lost, and what a tab was sent twice was doubled."""

    name: str = field(default_factory=lambda: token_hex(3))
    said: list[Said] = field(default_factory=list)
    open: int = 0  # messages that some tab lacks
    deliveries: int = 0
    doubled: int = 0
    refused: int = 0  # messages, by the server
    closed: int = 0  # sockets, by the server
    replaced: int = 0  # lists of messages that a tab was sent anew
    frames: int = 0  # of text, to all tabs
    bytes: int = 0  # to all tabs
    on_done: Callable[[int], object] = lambda number: None

    def __post_init__(self) -> None:
        # In a message, as no page has it. Those of another ledger may be in the same room.
        self.mark = re.compile(rb"\^%b-(\d+)\^" % self.name.encode())

    def body(self, number: int, size: int) -> str:
        """The text of the message of this number, of about `size` characters."""
        mark = f"^{self.name}-{number}^ "
        return (mark + WORDS * (size // len(WORDS) + 1))[: max(size, len(mark))].rstrip()

    def say(self, room: int, tabs: int, due: float | None = None) -> int:
        """Write down a message to so many tabs, which was or is `due`; returns its number."""
        self.said.append(Said(room, monotonic() if due is None else due, tabs))
        self.open += 1
        return len(self.said) - 1

    def deliver(self, number: int, there_since: float) -> None:
        """One more tab has the message; it is there since some moment of the monotonic clock."""
        said = self.said[number]
        self.deliveries += 1
        said.lacking -= 1
        if there_since <= said.due:
            said.done = monotonic()
        if not said.lacking:
            self.open -= 1
            self.on_done(number)

    def latencies(self, since: int = 0) -> list[float]:
        """Milliseconds from when a message was due until the last tab that was there had it, in
        ascending order, of those from number `since` on."""
        return sorted((said.done - said.due) * 1000 for said in self.said[since:] if said.done)

    @property
    def lost(self) -> int:
        """Deliveries that have not come."""
        return sum(said.lacking for said in self.said)

    @property
    def faults(self) -> dict[str, int]:
        """What must not be, as far as it is."""
        found = {"lost": self.lost, "doubled": self.doubled, "refused": self.refused, "closed": self.closed}
        return {what: count for what, count in found.items() if count}
