"""A server that ends: it closes its tabs one after the other, so that they come back spread out.

A tab is closed between two of its frames: what it has sent is kept and confirmed by then, or was not
looked at, and its page, which keeps whatever is not confirmed, sends it again where it connects next.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import sample
from time import monotonic
from typing import Protocol

from rooms import publishing
from rooms.hub import Hub

SPREAD_SECONDS = 3.0  # over which many tabs are closed
TAB_SECONDS = 0.05  # between two where they are few
LIMIT_SECONDS = 10.0  # for all that is under way when the end comes


class Tab(Protocol):
    """What is needed of a tab whose socket is open."""

    async def restart(self) -> None:
        """Finish what is under way, and close with a code after which the page connects again."""


_open: set[Tab] = set()


@contextmanager
def is_open(tab: Tab) -> Iterator[None]:
    """The socket of `tab` is open while the context lasts."""
    _open.add(tab)
    try:
        yield
    finally:
        _open.discard(tab)


async def close_tabs() -> None:
    """Close every tab of this process, and those that come meanwhile; then leave Redis. Returns when
    what each was in the middle of is done, but after LIMIT_SECONDS whatever is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LIMIT_SECONDS):
            told: dict[Tab, asyncio.Task[None]] = {}
            while new := _open - told.keys():
                begun, seconds = monotonic(), min(SPREAD_SECONDS, TAB_SECONDS * len(new))
                # In no order: those of one room came one after the other, and would come back so.
                for count, tab in enumerate(sample(tuple(new), len(new))):
                    await asyncio.sleep(begun + seconds * count / len(new) - monotonic())
                    told[tab] = asyncio.create_task(tab.restart())
                await asyncio.gather(*told.values(), return_exceptions=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(publishing.PUBLISH_SECONDS):
                    await publishing.finished()
            await Hub.here().close()


async def until(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait until `is_so()`, for so many seconds at most."""
    end = monotonic() + seconds
    while not is_so() and monotonic() < end:
        await asyncio.sleep(0.02)
