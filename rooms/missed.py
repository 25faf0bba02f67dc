"""What happened in a room since some tick, read from the database: for a tab that comes back, and
for a hub that was not told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from rooms import fragments, history
from rooms.events import Change
from rooms.history import Page
from rooms.models import Message, Room
from rooms.models.message import in_room
from rooms.reading import reading
from rooms.view import View

MOST_MISSED = 200  # changes; a tab or a hub that missed more gets the newest page instead
MOST_RENDERED = 4096  # changes kept for tabs that come back; some 3 MB


class Shown(Protocol):
    """What can be shown in a time zone, in a room or one of its threads."""

    def html(self, zone: str, thread: int = 0) -> str: ...


@dataclass(frozen=True, slots=True)
class NewestPage:
    """The newest messages, to replace what is shown: of each thread that was asked for, 0 for the room."""

    room: Room
    pages: dict[int, Page]
    above: dict[int, Message]  # the messages that the threads are under, as far as they are there
    _rendered: dict[tuple[str, int], str] = field(default_factory=dict, compare=False, repr=False)

    def html(self, zone: str, thread: int = 0) -> str:
        if thread not in self.pages:
            return ""  # whoever shows it came when this was handed out already, and resumes from there
        if (zone, thread) not in self._rendered:
            above = self.above.get(thread)
            html = fragments.start_over(self.room, self.pages[thread], zone, thread, above)
            self._rendered[zone, thread] = html
        return self._rendered[zone, thread]


@dataclass(frozen=True, slots=True)
class Missed:
    """What leads from some earlier tick to `version`: the changes in order, or a whole page."""

    version: int
    shown: list[Shown]
    is_expelled: bool = False  # whether anybody lost access meanwhile

    def html(self, zone: str, thread: int = 0) -> str:
        return "".join(part.html(zone, thread) for part in self.shown)


@reading
def missed_since(room_id: int, version: int, *views: View) -> Missed:
    """What happened in the room after the tick `version`, rendered for `views`. Where that is far too
    much, messages went for good, or the room was never there, the newest page. Raises
    Room.DoesNotExist."""
    # The clock is read first. What commits in between is then sent twice, and replaces itself;
    # the other way round it would be passed over.
    room, views = Room.objects.get(pk=room_id), views or (View(),)
    shown: list[Shown] = []
    reached = room.clock
    if room.head_version > version:
        shown.append(Change.of_head(room, room.head_version))
    # Of messages that are there no longer nothing tells which they were.
    is_there = room.purge_version <= version <= reached
    messages = Message.objects.changed_since(room, version, MOST_MISSED + 1) if is_there else []
    if is_there and len(messages) <= MOST_MISSED:
        shown += [_change(message, message.seq > version) for message in messages]
        reached = max(reached, *(message.version for message in messages), 0)
    else:
        shown.append(_newest(room, {view.thread for view in views}))
    missed = Missed(reached, shown, room.access_version > version)
    for view in views:
        missed.html(*view)
    return missed


def _newest(room: Room, seqs: set[int]) -> NewestPage:
    pages = {seq: history.newest(room, history.said_in(seq)) for seq in seqs}
    found = Message.objects.filter(room=room, seq__in=seqs).select_related("author")
    return NewestPage(room, pages, {message.seq: message for message in in_room(room, found)})


_rendered: dict[tuple[int, int, str, tuple[Any, ...], bool], Change] = {}


def _change(message: Message, is_new: bool) -> Change:
    """The last change of `message`, rendered once for all the tabs that come back."""
    names = (message.author.username, *message.names.items())
    key = (message.pk, message.version, message.room.slug, names, is_new)
    if key not in _rendered:
        if len(_rendered) >= MOST_RENDERED:
            _rendered.clear()
        _rendered[key] = Change(message.room_id, message.version, message, is_new)
    return _rendered[key]


@reading
def clocks(room_ids: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """The clock of each of these rooms, and the seqs of its last message and of its last in no thread; one
    query for every 500."""
    ids = list(room_ids)
    found: dict[int, tuple[int, int, int]] = {}
    for start in range(0, len(ids), 500):
        rooms = Room.objects.filter(pk__in=ids[start : start + 500])
        rows = rooms.values_list("pk", "clock", "latest_seq", "last_seq")
        found.update((pk, (clock, latest, last)) for pk, clock, latest, last in rows)
    return found
