"""Messages to many tabs, of one room or of many."""

from argparse import Namespace

from bench.crowd import Crowd
from bench.meter import Meter, memory_kib
from bench.scenes.scene import Outcome, Scene, latency_curve
from bench.target import Target

WARMING = 30  # messages, before it counts


async def fan_out(target: Target, options: Namespace) -> Outcome:
    await target.prepare(options.tabs, options.people or options.tabs, options.rooms)
    crowd = Crowd(target, options.tabs, options.rooms, options.size)
    before = memory_kib(target.processes())
    await crowd.connect()
    await crowd.settle()
    each = (memory_kib(target.processes()) - before) / options.tabs
    await crowd.closed_loop(WARMING, 1)
    meter = Meter(crowd.ledger, target.processes)
    if options.rate:
        await crowd.paced(options.messages, options.rate)
    else:
        await crowd.closed_loop(options.messages, options.window)
    figures = meter.figures() | {"memory, KiB/tab": each}
    curve = {"ms to the last tab": latency_curve(meter.latencies())}
    await crowd.leave()
    return Outcome(figures, crowd.ledger.faults, curve, "percent of messages")


COMMON: dict[str, tuple[float | int | str, str]] = {
    "rate": (0.0, "messages a second, whatever becomes of them; else a closed loop"),
    "size": (80, "characters of a message"),
    "people": (0, "who share the tabs; one each, unless told"),
}

ONE_ROOM = Scene(
    "one-room",
    "one big room",
    {"tabs": (500, ""), "messages": (300, ""), "window": (4, "messages under way at once"), "rooms": (1, "")}
    | COMMON,
    {"": fan_out},
)
MANY_ROOMS = Scene(
    "many-rooms",
    "many small rooms",
    {
        "tabs": (1000, ""),
        "rooms": (200, ""),
        "messages": (2000, ""),
        "window": (50, "messages under way at once"),
    }
    | COMMON,
    {"": fan_out},
)
