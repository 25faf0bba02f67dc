"""What was promised, held against what the database holds and what every tab shows."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from faults.page import Row
from faults.record import Failure, Record
from faults.stored import Message, Room

MOST = 5  # examples of one violation


@dataclass(frozen=True, slots=True)
class View:
    """What one tab shows, or a fresh page."""

    name: str
    room: str  # its slug
    rows: Sequence[Row]
    raw: Sequence[tuple[int, str]] = ()  # the same, by seq, as they were written
    thread: int | None = None  # of which it shows what is said


def stored_wrong(rooms: Mapping[str, Room], record: Record) -> list[str]:
    """What the database lacks, has twice, or has and should not."""
    wrong: list[str] = []
    for slug, room in rooms.items():
        wrong += clock_wrong(room)
        found = {message.seq: message for message in room.messages}
        keys = Counter(message.key for message in room.messages if message.key in record.said)
        wrong += [f"{slug}: said {count} times under {key}" for key, count in keys.items() if count > 1]
        for key in record.confirmed:
            if record.said[key][0] == slug and key not in keys:
                wrong.append(f"{slug}: confirmed and lost: {record.said[key][1][:60]!r} ({key})")
        wrong += [line for message in room.messages if (line := _said_wrong(slug, message, record))]
        for (where, seq), body in record.edited.items():
            message = found.get(seq) if where == slug else None
            may_be = (body, *record.perhaps_edited[where, seq])
            if message and not message.is_deleted and message.body not in may_be:
                wrong.append(f"{slug}/{seq}: says {message.body[:60]!r}, and was edited to {body[:60]!r}")
        wrong += [
            f"{slug}/{seq}: confirmed as deleted, and is not"
            for where, seq in record.deleted
            if where == slug and not (seq in found and found[seq].is_deleted)
        ]
    return wrong


def clock_wrong(room: Room) -> list[str]:
    """Whether the room's changes were not 1, 2, 3 … up to its clock, each once."""
    times = Counter(room.versions)
    wrong = [f"{room.slug}: {times[tick]} changes at tick {tick}" for tick in times if times[tick] > 1]
    if holes := [tick for tick in range(1, room.clock + 1) if tick not in times]:
        wrong.append(f"{room.slug}: no change at ticks {holes[:MOST]} (the clock is at {room.clock})")
    if beyond := [tick for tick in times if tick > room.clock]:
        wrong.append(f"{room.slug}: changes at {beyond[:MOST]}, and the clock is at {room.clock}")
    for what, values in (
        ("seq", [message.seq for message in room.messages]),
        ("version", [message.version for message in room.messages]),
    ):
        if twice := [value for value, count in Counter(values).items() if count > 1]:
            wrong.append(f"{room.slug}: two messages of {what} {twice[:MOST]}")
    return wrong


def _said_wrong(slug: str, message: Message, record: Record) -> str:
    if message.key not in record.said:
        return ""  # another's, such as a real browser's
    room, body = record.said[message.key]
    place = (slug, message.seq)
    if room != slug:
        return f"{slug}/{message.seq}: was said in {room}"
    if message.is_deleted:
        is_ours = place in record.deleted or place in record.perhaps_deleted
        return "" if is_ours else f"{slug}/{message.seq}: was deleted by nobody"
    may_be = {body, *record.perhaps_edited.get(place, ()), record.edited.get(place, body)}
    if message.body not in may_be:
        return f"{slug}/{message.seq}: says {message.body[:60]!r}, and was said as {body[:60]!r}"
    return ""


def shown_wrong(view: View, room: Room) -> list[str]:
    """How what the view shows differs from what the database holds from its first message on."""
    seqs = [row.seq for row in view.rows]
    wrong = []
    if twice := [seq for seq, count in Counter(seqs).items() if count > 1]:
        wrong.append(f"{view.name}: shows {twice[:MOST]} of {view.room} twice")
    if seqs != sorted(seqs):
        wrong.append(f"{view.name}: shows {view.room} out of order: {_disorder(seqs)}")
    mine = [message.row for message in room.messages if message.thread == view.thread]
    first = min(seqs, default=0)
    held = {row.seq: row for row in mine if row.seq >= first}
    shown = {row.seq: row for row in view.rows}
    if lacks := sorted(held.keys() - shown.keys()):
        wrong.append(f"{view.name}: lacks {len(lacks)} messages of {view.room}: {lacks[:MOST]}")
    if more := sorted(shown.keys() - held.keys()):
        wrong.append(f"{view.name}: shows {more[:MOST]} of {view.room}, which are not there")
    differ = [seq for seq in sorted(held.keys() & shown.keys()) if not _same(held[seq], shown[seq])]
    for seq in differ[:MOST]:
        wrong.append(f"{view.name}: {view.room}/{seq} is {held[seq]}, and shows as {shown[seq]}")
    return wrong


def differs_from(view: View, fresh: View) -> list[str]:
    """How what a tab shows differs, letter for letter, from a fresh page of the same room."""
    theirs = dict(fresh.raw)
    differ = [seq for seq, raw in view.raw if seq in theirs and theirs[seq] != raw]
    return [f"{view.name}: {view.room}/{seq} is not what a fresh page has" for seq in differ[:MOST]]


def never_committed(
    shown: Mapping[str, Iterable[tuple[int, int, str, bool]]], rooms: Mapping[str, Room]
) -> list[str]:
    """What some tab showed at some time, and the database never held."""
    return [
        f"{slug}/{seq}: was shown as {html[:60]!r}, and never committed so"
        for slug, states in shown.items()
        for seq, author, html, is_deleted in sorted(states)
        if (seq, author, html, is_deleted) not in rooms[slug].states
    ]


def without_cause(failures: Iterable[Failure], troubled: Sequence[tuple[float, float]]) -> list[str]:
    """The failures that came while nothing was wrong; `troubled` are the times when something was."""
    causeless = [
        f"{failure.what} ({failure.whose})" if failure.whose else failure.what
        for failure in failures
        if not any(failure.until >= since and failure.since <= until for since, until in troubled)
    ]
    return [f"without a fault, {count} times: {what}" for what, count in Counter(causeless).items()]


def _same(one: Row, other: Row) -> bool:
    return one == other or (
        (one.seq, one.author, one.html, one.is_deleted, one.is_edited)
        == (other.seq, other.author, other.html, other.is_deleted, other.is_edited)
        and sorted(one.reactions) == sorted(other.reactions)
    )


def _disorder(seqs: Sequence[int]) -> list[tuple[int, int]]:
    return [(one, other) for one, other in zip(seqs, seqs[1:], strict=False) if one > other][:MOST]
