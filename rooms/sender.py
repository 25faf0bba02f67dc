"""What one tab sends off, and what of it the server has confirmed.

A page keeps each message until the server lets its form go, and says it again after every
reconnection: see templates/parts/. Here is what makes that come out as each message once.
"""

import asyncio
import hashlib
from collections.abc import Callable
from random import uniform
from typing import Any

from rooms import changes, fragments, limits, metrics
from rooms.access import Access, Refused
from rooms.drafts import Drafter
from rooms.events import Change
from rooms.forms import MessageForm, new_key
from rooms.models import Message, Person
from rooms.tab import Tab

MOST_UNCONFIRMED = 30  # messages of one tab; a page has fewer forms
LONGEST_KEPT = 2 * Message.BODY_LENGTH  # characters of a body, to compare it with what comes again

Frame = dict[str, Any]  # of strings and numbers


def some_seconds() -> float:
    """How long to wait before trying again; not the same for all who do."""
    return uniform(0.5, 1.5)  # noqa: S311 — nothing to guess


def _rest_key(key: str, body: str) -> str:
    """A name for what `body` has beyond the message sent under `key`."""
    return hashlib.sha256(f"{key} {len(body)}".encode()).hexdigest()


class Sender:
    """Takes the messages of one tab. `hear` is given each change at once, before Redis brings it, and
    `answer` what lets a form go."""

    __slots__ = (
        "answer",
        "drafter",
        "hear",
        "lead",
        "mine",
        "person",
        "queued",
        "room",
        "sent",
        "tab",
        "whose",
    )

    def __init__(
        self,
        mine: Access,
        person: Person,
        tab: Tab,
        *,
        hear: Callable[[Change], None],
        answer: Callable[[str], None],
        address: str = "",
    ) -> None:
        self.mine, self.room = mine, mine.room
        self.person, self.tab, self.hear, self.answer = person, tab, hear, answer
        self.whose = person.pk, address  # the limits that apply
        self.drafter = Drafter(mine.room.pk, person.pk, tab.view.thread)
        self.queued: dict[str, Frame] = {}
        self.sent: dict[str, str] = {}
        self.lead = ""

    async def post(self, frame: Frame) -> bool:
        """Say what is in `frame`; returns whether it was taken."""
        again, leads = "again" in frame, "lead" in frame
        if again and (sent := frame.get("key")) in self.sent:
            return await self.post_again(str(sent), str(frame.get("body", "")), again)  # as nearly all are
        form = MessageForm(frame if again or leads else {**frame, "lead": self.lead})
        key = form.key()
        if key and not self.tab.resumed:
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
        while not problems and (too_many := await limits.acount(limits.POSTS, *self.whose)):
            if not again:
                problems = [too_many]
            await asyncio.sleep(some_seconds())
            if self.tab.is_over:
                return False  # who sent it may be here no longer
        if problems:
            metrics.refused(429 if form.is_valid() else 422)
            self.tab.give(fragments.refused(self.room, key, problems))
            return False
        body = form.cleaned_data["body"]
        try:
            # This process's tabs need not wait for Redis, nor for its return.
            message, _change = await changes.apost(
                self.room,
                self.person,
                body,
                key=key or None,
                reply=form.cleaned_data["reply"],
                thread=self.tab.view.thread,
                known=self.mine,
                hear=self.hear,
            )
        except Refused as refusal:
            metrics.refused(refusal.status)
            self.tab.give(fragments.refused(self.room, key, [str(refusal)]))
            return False
        # Before the form is let go: whatever dies here, the form says its message, and this, again.
        await self.drafter.let_go(key, form.began_as())
        if leads or not again:
            self.lead = ""
        if again:
            # What it says by now, if it was edited or deleted meanwhile, is not what was sent.
            is_as_sent = message.edited_at is None and message.deleted_at is None
            self.confirm(key, body, message.body if is_as_sent else body)
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
        is_taken = not rest or await self.post({"body": rest, "key": _rest_key(key, body)})
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
        self.answer(fragments.accepted(self.room, key, new_key(), lead, self.tab.view.thread))

    async def discard(self, frame: Frame) -> None:
        if "lead" in frame:
            self.lead = ""
        form = MessageForm(frame)
        if key := form.key():
            await self.drafter.let_go(key, form.began_as())
            self.answer(fragments.accepted(self.room, key, new_key(), thread=self.tab.view.thread))
