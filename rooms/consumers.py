"""One tab's conversation with the server."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Any
from urllib.parse import parse_qs

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import DatabaseError
from django.utils.translation import gettext as _

from rooms import (
    access,
    context,
    farewell,
    fragments,
    joining,
    limits,
    metrics,
    publishing,
    reactions,
    threads,
)
from rooms.access import Access, NoRoom, Refused
from rooms.addresses import address_in
from rooms.audience import NOT_TOLD_WHY, Audience
from rooms.batches import Batches
from rooms.events import SIGNED_OUT, Change, Notice, Typing
from rooms.forms import CursorForm, ReactionForm, SeqField
from rooms.hub import Hub
from rooms.missed import Missed
from rooms.models import Message, Person, Room
from rooms.reading import reading
from rooms.sender import Frame, Sender, some_seconds
from rooms.sessions import ended_sessions
from rooms.sidebar import sidebar, title_in
from rooms.standing import known_of
from rooms.suggest import Suggester
from rooms.tab import Tab, Viewer
from rooms.view import View, view

LONGEST_FRAME = 512 * 1024  # characters
MOST_FRAMES, IN_SECONDS = 200, 10  # of one tab
MOST_MISTAKES = 20  # frames that make no sense, before the socket is closed
TYPING_SECONDS = 1.0  # between two signs of typing that are told to others; a page sends one in two

# Close codes. htmx reconnects after 1011, 1012 and 1013 by itself; the others end it.
SERVICE_RESTART = 1012
UNSUPPORTED_DATA, POLICY_VIOLATION, TOO_BIG, INTERNAL_ERROR, TRY_AGAIN_LATER = 1003, 1008, 1009, 1011, 1013
NOT_SIGNED_IN, NOT_ALLOWED, NO_SUCH_ROOM = 4401, 4403, 4404

log = logging.getLogger(__name__)


@reading
def found(slug: str, person: Person) -> tuple[Access, str]:
    """What the person may do in the room at `slug`, and what it is called to them. Raises NoRoom."""
    mine = access.find(slug, person)
    return mine, title_in(mine.room, person)


class TabConsumer(AsyncWebsocketConsumer):
    """Frames are JSON objects of strings, as htmx makes them of a form:

    `{"action": "resume", "cursor": "57"}`   what the tab has seen, at each (re)connection
    `{"body": "hello", "key": "…"}`          a message; the key is the sender's name for it
    `{…the same, "again": 1}`                the same message, from a form that waits to be let go
    `{"action": "discard", "key": "…"}`      a refused message the sender gives up
    `{"action": "react", "seq": 42, "emoji": "👍"}`  or, if that was so, no longer
    `{"action": "draft", …the same}`         what has been written of a message by now
    `{"action": "suggest", …the same}`       the same, to be told what its last word may become
    `{"action": "typing"}`                   a message is being written
    `{"action": "active"}`                   somebody moves the pointer, or types
    `{"action": "blink"}`                    the tab came before somebody, or is hidden now
    `{"action": "seen"}`                     it is before somebody: what a hidden tab cannot say

    What goes back is HTML. The tab is handed live fragments from the start, but its cursor
    does not move before it has resumed.
    """

    person: Person
    room: Room
    title: str
    view: View
    sender: Sender
    suggester: Suggester
    tab: Tab | None = None  # while the hub hands it anything
    audience: Audience

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        # Channels would subscribe each tab at Redis, where the hub listens for all, and make two tasks of
        # each frame, one to wait for it.
        self.scope, self.base_send = scope, send
        self.at_work = asyncio.Lock()
        try:
            with farewell.is_open(self), suppress(StopConsumer):
                while True:
                    await self.dispatch(await receive())
        finally:
            self.leave()  # however it ended
            # These know it too, in a circle: it would stay until the garbage collector comes by.
            self.sender = self.suggester = None  # type: ignore[assignment]

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels would look for old connections before each frame, at the price of a thread;
        # whatever goes to the database here does so itself.
        async with self.at_work:
            await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        await self.accept()
        person = self.scope["user"]
        if not person.is_authenticated:
            return await self.turn_away(NOT_SIGNED_IN, SIGNED_OUT)
        try:
            await self.enter(person, self.scope["url_route"]["kwargs"]["slug"])
        except DatabaseError as error:
            await self.give_up(error)

    async def enter(self, person: Person, slug: str) -> None:
        try:
            mine, self.title = await found(slug, person)
            if mine.may_enter and not mine.is_member:
                await joining.aenter(mine)
                mine, self.title = await found(slug, person)
        except NoRoom:
            return await self.turn_away(NO_SUCH_ROOM, _("This room is not there."))
        if mine.is_banned:
            why = _("You are banned from this room: %(reason)s") % {"reason": mine.ban_reason}
            return await self.turn_away(NOT_ALLOWED, why)
        context.note(person=person.pk)
        self.person, self.room = person, mine.room
        self.mistakes = self.frames = 0
        self.counting_since = self.resumed_at = self.typed_at = 0.0
        self.mentions = 0
        viewer = Viewer(
            person_id=person.pk,
            room_id=self.room.pk,
            view=view(person.zone, thread_in(self.scope)),
            session_key=self.scope["session_key"],
            on_expel=self.expelled,
            on_rooms=self.rooms_changed,
            on_title=self.retitle,
            on_room_name=self.room_renamed,
            on_person_name=self.person_renamed,
        )
        hub, self.view = Hub.here(), viewer.view
        self.tab = tab = Tab(self.base_send, self.close_slow, viewer)
        address = address_in(self.scope)
        self.sender = Sender(mine, person, tab, hear=hub.hear_own, answer=self.answer, address=address)
        self.suggester = Suggester(mine, tab)
        self.audience = await hub.join(self.room.pk, tab)
        # Who was removed or signed out since they were found to be a member may be here no longer;
        # who is from here on is among those that wait, and turned away by the hub.
        known, is_any_new = await known_of(person.pk), await is_any_thread_new(person.pk)
        if why := await self.why_not_stay():
            return self.expelled(why)
        if self.audience.admit(tab):
            hub.news.join(tab, known, is_any_thread_new=is_any_new)
            hub.hear_rooms(room.room_id for room in known)
        self.scope["headers"].clear()  # a browser sends a kilobyte of them, and they are read by now

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

    async def restart(self) -> None:
        """Close, for the server ends, when what is under way has been done and written."""
        async with self.at_work:
            if (tab := self.tab) is not None:
                self.audience.flush()  # so that it shows the message whose form it lets go
                Hub.here().leave(self.room.pk, tab)
                await tab.flushed()
                await self.end(SERVICE_RESTART)

    async def turn_away(self, code: int, why: str) -> None:
        """Close for good; the page says why."""
        self.leave()
        # What is said to everybody goes about in English: it is known by that.
        await self.send(text_data=fragments.farewell(_(why)))
        await self.close(code)

    def expelled(self, why: str) -> None:
        """The person may be here no longer."""
        if self.tab is None:
            return
        self.leave()
        if why == SIGNED_OUT:
            # The same browser may have a new session by now, as when a guest keeps the name: it comes
            # back with that, or is turned away for good.
            self.closing = asyncio.create_task(self.close(SERVICE_RESTART))
        else:
            self.closing = asyncio.create_task(self.turn_away(NOT_ALLOWED, why))

    def close_slow(self) -> None:
        """Close the socket of a tab that does not read; the close waits until it does, or is gone."""
        metrics.SLOW_TABS.inc()
        self.closing = asyncio.create_task(self.end(TRY_AGAIN_LATER))

    def rooms_changed(self) -> None:
        self.refreshing = asyncio.create_task(self.send_rooms())

    async def send_rooms(self) -> None:
        try:
            self.give(await rooms_html(self.person, self.room, is_read=not self.view.thread))
        except DatabaseError as error:
            log.warning("%s: the rooms could not be read: %s", self.scope["path"], error)

    def retitle(self, mentions: int) -> None:
        if mentions != self.mentions:
            self.mentions = mentions
            self.show_title()

    def room_renamed(self, name: str) -> None:
        self.title = name
        self.show_title()

    def show_title(self) -> None:
        self.give(self.title_html())

    def title_html(self) -> str:
        name = _("Thread in %(title)s") % {"title": self.title} if self.view.thread else self.title
        return fragments.title(name, self.mentions)

    def person_renamed(self, name: str) -> None:
        self.person.username = name  # who is the sender's too

    def give(self, frame: str) -> None:
        if self.tab is not None:
            self.tab.give(frame)

    def answer(self, frame: str) -> None:
        """Give it to the tab, with what is about to be shown there if anything is: a message and the end of
        its form are one frame."""
        if self.tab is not None:
            self.audience.give_along(self.tab, frame)

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
            return await self.mistake(_("That was not JSON."))
        if not isinstance(frame, dict):
            return await self.mistake(_("That was not an object."))
        frame = {name: value for name, value in frame.items() if isinstance(value, str | int)}
        action = {
            "post": self.sender.post,
            "discard": self.sender.discard,
            "resume": self.resume,
            "react": self.react,
            "draft": self.sender.drafter.keep,
            "suggest": self.suggester.suggest,
            "typing": self.typing,
            "active": self.active,
            "blink": self.blink,
            "seen": self.seen,
        }.get(frame.get("action", "post"))
        if action is None:
            return await self.mistake(_("There is no such action."))
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
            return await self.mistake(_("That was not a cursor."))
        if monotonic() - self.resumed_at < 1:
            return await self.mistake(_("A tab resumes when it connects."))
        hub, cursor, html = Hub.here(), form.cleaned_data["cursor"], ""
        present = await hub.presence.fragment(self.room.pk)
        version, what = cursor, "nothing"
        if cursor != self.audience.version:
            html, missed = await self.missed(cursor)
            version, what = missed.version, "page" if missed.is_anew else "changes"
        else:
            self.audience.flush()
        if self.tab is None:
            return
        news, mentions = hub.news.html(self.person.pk)
        self.mentions = mentions
        cursor_html = fragments.cursor(max(version, self.audience.version))
        self.give(html + cursor_html + fragments.eye() + news + present + self.title_html())
        self.tab.resumed = True
        metrics.RESUMES.labels(what).inc()
        self.resumed_at = monotonic()

    async def missed(self, cursor: int) -> tuple[str, Missed]:
        """What the tab has missed since `cursor`, by now, as fragments, and as it was read."""
        html = None
        while html is None:
            reading = await self.audience.resumes.read(cursor, self.view)
            # Looked at last: whoever was removed before any of this was said is not told it.
            if why := await self.why_not_stay():
                self.expelled(why)
                break
            # What the hub has handed out by now is to reach this tab before a cursor that counts it.
            self.audience.flush()
            html = self.audience.resumes.html(reading, self.view)
        return html or "", reading.task.result()

    async def why_not_stay(self) -> str:
        """Why the person may not be in the room any more; nothing, if they may."""
        return await _stays.here().do((self.room.pk, self.person.pk, self.scope["session_key"]))

    async def react(self, frame: Frame) -> None:
        form = ReactionForm(frame)
        if not form.is_valid():
            return await self.mistake(_("That was no reaction."))
        if too_many := await limits.acount(limits.REACTIONS, *self.sender.whose):
            return self.give(fragments.notice(too_many))
        try:
            change = await reacted(self.room, self.person, **form.cleaned_data)
        except Refused as refusal:
            return self.give(fragments.notice(str(refusal)))
        if change is not None:
            Hub.here().hear(change)

    async def typing(self, frame: Frame) -> None:
        now = monotonic()
        self.sender.drafter.has_typed = True
        await self.active(frame)
        # Who is writing is shown in the room: in a thread it would be no news there.
        if now - self.typed_at > TYPING_SECONDS and not self.view.thread:
            self.typed_at = now
            await Hub.here().tell_typing(Typing(self.room.pk, self.person.pk, self.person.username))

    async def active(self, frame: Frame) -> None:
        if self.tab is not None:
            self.tab.active_at = monotonic()

    async def blink(self, frame: Frame) -> None:
        """Whether the tab was hidden or shown is not said: whoever is shown says so again."""
        if self.tab is not None:
            Hub.here().news.look_away(self.tab)
            self.give(fragments.eye())

    async def seen(self, frame: Frame) -> None:
        await self.active(frame)
        if self.tab is None:
            return
        is_news = Hub.here().news.look(self.tab)
        if self.view.thread:
            if await read_thread(self.person.pk, self.room.pk, self.view.thread):
                await publishing.notify(Notice(self.person.pk, "threads"))
        elif is_news:
            await publishing.notify(Notice(self.person.pk, "read", self.room.pk))


@database_sync_to_async
def reacted(room: Room, person: Person, seq: int, emoji: str) -> Change | None:
    """React to the message at `seq`, or take that back; None where it is not there. Raises Refused."""
    message = Message.objects.filter(room=room, seq=seq).first()
    return reactions.toggle(message, person, emoji) if message else None


is_any_thread_new = reading(threads.is_any_new)
read_thread = database_sync_to_async(threads.mark_read)


def thread_in(scope: dict[str, Any]) -> int:
    """Which thread the socket of this scope shows; 0: the room."""
    asked = parse_qs(scope["query_string"].decode("ascii", "replace")).get("thread", ["0"])
    return SeqField().to_python(asked[0]) or 0


@reading
def rooms_html(person: Person, room: Room, *, is_read: bool) -> str:
    """The list of the person's rooms as a fragment; whether `room`, which is one of them, is before them."""
    rooms = sidebar(person)
    return fragments.rooms(rooms.looking_at(room.pk) if is_read else rooms, room)


@reading
def why_not_stay(asked: Sequence[tuple[int, int, str]]) -> list[str | Exception]:
    """Of each of these rooms, people and sessions why the person may not be in the room any more; nothing,
    if they may. As many queries as there are rooms, and two."""
    ended = ended_sessions({key: person_id for _, person_id, key in asked})
    in_room: dict[int, set[int]] = defaultdict(set)
    for room_id, person_id, _session_key in asked:
        in_room[room_id].add(person_id)
    members = {room_id: access.members_among(room_id, people) for room_id, people in in_room.items()}
    return [
        SIGNED_OUT if key in ended else "" if person_id in members[room_id] else NOT_TOLD_WHY
        for room_id, person_id, key in asked
    ]


_stays = Batches(why_not_stay, most=500)
