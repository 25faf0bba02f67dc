"""What hangs on a message, beside its text: what it answers, what is attached to it, how people react.

All of it is in tables of its own. What of it the message's HTML is made of is kept with the message
too, so that a page of messages takes no further query, and a change carries all that is shown:

    {"reply": {"seq": 41, "author": 7, "line": "Shall we?"},
     "reactions": [["👍", 3, [7, 12, 9]]],
     "pinned": true,
     "thread": {"count": 12, "at": "2026-03-01T12:00:00+00:00"},
     "files": [{"token": "…", "kind": "picture", "name": "cat.jpg", "width": 1600, …}]}

Nothing is there that a message does not have, and of most there is nothing at all.
"""

from typing import Any

from rooms.files_shown import files_shown, shown_in
from rooms.models import Message, Pin, Reaction, Thread

LINE = 120  # characters of a message that are quoted
MOST_NAMED = 100  # people of a reaction whose own it is shown to be


def renew(message: Message) -> None:
    """Make the extras of `message`, whose room is locked, anew; does not save."""
    parts: dict[str, Any] = {}
    if message.deleted_at is None:
        parts = {"reply": _reply(message), "reactions": _reactions(message), "pinned": _is_pinned(message)}
        parts["files"] = files_shown(message.files.order_by("place"))
    parts["thread"] = None if message.thread_seq else _thread(message)
    message.extras = {name: part for name, part in parts.items() if part} or None


def begin(message: Message) -> None:
    """Make the extras of a message that is yet to be kept: nothing but what it answers."""
    reply = _reply(message)
    message.extras = {"reply": reply} if reply else None


def _reply(message: Message) -> dict[str, Any] | None:
    if message.reply_seq is None:
        return None
    answered = Message.objects.filter(room=message.room_id, seq=message.reply_seq).first()
    if answered is None:
        return None  # it is not kept any more
    return {"seq": answered.seq, "author": answered.author_id, "line": first_line(answered)}


def first_line(message: Message) -> str:
    """What of a message is shown where it is quoted; nothing, if it was deleted."""
    line = shown_in(message).partition("\n")[0].rstrip()
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"


def _reactions(message: Message) -> list[list[Any]]:
    people: dict[str, list[int]] = {}
    for emoji, person_id in (
        Reaction.objects.filter(message=message).order_by("pk").values_list("emoji", "person")
    ):
        people.setdefault(emoji, []).append(person_id)
    return [[emoji, len(ids), ids[:MOST_NAMED]] for emoji, ids in people.items()]


def _thread(message: Message) -> dict[str, Any] | None:
    thread = Thread.objects.filter(room=message.room_id, seq=message.seq, count__gt=0).first()
    return {"count": thread.count, "at": thread.last_at.isoformat()} if thread else None


def _is_pinned(message: Message) -> bool:
    return Pin.objects.filter(message=message).exists()
