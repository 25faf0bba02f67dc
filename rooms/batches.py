"""What comes while a loop is busy with what came before is done together: one commit, one trip to Redis.

    posts = Batches(record_all, most=64)
    message = await posts.here().do(post)

What comes alone is done at once. The busier it gets the more there is in a batch, so that the price of
a commit is paid by many (group commit).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
R = TypeVar("R")

Work = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]


class Batch(Generic[T, R]):
    """What waits in one loop. `work` is given at most `most` at once, in the order in which they came, and
    returns for each what came of it, or the exception to raise for it."""

    def __init__(self, work: Work[T, R], most: int) -> None:
        self._work, self._most = work, most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._working: asyncio.Task[None] | None = None

    async def do(self, one: T) -> R:
        """Have `one` done, and return what came of it. It is done too where nobody waits for it any more."""
        return await self.put(one)

    def put(self, one: T) -> asyncio.Future[R]:
        """Have `one` done; returns what may be waited for."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[R] = loop.create_future()
        self._waiting.append((one, done))
        if self._working is None:
            # It is of no tab or request, as logs tell it, and outlives the one that happened to come first.
            self._working = loop.create_task(self._go_on(), context=Context())
        return done

    @property
    def is_busy(self) -> bool:
        return self._working is not None

    @property
    def backlog(self) -> int:
        """How much waits, beside what is being done."""
        return len(self._waiting)

    async def finished(self) -> None:
        """Wait until all is done."""
        while self._working is not None:
            await asyncio.wait([self._working])

    async def _go_on(self) -> None:
        try:
            while self._waiting:
                some = self._waiting[: self._most]
                del self._waiting[: self._most]
                await self._do([one for one, _ in some], [done for _, done in some])
        finally:
            self._working = None

    async def _do(self, some: list[T], waiting: list[asyncio.Future[R]]) -> None:
        try:
            outcomes = await self._work(some)
        except Exception as error:  # noqa: BLE001 — theirs who wait for it
            outcomes = [error] * len(some)
        for done, outcome in zip(waiting, outcomes, strict=True):
            if done.done():
                continue  # whoever waited is gone
            if isinstance(outcome, Exception):
                done.set_exception(outcome)
            else:
                done.set_result(outcome)


class Batches(Generic[T, R]):
    """One `Batch` for each loop."""

    def __init__(self, work: Work[T, R], most: int) -> None:
        self._work, self._most = work, most
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Batch[T, R]] = WeakKeyDictionary()

    def here(self) -> Batch[T, R]:
        """That of the running loop."""
        loop = asyncio.get_running_loop()
        batch = self._of_loop.get(loop)
        if batch is None:
            batch = self._of_loop[loop] = Batch(self._work, self._most)
        return batch
