"""Pages of a room with a past, opened as fast as they come."""

import asyncio
import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import cast

from bench.crowd import Crowd
from bench.http import Http
from bench.ledger import Ledger
from bench.meter import Meter, cpu_seconds, of_own, percentile
from bench.parlor import Parlor
from bench.scenes.scene import Outcome, Run, Scene, latency_curve
from bench.shape import Shape
from bench.target import Target

DAYS = 30
BEGAN = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
ANYBODYS = 200  # messages, in a server that is not the benchmark's own

Address = Callable[[int, Random], str]  # of a room with so many messages: below its own
KINDS: dict[str, Address] = {
    "room": lambda count, chance: "",
    "history": lambda count, chance: f"history/?before={chance.randint(min(60, count), count)}",
    "a day": lambda count, chance: f"history/{BEGAN + timedelta(days=chance.randrange(DAYS)):%Y/%m/%d}/",
    "permalink": lambda count, chance: f"messages/{chance.randint(1, count)}/",
}


def opened(address: Address) -> Run:
    async def run(target: Target, options: Namespace) -> Outcome:
        parlor, chance = cast(Parlor, target), Random(1)  # noqa: S311 — no secret
        await past(parlor, options.messages)
        await parlor.prepare(options.clients, options.clients, 1)
        room, count = parlor.address(0), int(parlor.cursors[0])
        browsers = [Http(parlor.host, parlor.port) for _ in range(options.clients)]
        for n, browser in enumerate(browsers):  # who opens a room joins it, once
            await browser.get(room, {"Cookie": parlor.person(n).cookie})
        meter, worked, began = Meter(Ledger(), parlor.processes), cpu_seconds(parlor.processes()), monotonic()
        took: list[float] = []
        size = 0

        async def read(n: int) -> None:
            nonlocal size
            while (asked := monotonic()) < began + options.seconds:
                path = room + address(count, chance)
                answer = await browsers[n].get(path, {"Cookie": parlor.person(n).cookie})
                if answer.status != 200:
                    raise RuntimeError(f"{path}: {answer.status}")
                took.append((monotonic() - asked) * 1000)
                size += answer.wire

        await asyncio.gather(*map(read, range(options.clients)))
        figures = {
            "pages/s": len(took) / (monotonic() - began),
            "server CPU, ms/page": (cpu_seconds(parlor.processes()) - worked) / len(took) * 1000,
            "p50 ms": percentile(sorted(took), 50),
            "p99 ms": percentile(sorted(took), 99),
            "max ms": max(took),
            "KB/page": size / len(took) / 1000,
        } | of_own(meter.figures())
        for browser in browsers:
            browser.close()
        return Outcome(figures, {}, {"ms": latency_curve(sorted(took))}, "percent of pages")

    return run


async def past(parlor: Parlor, count: int) -> None:
    """Have a past in the first room, of so many messages within DAYS, if it has none."""
    await parlor.prepare(1, 1, 1)
    if int(parlor.cursors[0]):
        return
    if parlor.site is None:
        crowd = Crowd(parlor, 1)
        await crowd.connect()
        await crowd.closed_loop(ANYBODYS, 1)
        await crowd.leave()
        return
    file = Path(parlor.site.directory) / "past.jsonl"
    file.write_text("".join(lines(count)))
    await asyncio.to_thread(parlor.site.manage, "load_history", parlor.slugs[0], str(file))


def lines(count: int) -> Iterator[str]:
    """A conversation, as a file of history has it."""
    chance, shape, ledger = Random(1), Shape(), Ledger()  # noqa: S311 — no secret
    for n in range(count):
        at = BEGAN + timedelta(days=DAYS * n / count)
        text = ledger.body(n, shape.length(chance))
        said = {"at": f"{at:%FT%TZ}", "author": f"person {shape.who(chance, 100)}", "body": text}
        yield json.dumps(said) + "\n"


PAGES = Scene(
    "pages",
    "pages of a room: itself, its history, a day, a message in its place",
    {
        "clients": (8, "that ask at once"),
        "seconds": (5.0, "for each kind"),
        "messages": (10_000, "in the room"),
    },
    {kind: opened(address) for kind, address in KINDS.items()},
    is_parlors=True,
    compares=False,
)
