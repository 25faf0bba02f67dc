"""When nothing fails any more: the wait until every tab has settled, and what is wrong then."""

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass

import psycopg

from faults import checker, chromium, stored
from faults.checker import View
from faults.chromium import Browsers
from faults.person import Unanswered
from faults.record import Record
from faults.site import Site
from faults.tab import Tab

LOOK_SECONDS = 0.3
ASLEEP = 5.0  # of one look; what takes longer was stopped

Rooms = Mapping[str, stored.Room]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Everybody who is there."""

    tabs: Sequence[Tab]
    browsers: Browsers | None = None

    async def unsettled(self, rooms: Rooms) -> list[str]:
        """What they still wait for, and how what they show differs from what `rooms` hold."""
        wrong = []
        for tab in self.tabs:
            if not tab.is_live:
                wrong.append(f"{tab.name}: is not connected")
            if tab.unconfirmed:
                wrong.append(f"{tab.name}: {len(tab.unconfirmed)} messages are not confirmed")
            wrong += checker.shown_wrong(tab.view, rooms[tab.room])
        if self.browsers is not None:
            wrong += chromium.wrong(await asyncio.to_thread(self.browsers.seen), rooms)
        return wrong


@dataclass(frozen=True, slots=True)
class Settled:
    violations: list[str]
    seconds: float  # that it took


async def settled(
    site: Site, crowd: Crowd, record: Record, troubled: Sequence[tuple[float, float]], seconds: float
) -> Settled:
    """Wait until every tab has settled, for so many seconds, and look at everything; `troubled` is when
    something was wrong."""
    waited = 0.0
    while True:
        since = time.monotonic()
        before = deepcopy(record)  # what was shown and confirmed by now is to be stored by then
        rooms = await _stored(site)
        wrong = ["the database does not answer"] if rooms is None else await crowd.unsettled(rooms)
        if rooms is not None and not wrong:
            # What was sent off last, and nobody waits for, may be done in between: then they look again.
            wrong = await _fresh_wrong(crowd.tabs, rooms)
        if not wrong or waited > seconds:
            break
        await asyncio.sleep(LOOK_SECONDS)
        # Somebody else may stop this process or the site's: they have their time once they go on.
        waited += 0 if site.is_stopped() else min(time.monotonic() - since, ASLEEP)
    found = [f"not within {seconds:.0f} s: {what}" for what in wrong]
    found += [f"server {n} has ended" for n, server in enumerate(site.servers) if server.pid is None]
    if rooms is None:
        return Settled(found, waited)
    found += checker.stored_wrong(rooms, before)
    found += checker.never_committed(before.shown, rooms)
    found += checker.without_cause(record.failures, troubled)
    if crowd.browsers is not None:
        found += chromium.lost(crowd.browsers.said, rooms)
    return Settled(found, waited)


async def _fresh_wrong(tabs: Sequence[Tab], rooms: Rooms) -> list[str]:
    """How fresh pages differ from the database, and tabs, letter for letter, from those."""
    wrong = []
    for room in sorted({tab.room for tab in tabs}):
        there = [tab for tab in tabs if tab.room == room]
        try:
            page = await there[0].person.page(room)
        except Unanswered as error:
            wrong.append(f"no page of {room}: {error}")
            continue
        fresh = View("a fresh page", room, page.rows, page.raw)
        wrong += checker.shown_wrong(fresh, rooms[room])
        for tab in there:
            wrong += checker.differs_from(tab.view, fresh)
    return wrong


async def _stored(site: Site) -> Rooms | None:
    with suppress(psycopg.Error, sqlite3.Error):
        return await asyncio.to_thread(stored.rooms, site.database.url)
    return None
