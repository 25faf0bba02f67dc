"""A room's past, a page at a time: by seq in both directions, never by offset, never counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from rooms.models import Message, Room

PAGE = 50  # messages


@dataclass(frozen=True, slots=True)
class Page:
    """Messages that come one after another, the oldest first."""

    messages: Sequence[Message]
    has_older: bool
    has_newer: bool

    @property
    def first(self) -> int:
        return self.messages[0].seq

    @property
    def last(self) -> int:
        return self.messages[-1].seq


def newest(room: Room, size: int = PAGE) -> Page:
    """The newest `size` messages of the room."""
    older = Message.objects.page_before(room, size=size + 1)
    return Page(older[-size:], len(older) > size, has_newer=False)


def before(room: Room, seq: int, size: int = PAGE) -> Page:
    """The newest `size` messages with a seq below that."""
    older = Message.objects.page_before(room, before=seq, size=size + 1)
    newer = bool(older) and room.last_seq > older[-1].seq
    return Page(older[-size:], len(older) > size, newer)


def after(room: Room, seq: int, size: int = PAGE) -> Page:
    """The oldest `size` messages with a seq above that. Two queries."""
    newer = Message.objects.page_after(room, seq, size + 1)
    has_older = seq > 0 and Message.objects.filter(room=room, seq__lte=seq).exists()
    return Page(newer[:size], has_older, len(newer) > size)


def around(room: Room, seq: int, size: int = PAGE) -> Page:
    """The message with that seq and what was said around it, `size` messages at most, half of them
    before it. Where it is not there, no more than where it would be. Two queries."""
    half = size // 2
    older = Message.objects.page_before(room, before=seq, size=half + 1)
    newer = Message.objects.page_after(room, seq - 1, size - half + 1)
    return Page(
        [*older[-half:], *newer[: size - half]],
        has_older=len(older) > half,
        has_newer=len(newer) > size - half,
    )
