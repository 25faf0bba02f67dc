"""A site as it is lived in: people talk, type, read back, look away, go and come."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import partial
from itertools import accumulate
from random import Random
from time import monotonic

from bench.crowd import Crowd, persistently
from bench.http import Http
from bench.parlor import Parlor
from bench.shape import Shape
from bench.tab import Tab

CHARACTERS_PER_SECOND = 12.0  # that somebody types
LONGEST_TYPING = 4.0  # seconds
AWAY = (0.5, 3.0)  # seconds, between a tab that goes and the same that comes back
PLACES = ("/", "", "", "history/", "messages/1/", "about/", "/search/?q=hello")  # those below / are a room's
BACK_SECONDS = 300.0  # within which they are back, or the run fails
LOOKS = 0.1  # a second, of every tab that is hidden or shown
READERS = 4  # connections by which pages are opened


class Life:
    """`crowd` in rooms of all sizes. What takes its time is noted in milliseconds: `pages` that were
    opened, and tabs that came `back`."""

    def __init__(self, parlor: Parlor, people: int, rooms: int, shape: Shape, seed: int = 1) -> None:
        self.parlor, self.shape, self.chance = parlor, shape, Random(seed)  # noqa: S311 — no secret
        # The n-th largest room has as many people as the first, divided by n.
        weights = list(accumulate(1 / (n + 1) for n in range(rooms)))
        drawn = self.chance.choices(range(rooms), cum_weights=weights, k=max(0, people - rooms))
        self.crowd = Crowd(parlor, people, rooms, placed=[*range(rooms), *drawn][:people])
        for tab in self.crowd.tabs:
            tab.on_closed = partial(self._closed, tab)
        self.pages: list[float] = []
        self.back: list[float] = []
        self.failed = 0  # pages
        self._until = 0.0
        self._doing: set[asyncio.Task[None]] = set()

    async def go_on(self, seconds: float, posts: float, pages: float, goings: float) -> None:
        """Live for so long, with so many posts, pages and goings a second, and to the end: until
        everybody has everything."""
        began = monotonic()
        self._until = began + seconds
        with ExitStack() as closing:
            readers = [Http(self.parlor.host, self.parlor.port) for _ in range(READERS)]
            for reader in readers:
                closing.callback(reader.close)
            await asyncio.gather(
                self._keep_on(posts, self._talk),
                self._keep_on(goings, self._go_and_come),
                self._keep_on(LOOKS * len(self.crowd.tabs), self._look_away),
                *(self._keep_on(pages / READERS, partial(self._read, reader)) for reader in readers),
            )
            while self._doing:
                await asyncio.gather(*self._doing)
        await self.crowd.finish()

    async def _keep_on(self, rate: float, act: Callable[[float], Awaitable[None]]) -> None:
        """Act so often a second, as people do: in bursts. What takes its time does not hold up the next."""
        due = monotonic()
        while rate and (due := due + self.shape.gap(self.chance, 1 / rate)) < self._until:
            if (wait := due - monotonic()) > 0:
                await asyncio.sleep(wait)
            self._do(act(due))

    def _do(self, what: Awaitable[None]) -> None:
        task = asyncio.ensure_future(what)
        self._doing.add(task)
        task.add_done_callback(self._doing.discard)

    def _closed(self, tab: Tab) -> None:
        """As pages do, it connects again."""
        self._do(self._come_back(tab))

    def _anybody(self) -> Tab:
        return self.chance.choice(self.crowd.tabs)

    async def _talk(self, due: float) -> None:
        """Type a while, as others see, and say it."""
        tab = self.crowd.tabs[self.shape.who(self.chance, len(self.crowd.tabs))]
        size = self.shape.length(self.chance)
        types = min(LONGEST_TYPING, size / CHARACTERS_PER_SECOND)
        tab.send(tab.wire.type)
        await asyncio.sleep(due + types - monotonic())
        if tab.is_there:  # else they have given up
            self.crowd.say(tab, due + types, size)

    async def _look_away(self, due: float) -> None:
        if (tab := self._anybody()).is_there:
            tab.send(tab.wire.blink)

    async def _go_and_come(self, due: float) -> None:
        tab = self._anybody()
        if not tab.is_there:
            return
        tab.leave()
        await asyncio.sleep(self.chance.uniform(*AWAY))
        await self._come_back(tab)

    async def _come_back(self, tab: Tab) -> None:
        began = monotonic()
        await persistently(tab, began + BACK_SECONDS)
        self.back.append((monotonic() - began) * 1000)

    async def _read(self, reader: Http, due: float) -> None:
        """Open a page: one of the site, or one of the room that somebody is in."""
        n = self.chance.randrange(len(self.crowd.tabs))
        place = self.chance.choice(PLACES)
        path = place if place.startswith("/") else self.parlor.address(self.crowd.tabs[n].room) + place
        answer = await reader.get(path, {"Cookie": self.parlor.person(n).cookie})
        self.pages.append((monotonic() - due) * 1000)
        self.failed += answer.status not in (200, 404)  # there may be no first message yet
