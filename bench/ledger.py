"""What was said, when, and which tab has it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

MARK = re.compile(rb"\^(\d+)\^")  # in a message, as no page has it: its number
WORDS = "hello everyone, how is it going, "


@dataclass(slots=True)
class Said:
    """A message: where, when it was due, how many tabs still lack it, and when the last one had it."""

    room: int
    due: float
    lacking: int
    done: float = 0.0


@dataclass
class Ledger:
    """Every message is written down before it is sent, and every delivery when it comes: what is
    missing at the end was lost, and what a tab was sent twice was doubled."""

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

    def say(self, room: int, tabs: int, due: float | None = None) -> int:
        """Write down a message to so many tabs, which was or is `due`; returns its number."""
        self.said.append(Said(room, monotonic() if due is None else due, tabs))
        self.open += 1
        return len(self.said) - 1

    def deliver(self, number: int) -> None:
        """One more tab has the message."""
        said = self.said[number]
        self.deliveries += 1
        said.lacking -= 1
        if not said.lacking:
            said.done = monotonic()
            self.open -= 1
            self.on_done(number)

    def latencies(self, since: int = 0) -> list[float]:
        """Milliseconds from when a message was due until the last tab had it, in ascending order, of
        those from number `since` on."""
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


def body(number: int, size: int) -> str:
    """The text of the message of this number, of about `size` characters."""
    mark = f"^{number}^ "
    return (mark + WORDS * (size // len(WORDS) + 1))[: max(size, len(mark) - 1)].rstrip()
