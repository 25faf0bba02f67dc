"""One tab's conversation with the server."""

import asyncio
import json
import logging
from random import uniform
from time import monotonic
from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError

from rooms import changes, fragments, limits
from rooms.forms import CursorForm, MessageForm, new_key
from rooms.hub import Audience, Hub, missed_since
from rooms.models import Message, Person, Room
from rooms.reading import reading
from rooms.tab import Tab

LONGEST_FRAME = 512 * 1024  # characters
MOST_FRAMES, IN_SECONDS = 200, 10  # of one tab
MOST_MISTAKES = 20  # frames that make no sense, before the socket is closed
MOST_UNCONFIRMED = 30  # messages of one tab; a page has fewer forms
LONGEST_KEPT = 2 * Message.BODY_LENGTH  # characters of a body, to compare it with what comes again

# Close codes. htmx reconnects after 1011 and 1013 by itself; the others end it.
UNSUPPORTED_DATA, POLICY_VIOLATION, TOO_BIG, INTERNAL_ERROR, TRY_AGAIN_LATER = 1003, 1008, 1009, 1011, 1013
NOT_SIGNED_IN, NO_SUCH_ROOM = 4401, 4404

Frame = dict[str, Any]  # of strings and numbers

log = logging.getLogger(__name__)
room_at = reading(lambda slug: Room.objects.at(slug).first())


def some_seconds() -> float:
    """How long to wait before trying again; not the same for all who do."""
    return uniform(0.5, 1.5)  # noqa: S311 — nothing to guess


class TabConsumer(AsyncWebsocketConsumer):
    """Frames are JSON objects of strings, as htmx makes them of a form:

    `{"action": "resume", "cursor": "57"}`   what the tab has seen, at each (re)connection
    `{"body": "hello", "key": "…"}`          a message; the key is the sender's name for it
    `{…the same, "again": 1}`                the same message, from a form that waits to be let go
    `{"action": "discard", "key": "…"}`      a refused message the sender gives up

    What goes back is HTML. The tab is handed live fragments from the start, but its cursor
    does not move before it has resumed.
    """

    # The hub listens for all tabs. With a layer of its own, each would subscribe at Redis.
    channel_layer_alias = "none"

    person: Person
    room: Room
    tab: Tab | None = None  # while the hub hands it anything
    audience: Audience

    async def __call__(self, *args: Any) -> None:
        try:
            await super().__call__(*args)
        finally:
            self.leave()  # however it ended

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would look for old connections before each frame, at the price of a thread;
        # whatever goes to the database here does so itself.
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        await self.accept()
        person = self.scope["user"]
        if not person.is_authenticated:
            return await self.close(NOT_SIGNED_IN)
        try:
            await self.enter(person, self.scope["url_route"]["kwargs"]["slug"])
        except DatabaseError as error:
            await self.give_up(error)

    async def enter(self, person: Person, slug: str) -> None:
        room = await room_at(slug)
        if room is None:
            return await self.close(NO_SUCH_ROOM)
        self.person, self.room = person, room
        self.mistakes = self.frames = 0
        self.counting_since = self.resumed_at = 0.0
        self.queued: dict[str, Frame] = {}
        self.sent: dict[str, str] = {}
        self.lead = ""
        self.tab = Tab(self.base_send, self.close_slow)
        self.audience = await Hub.here().join(room.pk, self.tab)

    async def disconnect(self, code: int) -> None:
        self.leave()

    def leave(self) -> None:
        """Nothing more is handed to the tab, and nothing more is taken from it."""
        if self.tab is not None:
            self.tab.stop()
            Hub.here().leave(self.room.pk, self.tab)
            self.tab = None

    async def end(self, code: int) -> None:
        self.leave()
        await self.close(code)

    def close_slow(self) -> None:
        """Close the socket of a tab that does not read; the close waits until it does, or is gone."""
        self.closing = asyncio.create_task(self.end(TRY_AGAIN_LATER))

    def give(self, frame: str) -> None:
        if self.tab is not None:
            self.tab.give(frame)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.tab is None:
            return
        if text_data is None:
            return await self.end(UNSUPPORTED_DATA)
        if len(text_data) > LONGEST_FRAME:
            return await self.end(TOO_BIG)
        if self.is_flooding():
            return await self.end(POLICY_VIOLATION)
        try:
            frame = json.loads(text_data)
        except (ValueError, RecursionError):
            return await self.mistake("That was not JSON.")
        if not isinstance(frame, dict):
            return await self.mistake("That was not an object.")
        frame = {name: value for name, value in frame.items() if isinstance(value, str | int)}
        action = {"post": self.post, "resume": self.resume, "discard": self.discard}.get(
            frame.get("action", "post")
        )
        if action is None:
            return await self.mistake("There is no such action.")
        try:
            await action(frame)
        except Room.DoesNotExist:
            await self.end(NO_SUCH_ROOM)
        except DatabaseError as error:
            await self.give_up(error)

    async def give_up(self, error: DatabaseError) -> None:
        """What was sent is not kept, so not confirmed: the tab connects again and says it again."""
        log.warning("%s: the database failed: %s", self.scope["path"], error)
        # It would do so at once, with all the others: htmx takes a socket that opens for the end
        # of its trouble.
        await asyncio.sleep(some_seconds())
        await self.end(INTERNAL_ERROR)

    def is_flooding(self) -> bool:
        """Count a frame; whether these are more than anybody types."""
        now = monotonic()
        if now - self.counting_since > IN_SECONDS:
            self.counting_since, self.frames = now, 0
        self.frames += 1
        return settings.RATE_LIMITS and self.frames > MOST_FRAMES

    async def mistake(self, what: str) -> None:
        self.mistakes += 1
        if self.mistakes > MOST_MISTAKES:
            return await self.end(POLICY_VIOLATION)
        self.give(fragments.notice(what))

    async def resume(self, frame: Frame) -> None:
        form = CursorForm(frame)
        if not form.is_valid():
            return await self.mistake("That was not a cursor.")
        if monotonic() - self.resumed_at < 1:
            return await self.mistake("A tab resumes when it connects.")
        cursor = form.cleaned_data["cursor"]
        html, version = "", cursor
        if cursor != self.audience.version:
            missed = await missed_since(self.room.pk, cursor)
            html, version = missed.html, missed.version
        # What the hub has handed out by now is to reach this tab before a cursor that counts it.
        self.audience.flush()
        self.give(html + fragments.cursor(max(version, self.audience.version)))
        if self.tab is not None:
            self.tab.resumed = True
        self.resumed_at = monotonic()

    async def post(self, frame: Frame) -> bool:
        """Say what is in `frame`; returns whether it was taken."""
        again, leads = "again" in frame, "lead" in frame
        form = MessageForm(frame if again or leads else {**frame, "lead": self.lead})
        key = form.key()
        if key and not (self.tab and self.tab.resumed):
            # Queued while there was no connection, and so ahead of what a dying connection lost.
            # Every form says its message again after the resume, in order.
            if not again and form.is_valid():
                self.keep(self.queued, key, frame)
            return False
        if again and key in self.queued:
            await self.post(self.queued.pop(key))
        if key in self.sent:
            return await self.post_again(key, str(frame.get("body", "")), again)
        problems = [] if form.is_valid() else form.problems()
        while not problems and not limits.may_post(self.person.pk):
            if not again:
                problems = [limits.TOO_MANY]
            await asyncio.sleep(some_seconds())
        if problems:
            self.give(fragments.refused(self.room, key, problems))
            return False
        body = form.cleaned_data["body"]
        message, change = await changes.apost(self.room, self.person, body, key=key or None)
        limits.posted(self.person.pk)
        if change is not None:
            # This process's tabs need not wait for Redis, nor for its return.
            Hub.here().hear(change)
        if leads or not again:
            self.lead = ""
        if again:
            self.confirm(key, body, message.body)
        elif key:
            self.keep(self.sent, key, str(frame.get("body", "")))
        return True

    async def post_again(self, key: str, body: str, again: bool) -> bool:
        """A form that was sent already. What was typed into it since, in the milliseconds before the
        next field was in place, is a message of its own if it was sent off, or leads the next."""
        sent = self.sent[key]
        if again:
            del self.sent[key]
            self.confirm(key, body, sent)
            return True
        rest = body.removeprefix(sent).strip()
        is_taken = not rest or await self.post({"body": rest, "key": f"{key}-{len(body)}"[-64:]})
        if is_taken:
            self.keep(self.sent, key, body)
        return is_taken

    def keep(self, kept: dict[str, Any], key: str, what: Any) -> None:
        """Remember `what` was sent under `key`, within bounds; a form whose message is forgotten
        says it again all the same."""
        body = what["body"] if isinstance(what, dict) else what
        if len(str(body)) <= LONGEST_KEPT:
            kept[key] = what
        if len(kept) > MOST_UNCONFIRMED:
            del kept[next(iter(kept))]

    def confirm(self, key: str, body: str, sent: str) -> None:
        """Let the form of `key` go. What `body` has beyond what was `sent` leads the next message."""
        lead = body.removeprefix(sent)[: Message.BODY_LENGTH] if body != sent else ""
        self.lead = lead or self.lead
        self.give(fragments.accepted(self.room, key, new_key(), lead))

    async def discard(self, frame: Frame) -> None:
        if "lead" in frame:
            self.lead = ""
        if key := MessageForm(frame).key():
            self.give(fragments.accepted(self.room, key, new_key()))
