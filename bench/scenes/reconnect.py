"""The server is killed and starts again, and all tabs come back at once."""

import asyncio
import json
from argparse import Namespace
from collections import Counter
from time import monotonic
from typing import cast

from tqdm import tqdm

from bench.crowd import Crowd, persistently
from bench.meter import Meter, of_own, percentile
from bench.parlor import Parlor
from bench.scenes.scene import Curve, Outcome, Scene
from bench.site import Site
from bench.tab import Tab
from bench.target import Target

SECONDS = 300.0  # for all to come back

# In a process of its own, through the one door, while no server runs.
POST = """
import json, sys
from rooms import changes
from rooms.models import Person, Room

room, people = Room.objects.get(slug={slug!r}), list(Person.objects.order_by("pk")[:20])
for n, text in enumerate(json.load(sys.stdin)):
    changes.post(room, people[n % len(people)], text)
"""


async def come_back(target: Target, options: Namespace) -> Outcome:
    parlor = cast(Parlor, target)
    site = cast(Site, parlor.site)
    await parlor.prepare(options.tabs, options.people or options.tabs, 1)
    crowd = Crowd(parlor, options.tabs, size=options.size)
    await crowd.connect()
    await crowd.settle()
    await crowd.closed_loop(3, 1)
    site.kill()
    while any(tab.is_connected for tab in crowd.tabs):
        await asyncio.sleep(0.01)
    crowd.ledger.closed = 0  # which was to be
    missed = [crowd.ledger.say(0, options.tabs) for _ in range(options.missed)]
    texts = json.dumps([crowd.ledger.body(number, options.size) for number in missed])
    code = POST.format(slug=parlor.slugs[0])
    await asyncio.to_thread(site.manage, "shell", "-v", "0", "-c", code, given=texts)
    site.start()
    meter, began = Meter(crowd.ledger, parlor.processes), monotonic()
    had_by: list[float] = []
    crowd.ledger.on_done = lambda number: had_by.append(monotonic())
    failed: list[str] = []
    back: list[float] = []
    with tqdm(total=options.tabs, disable=None, unit="tab", desc="coming back", leave=False) as bar:

        async def one(tab: Tab) -> None:
            failed.extend(await persistently(tab, began + SECONDS))
            back.append((monotonic() - began) * 1000)
            bar.update()

        await asyncio.gather(*map(one, crowd.tabs))
        await crowd.finish()
    whole, deliveries = meter.figures(), crowd.ledger.deliveries
    back.sort()
    figures = {
        "s until the last tab has everything": max(*had_by, began + back[-1] / 1000) - began,
        "a tab is back, p50 ms": percentile(back, 50),
        "a tab is back, p99 ms": percentile(back, 99),
        "server CPU, ms/tab": whole["server CPU, µs/delivery"] * deliveries / options.tabs / 1000,
        "KB/tab": whole["bytes/delivery"] * deliveries / options.tabs / 1000,
        "tries/tab": 1 + len(failed) / options.tabs,
        "tabs whose list was replaced, %": crowd.ledger.replaced / options.tabs * 100,
    } | of_own(whole)
    faults = crowd.ledger.faults
    await crowd.leave()
    curve: Curve = [(ms, (n + 1) / len(back) * 100) for n, ms in enumerate(back)]
    notes = [f"{count:,} tries failed: {why}" for why, count in Counter(failed).most_common(5)]
    curves = {"percent of tabs that are back": curve}
    return Outcome(figures, faults, curves, "ms since the server is there", notes)


RECONNECT = Scene(
    "reconnect",
    "the server is killed and starts again, and all tabs come back at once",
    {
        "tabs": (2000, ""),
        "missed": (
            500,
            "messages that are said meanwhile; more than 200 and a tab gets the newest page instead",
        ),
        "people": (0, "who share the tabs"),
        "size": (80, "characters of a message"),
    },
    {"": come_back},
    is_parlors=True,
    is_own=True,
)
