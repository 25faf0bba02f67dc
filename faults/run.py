"""One run: a site, its tabs, the faults, and what came of it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from faults.acts import carry_out
from faults.chromium import Browsers
from faults.load import User
from faults.options import Options
from faults.person import Person, Unanswered
from faults.record import Record
from faults.schedule import Fault, schedule, slow_tabs
from faults.settle import Crowd, settled
from faults.site import Ground, Site, lacking, running
from faults.tab import Tab

ROOMS = ("Alpha", "Beta", "Gamma")
OPEN_SECONDS = 60.0  # until every tab is live, before anything fails
AFTERMATH = 12.0  # seconds for which a fault may still show: an answer is waited for as long as that
ASLEEP = 2.0  # seconds without a turn: this process itself was stopped
LOOK_SECONDS = 0.3  # between two looks whether a page comes, or something is stopped


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
        crowd = await gather(site, options, record)
        pages = [asyncio.create_task(tab.run()) for tab in crowd.tabs]
        try:
            await _until(lambda: all(tab.is_live for tab in crowd.tabs), OPEN_SECONDS)
            troubled: list[tuple[float, float]] = []  # when something was wrong
            pages.append(asyncio.create_task(_watch(crowd.tabs[0], record)))
            pages.append(asyncio.create_task(_notice_stops(site, troubled)))
            troubled += await _trouble(site, options, faults, crowd, record)
            end = await settled(site, crowd, record, troubled, options.settle)
            if end.violations:
                await site.abort()
        finally:
            await _end(pages)
            for tab in crowd.tabs:
                tab.person.close()
            if crowd.browsers is not None:
                await asyncio.to_thread(crowd.browsers.stop)
    result.violations, result.settled_after = end.violations, end.seconds
    result.without_page, result.without_post = record.without_page.longest, record.without_post.longest
    if crowd.browsers is not None:
        result.counts["posts in a browser"] = len(crowd.browsers.said)
    return result


async def gather(site: Site, options: Options, record: Record) -> Crowd:
    """As many tabs as are asked for, over the rooms in turn. The first of them may stop reading."""

    async def tab(number: int) -> Tab:
        name = f"t{number}"
        person = Person(site.network.url, f"{name} of {options.seed}", number, record)
        slug = await person.join(ROOMS[number % len(ROOMS)])
        port = site.servers[number % len(site.servers)].port if number < slow_tabs(options.tabs) else 0
        return Tab(name, person, slug, record, Random(f"{options.seed} {name}"), port)

    tabs = [await tab(number) for number in range(options.tabs)]
    browsers = None
    if options.chromium:
        rooms = [room for room in ROOMS if room.lower() in {tab.room for tab in tabs}]
        browsers = Browsers(site.network.url, rooms, options.chromium, options.seed)
        await asyncio.to_thread(browsers.start)
    return Crowd(tabs, browsers)


async def _trouble(
    site: Site, options: Options, faults: Sequence[Fault], crowd: Crowd, record: Record
) -> list[tuple[float, float]]:
    """The load and the faults; returns when something was wrong."""
    began = time.monotonic()
    troubled: list[tuple[float, float]] = []

    async def befall(fault: Fault) -> None:
        await asyncio.sleep(began + fault.at - time.monotonic())
        since = time.monotonic()
        record.counts[fault.kind] += 1
        await carry_out(fault, site, crowd.tabs)
        troubled.append((since, time.monotonic() + AFTERMATH))

    users = [User(tab, record, Random(f"{options.seed} {tab.name} acts")) for tab in crowd.tabs]
    people = [asyncio.create_task(user.use()) for user in users]
    if crowd.browsers is not None:
        crowd.browsers.write(is_on=True)
    try:
        async with asyncio.TaskGroup() as group:
            for fault in faults:
                group.create_task(befall(fault))
        await asyncio.sleep(began + options.seconds - time.monotonic())
    finally:
        await _end(people)
        if crowd.browsers is not None:
            crowd.browsers.write(is_on=False)
    return troubled


async def _watch(tab: Tab, record: Record) -> None:
    """Ask for a page, again and again."""
    while True:
        record.without_page.asked(time.monotonic())
        with suppress(Unanswered):
            await tab.person.ask("GET", f"/rooms/{tab.room}/")
            record.without_page.had()
        await asyncio.sleep(LOOK_SECONDS)


async def _notice_stops(site: Site, troubled: list[tuple[float, float]]) -> None:
    """Somebody else may stop this process, or the site's, as when something is measured beside it."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(LOOK_SECONDS)
        if time.monotonic() - before > ASLEEP or site.is_stopped():
            troubled.append((before, time.monotonic() + AFTERMATH))


async def _until(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s, and nothing had failed")
        await asyncio.sleep(0.05)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
