"""One tab's conversation with the server."""

import asyncio
import json
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError

from rooms import changes, fragments, limits
from rooms.forms import CursorForm, MessageForm, new_key
from rooms.hub import Audience, Hub, missed_since
from rooms.models import Person, Room
from rooms.tab import Tab

LONGEST_FRAME = 512 * 1024  # characters
MOST_UNCONFIRMED = 100  # messages of one tab
MOST_MISTAKES = 20  # frames that make no sense, before the socket is closed

# Close codes. htmx reconnects after 1011 and 1013 by itself; the others end it.
UNSUPPORTED_DATA, POLICY_VIOLATION, TOO_BIG, INTERNAL_ERROR, TRY_AGAIN_LATER = 1003, 1008, 1009, 1011, 1013
NOT_SIGNED_IN, NO_SUCH_ROOM = 4401, 4404


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

    is_live = False  # whether what follows is there
    person: Person
    room: Room
    tab: Tab
    audience: Audience

    async def connect(self) -> None:
        await self.accept()
        person = self.scope["user"]
        if not person.is_authenticated:
            return await self.close(NOT_SIGNED_IN)
        room = await Room.objects.at(self.scope["url_route"]["kwargs"]["slug"]).afirst()
        if room is None:
            return await self.close(NO_SUCH_ROOM)
        self.person, self.room = person, room
        self.mistakes = 0
        self.sent: dict[str, str] = {}
        self.queued: dict[str, dict[str, Any]] = {}
        self.lead = ""
        self.tab = Tab(self.base_send, self.close_slow)
        self.audience = await Hub.here().join(room.pk, self.tab)
        self.is_live = True

    async def disconnect(self, code: int) -> None:
        self.leave()

    def leave(self) -> None:
        """Nothing more is handed to the tab, and nothing more is taken from it."""
        if self.is_live:
            self.is_live = False
            self.tab.stop()
            Hub.here().leave(self.room.pk, self.tab)

    async def end(self, code: int) -> None:
        self.leave()
        await self.close(code)

    def close_slow(self) -> None:
        """Close the socket of a tab that does not read; the close waits until it does, or is gone."""
        self.closing = asyncio.create_task(self.end(TRY_AGAIN_LATER))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if not self.is_live:
            return
        if text_data is None:
            return await self.end(UNSUPPORTED_DATA)
        if len(text_data) > LONGEST_FRAME:
            return await self.end(TOO_BIG)
        if not limits.may_send_frame(self.person.pk):
            return await self.end(POLICY_VIOLATION)
        try:
            frame = json.loads(text_data)
        except (ValueError, RecursionError):
            return await self.mistake("That was not JSON.")
        if not isinstance(frame, dict):
            return await self.mistake("That was not an object.")
        action = {"post": self.post, "resume": self.resume, "discard": self.discard}.get(
            str(frame.get("action", "post"))
        )
        if action is None:
            return await self.mistake("There is no such action.")
        try:
            await action(frame)
        except DatabaseError:
            # Not kept, so not acknowledged: the tab reconnects and sends again what it has kept.
            await self.end(INTERNAL_ERROR)
        except Room.DoesNotExist:
            await self.end(NO_SUCH_ROOM)

    async def mistake(self, what: str) -> None:
        self.mistakes += 1
        if self.mistakes > MOST_MISTAKES:
            return await self.end(POLICY_VIOLATION)
        self.tab.give(fragments.notice(what))

    async def resume(self, frame: dict[str, Any]) -> None:
        form = CursorForm(frame)
        if not form.is_valid():
            return await self.mistake("That was not a cursor.")
        cursor = form.cleaned_data["cursor"]
        html, version = "", cursor
        if cursor != self.audience.version:
            missed = await missed_since(self.room.pk, cursor)
            html, version = missed.html, missed.version
        # What the hub handed out meanwhile has been given to this tab before this frame.
        self.tab.give(html + fragments.cursor(max(version, self.audience.version)))
        self.tab.resumed = True

    async def post(self, frame: dict[str, Any]) -> None:
        form = MessageForm({"lead": self.lead, **frame})
        key, again = form.key(), "again" in frame
        if key and not self.tab.resumed:
            # Queued while there was no connection, and so ahead of what a dying connection lost.
            # Every form says its message again after the resume, in order.
            if not again and len(self.queued) < MOST_UNCONFIRMED:
                self.queued.setdefault(key, frame)
            return
        if again and key in self.queued:
            await self.post(self.queued.pop(key))
        if key in self.sent:
            return await self.post_again(frame, key, again)
        problems = [] if form.is_valid() else form.problems()
        if not problems and not limits.may_post(self.person.pk):
            problems = [limits.TOO_MANY]
        if problems:
            self.tab.give(fragments.refused(self.room, key, problems))
            return
        body = form.cleaned_data["body"]
        message, change = await changes.apost(self.room, self.person, body, key=key or None)
        if change is not None:
            # This process's tabs need not wait for Redis, nor for its return.
            Hub.here().hear(change)
            self.audience.flush()
        if again:
            self.confirm(key, body, message.body)
        else:
            self.lead = ""
            if key:
                self.remember(key, frame["body"])

    async def post_again(self, frame: dict[str, Any], key: str, again: bool) -> None:
        """A form that was sent already. What was typed into it since, in the milliseconds before the
        next field was in place, is a message of its own if it was sent off, or leads the next."""
        body, sent = str(frame.get("body", "")), self.sent[key]
        if again:
            del self.sent[key]
            return self.confirm(key, body, sent)
        self.sent[key] = body
        if rest := body.removeprefix(sent).strip():
            await self.post({"body": rest, "key": f"{key}-{len(body)}"[-64:]})

    def remember(self, key: str, body: str) -> None:
        self.sent[key] = body
        if len(self.sent) > MOST_UNCONFIRMED:
            del self.sent[next(iter(self.sent))]

    def confirm(self, key: str, body: str, sent: str) -> None:
        """Let the form of `key` go. What `body` has beyond what was `sent` leads the next message."""
        if body != sent:
            self.lead = body.removeprefix(sent)
        self.tab.give(fragments.accepted(self.room, key, new_key(), self.lead))

    async def discard(self, frame: dict[str, Any]) -> None:
        if key := MessageForm(frame).key():
            self.tab.give(fragments.accepted(self.room, key, new_key()))
