"""A room's past, a page at a time: by seq in both directions, never by offset, never counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from rooms.models import Message, Room
from rooms.models.message import MessageQuerySet

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


def all_said() -> MessageQuerySet:
    """All messages, in threads or not: a page of any of them is a page of `said`."""
    return Message.objects.all()


def said_in(thread: int) -> MessageQuerySet:
    """Those in one thread, by the seq of the message that it is under; with 0, those in none."""
    return Message.objects.of_thread(thread)


def newest(room: Room, said: MessageQuerySet, size: int = PAGE) -> Page:
    """The newest `size` of those messages of the room."""
    older = said.page_before(room, size=size + 1)
    return Page(older[-size:], len(older) > size, has_newer=False)


def before(room: Room, seq: int, said: MessageQuerySet, size: int = PAGE) -> Page:
    """The newest `size` of those with a seq below that. Two queries."""
    older = said.page_before(room, before=seq, size=size + 1)
    has_newer = bool(older) and said.filter(room=room, seq__gte=seq).exists()
    return Page(older[-size:], len(older) > size, has_newer)


def after(room: Room, seq: int, said: MessageQuerySet, size: int = PAGE) -> Page:
    """The oldest `size` of those with a seq above that. Two queries."""
    newer = said.page_after(room, seq, size + 1)
    has_older = seq > 0 and said.filter(room=room, seq__lte=seq).exists()
    return Page(newer[:size], has_older, len(newer) > size)


def around(room: Room, seq: int, said: MessageQuerySet, size: int = PAGE) -> Page:
    """Of those the one with that seq and what was said around it, `size` messages at most, half of them
    before it. Where it is not there, no more than where it would be. Two queries."""
    half = size // 2
    older = said.page_before(room, before=seq, size=half + 1)
    newer = said.page_after(room, seq - 1, size - half + 1)
    return Page(
        [*older[-half:], *newer[: size - half]],
        has_older=len(older) > half,
        has_newer=len(newer) > size - half,
    )
