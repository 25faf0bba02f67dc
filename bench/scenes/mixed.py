"""A site as it is lived in, for a minute or for hours."""

import asyncio
from argparse import Namespace
from pathlib import Path
from time import monotonic
from typing import cast

from bench.fit import drift
from bench.life import Life
from bench.meter import OWN, STOOD_STILL, Figures, Meter, memory_kib, open_files, percentile
from bench.parlor import Parlor
from bench.scenes.scene import Curve, Outcome, Scene, latency_curve
from bench.shape import Shape, read
from bench.target import Target

SAMPLED = (
    "posts/s",
    "server CPU, % of a core",
    "to the last tab, p50 ms",
    "to the last tab, p99 ms",
    OWN,  # it does the same all the time: what rises and falls with this is the machine's doing
    STOOD_STILL,  # what is late by so much is not the server's
)


async def come_to_life(target: Target, options: Namespace) -> Life:
    parlor = cast(Parlor, target)
    await parlor.prepare(options.people, options.people, options.rooms)
    shape = read(Path(options.shape)) if options.shape else Shape()
    life = Life(parlor, options.people, options.rooms, shape)
    await life.crowd.connect()
    await life.crowd.settle()
    return life


def faults(life: Life) -> dict[str, int]:
    return life.crowd.ledger.faults | ({"pages that failed": life.failed} if life.failed else {})


def figures(life: Life, meter: Meter) -> Figures:
    pages, back = sorted(life.pages), sorted(life.back)
    return meter.figures() | {
        "pages opened": len(pages),
        "a page, p50 ms": percentile(pages, 50),
        "a page, p99 ms": percentile(pages, 99),
        "tabs that came back": len(back),
        "a tab is back, p50 ms": percentile(back, 50),
        "a tab is back, p99 ms": percentile(back, 99),
    }


async def mixed(target: Target, options: Namespace) -> Outcome:
    life = await come_to_life(target, options)
    meter = Meter(life.crowd.ledger, target.processes)
    await life.go_on(options.seconds, options.rate, options.pages, options.goings)
    found = figures(life, meter)
    await life.crowd.leave()
    curve = {"ms to the last tab": latency_curve(meter.latencies())}
    return Outcome(found, faults(life), curve, "percent of messages")


async def soak(target: Target, options: Namespace) -> Outcome:
    life = await come_to_life(target, options)
    meter = Meter(life.crowd.ledger, target.processes)
    curves: dict[str, Curve] = {}
    sampling = asyncio.create_task(sample(life, target, options.every, curves))
    await life.go_on(options.minutes * 60, options.rate, options.pages, options.goings)
    sampling.cancel()
    await asyncio.gather(sampling, return_exceptions=True)
    found = figures(life, meter)
    await life.crowd.leave()
    drifts = {name: drift(curve) for name, curve in curves.items() if name != STOOD_STILL}
    found |= {f"{name}, drift in %": line.percent for name, line in drifts.items()}
    notes = [f"{name}: {line}" for name, line in drifts.items()]
    return Outcome(found, faults(life), curves, "minutes", notes)


async def sample(life: Life, target: Target, every: float, curves: dict[str, Curve]) -> None:
    """Look, every so many seconds, and note what is seen over the minutes that have passed."""
    began = monotonic()
    while True:
        meter = Meter(life.crowd.ledger, target.processes)
        await asyncio.sleep(every)
        seen = meter.figures()
        processes = target.processes()
        looked = {
            "server memory, MiB": memory_kib(processes) / 1024,
            "server's open files": open_files(processes),
        }
        for name, value in (looked | {name: seen[name] for name in SAMPLED}).items():
            curves.setdefault(name, []).append(((monotonic() - began) / 60, value))


LIVED: dict[str, tuple[float | int | str, str]] = {
    "people": (200, "with a tab each"),
    "rooms": (20, "of which the n-th has an n-th of the people of the first"),
    "pages": (5.0, "that are opened a second"),
    "goings": (1.0, "tabs a second that go and come back"),
    "shape": ("", "a file of history, JSON lines, to talk as people do there"),
}

MIXED = Scene(
    "mixed",
    "people talk, type, read back, look away, go and come",
    {"seconds": (60.0, ""), "rate": (20.0, "messages a second")} | LIVED,
    {"": mixed},
    is_parlors=True,
)
SOAK = Scene(
    "soak",
    "the same for long: whether memory, files and latencies stay as they are",
    {"minutes": (60.0, ""), "rate": (100.0, "messages a second"), "every": (5.0, "seconds a sample")} | LIVED,
    {"": soak},
    is_parlors=True,
)
