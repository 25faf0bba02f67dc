"""What tabs take that do nothing."""

import asyncio
from argparse import Namespace
from time import monotonic

from bench.crowd import Crowd
from bench.meter import Meter, cpu_seconds, memory_kib, of_own
from bench.scenes.scene import Outcome, Scene
from bench.target import Target


async def idle(target: Target, options: Namespace) -> Outcome:
    await target.prepare(options.tabs, options.people or options.tabs, 1)
    first = Crowd(target, min(10, options.tabs))  # with it comes what is loaded once
    await first.connect()
    await first.leave()
    before = memory_kib(target.processes())
    crowd = Crowd(target, options.tabs)
    meter, began, worked = Meter(crowd.ledger, target.processes), monotonic(), cpu_seconds(target.processes())
    await crowd.connect()
    seconds, worked = monotonic() - began, cpu_seconds(target.processes()) - worked
    own = of_own(meter.figures())
    await crowd.settle()
    after = memory_kib(target.processes())
    idle_from, rested = monotonic(), cpu_seconds(target.processes())
    await asyncio.sleep(options.seconds)
    rest = (cpu_seconds(target.processes()) - rested) / (monotonic() - idle_from)
    await crowd.leave()
    figures = {
        "memory, KiB/tab": (after - before) / options.tabs,
        "memory without tabs, MiB": before / 1024,
        "tabs that connected/s": options.tabs / seconds,
        "server CPU, ms/tab that connected": worked / options.tabs * 1000,
        "server CPU with idle tabs, % of a core": rest * 100,
    } | own
    return Outcome(figures, crowd.ledger.faults)


MEMORY = Scene(
    "memory",
    "tabs that do nothing",
    {
        "tabs": (1000, ""),
        "people": (0, "who share the tabs"),
        "seconds": (5.0, "of idling that are measured"),
    },
    {"": idle},
)
