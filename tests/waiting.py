"""Waiting for what must come true."""

import asyncio
import time
from collections.abc import Callable

SECONDS = 20.0


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait, in a coroutine, until `condition` is true; fail when it is not within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not true within {seconds} s"
        await asyncio.sleep(0.01)
