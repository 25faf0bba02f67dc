"""Many tabs, and the messages between them."""

import asyncio
from collections.abc import Iterable, Sequence
from random import uniform
from time import monotonic

from tqdm import tqdm

from bench.ledger import Ledger
from bench.tab import Tab
from bench.target import Target

AT_ONCE = 50  # tabs that connect
QUIET_SECONDS = 0.8  # in which nothing comes: who is here has been told
FIRST_WAIT, LONGEST_WAIT = 0.3, 10.0  # seconds until a page tries to connect again
LOOK_SECONDS = 0.01
PATIENCE_SECONDS = 30.0  # without any delivery, after which what is missing is lost


class Crowd:
    """`count` tabs of `target`; tab n is in the room that `placed` says, else in room n modulo `rooms`."""

    def __init__(
        self, target: Target, count: int, rooms: int = 1, size: int = 80, placed: Sequence[int] = ()
    ) -> None:
        self.ledger, self.size = Ledger(), size
        self.rooms: list[list[Tab]] = [[] for _ in range(rooms)]
        self.tabs: list[Tab] = []
        for n in range(count):
            room = placed[n] if placed else n % rooms
            tab = Tab(self.ledger, target.host, target.port, target.wire(n, room), room)
            self.tabs.append(tab)
            self.rooms[room].append(tab)

    async def connect(self, tabs: Iterable[Tab] | None = None, at_once: int = AT_ONCE) -> None:
        """Connect these, or all, so many at once."""
        tabs = list(self.tabs if tabs is None else tabs)
        free = asyncio.Semaphore(at_once)
        with tqdm(total=len(tabs), disable=None, unit="tab", desc="connecting", leave=False) as bar:

            async def one(tab: Tab) -> None:
                async with free:
                    await tab.connect()
                    bar.update()

            await asyncio.gather(*map(one, tabs))

    async def settle(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until nothing comes any more; at most for so long."""
        end, frames, since = monotonic() + seconds, -1, monotonic()
        while monotonic() < end and monotonic() - since < QUIET_SECONDS:
            if frames != self.ledger.frames:
                frames, since = self.ledger.frames, monotonic()
            await asyncio.sleep(0.05)

    def say(self, tab: Tab, due: float | None = None, size: int = 0) -> int:
        """Have `tab` say something to all in its room; returns the number of the message."""
        number = self.ledger.say(tab.room, len(self.rooms[tab.room]), due)
        tab.say(number, self.ledger.body(number, size or self.size))
        return number

    async def closed_loop(self, count: int, window: int) -> None:
        """Say so many messages, `window` at a time: one that every tab has makes room for the next."""
        first, said = len(self.ledger.said), 0

        def next_one(number: int = -1) -> None:
            nonlocal said
            bar.update(number >= first)
            if said < count:
                said += 1
                self.say(self.tabs[(said - 1) % len(self.tabs)])

        with tqdm(total=count, disable=None, unit="message", leave=False, mininterval=0.5) as bar:
            self.ledger.on_done = next_one
            for _ in range(min(window, count)):
                next_one()
            await self.finish()
            self.ledger.on_done = lambda number: None

    async def paced(self, count: int, rate: float, tabs: list[Tab] | None = None) -> None:
        """Say so many messages, `rate` a second, however long the others take: a message is late from
        when it was due, even where this process came too late to send it then."""
        senders, began = tabs or self.tabs, monotonic()
        for n in tqdm(range(count), disable=None, unit="message", leave=False, mininterval=0.5):
            due = began + n / rate
            if (wait := due - monotonic()) > 0:
                await asyncio.sleep(wait)
            self.say(senders[n % len(senders)], due)
        await self.finish()

    async def finish(self, seconds: float = PATIENCE_SECONDS) -> bool:
        """Wait until every tab has everything; returns whether it came to that, or nothing came for
        so many seconds, those not counted in which this process was stopped."""
        deliveries, quiet = self.ledger.deliveries, 0
        while self.ledger.open and quiet * LOOK_SECONDS < seconds:
            await asyncio.sleep(LOOK_SECONDS)
            quiet = quiet + 1 if deliveries == self.ledger.deliveries else 0
            deliveries = self.ledger.deliveries
        return not self.ledger.open

    async def leave(self) -> None:
        """Close all connections."""
        for tab in self.tabs:
            tab.leave()
        while any(tab.is_connected for tab in self.tabs):
            await asyncio.sleep(0.01)


async def persistently(tab: Tab, until: float) -> list[str]:
    """Connect, and try again as a page does where that fails. Returns why it did, each time. Raises
    OSError where it has not come to it by the moment `until`."""
    failed: list[str] = []
    while True:
        try:
            await tab.connect(max(1.0, until - monotonic()))
            return failed
        except OSError as error:
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** len(failed)) * uniform(0.7, 1.3)  # noqa: S311
            if monotonic() + wait > until:
                raise
            await asyncio.sleep(wait)
            failed.append(str(error))
