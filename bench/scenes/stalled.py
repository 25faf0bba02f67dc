"""One reader who reads nothing, and what the others notice of it."""

import asyncio
import socket
from argparse import Namespace

from bench.crowd import Crowd
from bench.ledger import Ledger
from bench.meter import Meter, memory_kib
from bench.scenes.fanout import WARMING
from bench.scenes.scene import Outcome, Run, Scene, latency_curve
from bench.tab import Tab
from bench.target import Target


def measured(is_stalled: bool) -> Run:
    async def run(target: Target, options: Namespace) -> Outcome:
        await target.prepare(options.tabs + 1, options.people or options.tabs + 1, 1)
        crowd = Crowd(target, options.tabs, size=options.size)
        await crowd.connect()
        stalled = Tab(Ledger(), target.host, target.port, target.wire(options.tabs, 0), 0)
        if is_stalled:
            await stalled.connect(socket=small_socket(target))
            stalled.stop_reading()
        await crowd.settle()
        await crowd.closed_loop(WARMING, 1)
        before = memory_kib(target.processes())
        meter = Meter(crowd.ledger, target.processes)
        await crowd.paced(options.messages, options.rate)
        figures = meter.figures() | {
            "memory that was added, MiB": (memory_kib(target.processes()) - before) / 1024
        }
        curve = {"ms to the last tab": latency_curve(meter.latencies())}
        stalled.leave()
        await crowd.leave()
        await asyncio.sleep(0)
        return Outcome(figures, crowd.ledger.faults, curve, "percent of messages")

    return run


def small_socket(target: Target) -> socket.socket:
    """A connection for which the system buffers next to nothing, so that the server comes to know soon."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect((target.host, target.port))
    small.setblocking(False)
    return small


STALLED = Scene(
    "stalled",
    "with one reader who reads nothing, and without, in turn",
    {
        "tabs": (500, ""),
        "rate": (20.0, "messages a second"),
        "messages": (600, ""),
        "size": (2000, "characters of a message; what is large fills the buffers sooner"),
        "people": (0, "who share the tabs"),
    },
    {"all read": measured(False), "one stalled": measured(True)},
)
