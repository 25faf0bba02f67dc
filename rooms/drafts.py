"""What somebody has begun to write in a room and not sent yet: kept as they type, as well as that goes.

A draft carries the key of the form that it was typed into. Once something is said under that key, the
draft is void, whichever of the two reaches the database first: a text that was sent never comes back
as a draft, and posting need not wait for any lock of a draft. No clock ticks, and nobody is told.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.db.models import Exists, OuterRef
from django.utils import timezone

from rooms.forms import DraftForm
from rooms.models import Draft, Message

log = logging.getLogger(__name__)

LONGEST = 2 * Message.BODY_LENGTH  # characters; a text that is longer is not kept

MOST_KEYS = 30  # of one tab that are remembered; a page has fewer forms

_writers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="drafts")  # no post waits behind a draft


def find(room_id: int, person_id: int, thread: int = 0) -> Draft | None:
    """What the person has begun to write in the room, or in its `thread`, if anything."""
    said = Message.objects.filter(room=room_id, key=OuterRef("key"), author=person_id)
    kept = Draft.objects.filter(room=room_id, person=person_id, thread_seq=thread)
    draft = kept.annotate(is_void=Exists(said)).first()
    if draft is not None and draft.is_void:
        forget(room_id, person_id, draft.key)
        return None
    return draft


def save(room_id: int, person_id: int, key: str, body: str, began_as: str = "", *, thread: int = 0) -> None:
    """Keep `body`, which is being written under `key`, in place of what was kept of that room, or its
    `thread`; nothing where it is too long, or was said. `began_as` is the key of the draft that the page
    brought for it: a text that was emptied takes that one along, and no other."""
    if Message.objects.filter(room=room_id, key=key, author=person_id).exists() or not body.strip():
        forget(room_id, person_id, key, began_as)
    elif len(body) <= LONGEST:
        where = {"room_id": room_id, "person_id": person_id, "thread_seq": thread}
        draft = Draft(**where, key=key, body=body, at=timezone.now())
        Draft.objects.bulk_create(
            [draft],
            update_conflicts=True,
            unique_fields=["person", "room", "thread_seq"],
            update_fields=["key", "body", "at"],
        )


def forget(room_id: int, person_id: int, *keys: str) -> None:
    """Delete the person's draft in the room if it was written under one of `keys`."""
    Draft.objects.filter(room=room_id, person=person_id, key__in=keys).delete()


def _writing(function: Any) -> Any:
    return database_sync_to_async(function, thread_sensitive=False, executor=_writers)


class Drafter:
    """Keeps the drafts of one tab."""

    __slots__ = "gone", "has_typed", "kept", "thread", "whose"

    def __init__(self, room_id: int, person_id: int, thread: int = 0) -> None:
        self.whose = room_id, person_id
        self.thread = thread
        self.has_typed = False  # since the last draft was kept
        self.kept: dict[str, str] = {}  # by key
        self.gone: tuple[str, ...] = ()  # keys of what was sent: drafts of it come late

    async def keep(self, frame: dict[str, Any]) -> None:
        """Keep what `frame` holds. One that is sent as the page goes or is hidden counts only if
        something was typed since: it must not displace what was typed in another tab."""
        form = DraftForm(frame)
        key = form.key()
        if not key or key in self.gone or not form.is_valid():
            return
        body = form.cleaned_data["body"]
        if len(body) > LONGEST:
            return
        is_new = self.has_typed or self.kept.get(key, body) != body
        if "leaving" in frame and not is_new:
            return
        self.has_typed = False
        self.kept[key] = body
        if len(self.kept) > MOST_KEYS:
            del self.kept[next(iter(self.kept))]
        try:
            await _writing(save)(*self.whose, key, body, form.began_as(), thread=self.thread)
        except DatabaseError as error:  # no reason to end a connection that messages go by
            log.warning("room %s: a draft could not be kept: %s", self.whose[0], error)

    async def let_go(self, key: str, began_as: str) -> None:
        """What was written under `key` was said, or given up."""
        self.gone = (*self.gone, key)[-MOST_KEYS:]
        if began_as or self.kept.pop(key, ""):
            await _writing(forget)(*self.whose, key, began_as)
