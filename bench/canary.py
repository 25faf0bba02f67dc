"""How fast the machine is just now: a fixed piece of work, done again and again where the server runs.

Virtual machines share caches, memory and cores with others, and are a fifth slower for minutes at a time.
What rises over an hour together with this is not the server's doing.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import escape
from statistics import median

from bench.launch import Cores, on_cores

PACE = "the machine, µs for a piece of work"
REST_SECONDS = 0.25  # between two pieces: together they take less than a hundredth of a core
PIECE = [{"seq": n, "body": f"<b>{n}</b> & “{n * n}”"} for n in range(100)]


class Canary:
    """What a process of our own has told of the machine since it was last asked."""

    def __init__(self) -> None:
        self._told: list[float] = []

    async def listen(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self._told.append(float(line))

    def pace(self) -> float:
        """Microseconds of the processor, for the piece in the middle of those since it was last asked; 0
        where there was none."""
        told, self._told = self._told, []
        return median(told) if told else 0.0


@asynccontextmanager
async def canary(cores: Cores) -> AsyncIterator[Canary]:
    """A canary on these cores, as long as the context lasts."""
    with on_cores(cores):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bench.canary", stdout=asyncio.subprocess.PIPE
        )
    told = Canary()
    assert process.stdout is not None  # noqa: S101 — it is a pipe
    listening = asyncio.create_task(told.listen(process.stdout))
    try:
        yield told
    finally:
        process.kill()
        await process.wait()
        await listening


def work() -> str:
    """As serving is: dictionaries, text and JSON."""
    known = {one["seq"]: escape(str(one["body"])) for one in json.loads(json.dumps(PIECE))}
    return "".join(f'<p id="{seq}">{body}</p>' for seq, body in sorted(known.items()))


def _sing() -> None:
    while True:
        time.sleep(REST_SECONDS)
        work()  # what the server has pushed out of the caches meanwhile is not the machine's doing
        began = time.thread_time()
        for _ in range(4):
            work()
        print((time.thread_time() - began) * 1e6, flush=True)  # noqa: T201 — whoever started it listens


if __name__ == "__main__":
    _sing()
