"""One run: a site, its tabs, the faults, and what came of it."""

import asyncio
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import psycopg

from faults import checker, stored
from faults.acts import carry_out
from faults.checker import View
from faults.load import User
from faults.options import Options
from faults.person import Person, Unanswered
from faults.record import Record
from faults.schedule import Fault, schedule, slow_tabs
from faults.site import Ground, Site, lacking, running
from faults.tab import Tab

ROOMS = ("Alpha", "Beta", "Gamma")
OPEN_SECONDS = 60.0  # until every tab is live, before anything fails
SETTLE_SECONDS = 60.0  # until every tab shows all, when nothing fails any more
AFTERMATH = 12.0  # seconds for which a fault may still show: an answer is waited for as long as that
ASLEEP = 2.0  # seconds without a turn: this process itself was stopped
LOOK_SECONDS = 0.3


@dataclass(slots=True)
class Result:
    """What came of a run."""

    options: Options
    faults: list[Fault]
    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    without_page: float = 0.0  # seconds at most
    without_post: float = 0.0
    settled_after: float = 0.0
    logs: str = ""


async def run(options: Options, ground: Ground) -> Result:
    """Raises only what is wrong with the suite itself."""
    faults = schedule(options, lacking())
    result = Result(options, faults)
    record = Record(counts=result.counts)
    async with running(ground, options, faults) as site:
        result.logs = str(site.directory)
        tabs = await open_tabs(site, options, record)
        pages = [asyncio.create_task(tab.run()) for tab in tabs]
        try:
            await _until(lambda: all(tab.is_live for tab in tabs), OPEN_SECONDS)
            pages.append(asyncio.create_task(_watch(tabs[0].person, tabs[0].room, record)))
            troubled = await _trouble(site, options, faults, tabs, record)
            result.violations += await _look(site, tabs, record, troubled, result)
        finally:
            await _end(pages)
            for tab in tabs:
                tab.person.close()
    result.without_page, result.without_post = record.without_page.longest, record.without_post.longest
    return result


async def open_tabs(site: Site, options: Options, record: Record) -> list[Tab]:
    """As many as are asked for, over the rooms in turn. The first of them may stop reading."""

    async def tab(number: int) -> Tab:
        name = f"t{number}"
        person = Person(site.network.url, f"{name} of {options.seed}", number, record)
        slug = await person.join(ROOMS[number % len(ROOMS)])
        port = site.servers[number % len(site.servers)].port if number < slow_tabs(options.tabs) else 0
        return Tab(name, person, slug, record, Random(f"{options.seed} {name}"), port)

    return [await tab(number) for number in range(options.tabs)]


async def _trouble(
    site: Site, options: Options, faults: Sequence[Fault], tabs: Sequence[Tab], record: Record
) -> list[tuple[float, float]]:
    """The load and the faults; returns when something was wrong."""
    began = time.monotonic()
    troubled: list[tuple[float, float]] = []

    async def befall(fault: Fault) -> None:
        await asyncio.sleep(began + fault.at - time.monotonic())
        since = time.monotonic()
        record.counts[fault.kind] += 1
        await carry_out(fault, site, tabs)
        troubled.append((since, time.monotonic() + AFTERMATH))

    users = [User(tab, record, Random(f"{options.seed} {tab.name} acts")) for tab in tabs]
    people = [asyncio.create_task(user.use()) for user in users]
    people += [asyncio.create_task(_notice_sleep(troubled))]
    try:
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(befall(fault))
        await asyncio.sleep(began + options.seconds - time.monotonic())
    finally:
        await _end(people)
    return troubled


async def _look(
    site: Site,
    tabs: Sequence[Tab],
    record: Record,
    troubled: Sequence[tuple[float, float]],
    result: Result,
) -> list[str]:
    """Wait until every tab has settled; returns what is wrong then."""
    since = time.monotonic()
    while True:
        rooms = await _stored(site)
        wrong = ["the database does not answer"] if rooms is None else unsettled(tabs, rooms)
        waited = time.monotonic() - since
        if rooms is not None and (not wrong or waited > SETTLE_SECONDS):
            break
        if waited > 2 * SETTLE_SECONDS:
            return wrong
        await asyncio.sleep(LOOK_SECONDS)
    result.settled_after = waited
    wrong = [f"not within {SETTLE_SECONDS:.0f} s: {what}" for what in wrong]
    wrong += [f"server {n} has ended" for n, server in enumerate(site.servers) if server.pid is None]
    wrong += checker.stored_wrong(rooms, record)
    wrong += checker.never_committed(record.shown, rooms)
    wrong += checker.without_cause(record.failures, troubled)
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


def unsettled(tabs: Sequence[Tab], rooms: Mapping[str, stored.Room]) -> list[str]:
    """What the tabs still wait for, and how what they show differs."""
    wrong = []
    for tab in tabs:
        if not tab.is_live:
            wrong.append(f"{tab.name}: is not connected")
        if tab.unconfirmed:
            wrong.append(f"{tab.name}: {len(tab.unconfirmed)} messages are not confirmed")
        wrong += checker.shown_wrong(tab.view, rooms[tab.room])
    return wrong


async def _stored(site: Site) -> Mapping[str, stored.Room] | None:
    with suppress(psycopg.Error, sqlite3.Error):
        return await asyncio.to_thread(stored.rooms, site.database.url)
    return None


async def _watch(person: Person, room: str, record: Record) -> None:
    """Ask for a page, again and again."""
    while True:
        record.without_page.asked(time.monotonic())
        with suppress(Unanswered):
            await person.ask("GET", f"/rooms/{room}/")
            record.without_page.had()
        await asyncio.sleep(LOOK_SECONDS)


async def _notice_sleep(troubled: list[tuple[float, float]]) -> None:
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.1)
        if time.monotonic() - before > ASLEEP:
            troubled.append((before, time.monotonic() + AFTERMATH))


async def _until(condition: object, seconds: float) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s, and nothing had failed")
        await asyncio.sleep(0.05)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
