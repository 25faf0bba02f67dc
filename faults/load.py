"""What people do: they write, edit, delete, react, leave and come back."""

import asyncio
import re
from random import Random

from faults.page import Row
from faults.person import Unanswered
from faults.record import Record
from faults.tab import Tab

EMOJI = ["👍", "🎉", "😀", "❤️"]
WEIGHTS = {"say": 14, "say_long": 1, "say_over_http": 2, "edit": 3, "react": 3, "delete": 1, "leave": 1}
SHORTEST, LONGEST = 0.3, 2.0  # seconds between two things that one person does
AGAIN_SECONDS = 1.0  # before a form that was not answered is sent again
LONG = "||a||" * 700  # some 30 KB as it is shown
TEXTS = [
    "and so it goes",
    "**bold** and `code`",
    "- one\n- two\n  1. three",
    "> a quote\n\nand an answer",
    "a < b & c",
]


class User:
    """Whoever sits before a tab; each message begins with a word that is theirs."""

    def __init__(self, tab: Tab, record: Record, random: Random) -> None:
        self.tab, self.record, self._random = tab, record, random
        self._count = 0
        self._own = re.compile(rf"\b{tab.name}n\d+\b")

    async def use(self) -> None:
        """Until cancelled."""
        names, weights = list(WEIGHTS), list(WEIGHTS.values())
        while True:
            await asyncio.sleep(self._random.uniform(SHORTEST, LONGEST))
            act = self._random.choices(names, weights)[0]
            try:
                await getattr(self, act)()
            except Unanswered:
                continue

    async def say(self) -> None:
        self.tab.say(self._text())

    async def say_long(self) -> None:
        self.tab.say(f"{self._text()} {LONG}")

    async def say_over_http(self) -> None:
        """As from a page without scripts: sent again, under its key, until it is answered."""
        page = self.tab.page
        if page is None or not page.forms:
            return
        key, body = page.forms.pop(), self._text()
        self.record.saying(key, self.tab.room, body)
        try:
            while True:
                try:
                    path = f"/rooms/{self.tab.room}/messages/"
                    is_taken = await self.tab.person.post(path, page, key=key, body=body)
                    break
                except Unanswered:
                    await asyncio.sleep(AGAIN_SECONDS)
        except asyncio.CancelledError:
            self.record.give_up(key)
            raise
        if is_taken:
            self.record.confirm(key)
        else:
            self.record.give_up(key)

    async def edit(self) -> None:
        if (own := self._one_of_mine()) is None or self.tab.page is None:
            return
        where, body = (self.tab.room, own.seq), f"{self._text()} (edited)"
        self.record.perhaps_edited[where].append(body)
        self.record.counts["edits"] += 1
        if await self.tab.person.post(self._path(own, "edit"), self.tab.page, body=body):
            self.record.edited[where] = body
            self.record.counts["edits confirmed"] += 1

    async def delete(self) -> None:
        if (own := self._one_of_mine()) is None or self.tab.page is None:
            return
        where = (self.tab.room, own.seq)
        self.record.perhaps_deleted.add(where)
        self.record.counts["deletions"] += 1
        if await self.tab.person.post(self._path(own, "delete"), self.tab.page):
            self.record.deleted.add(where)

    async def react(self) -> None:
        rows = [row for row in self._rows() if not row.is_deleted]
        if rows:
            self.tab.react(self._random.choice(rows).seq, self._random.choice(EMOJI))
            self.record.counts["reactions"] += 1

    async def leave(self) -> None:
        """And come back; not while something waits to be sent, as nobody would."""
        if not self.tab.unconfirmed:
            await self.tab.leave()

    def _text(self) -> str:
        self._count += 1
        return f"{self.tab.name}n{self._count} {self._random.choice(TEXTS)}"

    def _rows(self) -> list[Row]:
        return self.tab.page.rows[-20:] if self.tab.page else []

    def _one_of_mine(self) -> Row | None:
        mine = [row for row in self._rows() if self._own.search(row.html)]
        return self._random.choice(mine) if mine else None

    def _path(self, row: Row, act: str) -> str:
        return f"/rooms/{self.tab.room}/messages/{row.seq}/{act}/"
