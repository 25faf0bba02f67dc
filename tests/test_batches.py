"""What comes while a loop is busy is done together."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar

import pytest

from rooms.batches import Batches


class Work:
    """Doubles numbers, as soon as it is let."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_go_on = asyncio.Event()

    async def __call__(self, some: Sequence[int]) -> Sequence[int | Exception]:
        self.batches.append([*some])
        await self.may_go_on.wait()
        if 13 in some:
            raise OSError("all of it failed")
        return [ValueError(f"{one} is odd") if one % 2 else 2 * one for one in some]


async def test_what_comes_meanwhile_waits_and_is_done_together() -> None:
    work = Work()
    batches = Batches[int, int](work, most=3)
    doing = [asyncio.create_task(batches.here().do(n)) for n in (2,)]
    await asyncio.sleep(0)
    doing += [asyncio.create_task(batches.here().do(n)) for n in (4, 6, 8, 10)]
    while len(work.batches) == 0:
        await asyncio.sleep(0)
    work.may_go_on.set()
    assert await asyncio.gather(*doing) == [4, 8, 12, 16, 20]
    assert [n for batch in work.batches for n in batch] == [2, 4, 6, 8, 10]
    assert max(map(len, work.batches)) == 3
    assert await batches.here().do(12) == 24  # and again, once all is done


async def test_each_has_its_own_outcome_and_one_that_is_gone_leaves_the_others() -> None:
    work = Work()
    batches = Batches[int, int](work, most=9)
    doing = [asyncio.create_task(batches.here().do(n)) for n in (2, 3, 4)]
    while not work.batches:
        await asyncio.sleep(0)
    doing[0].cancel()
    work.may_go_on.set()
    gone, odd, even = await asyncio.gather(*doing, return_exceptions=True)
    assert isinstance(gone, asyncio.CancelledError)
    assert str(odd) == "3 is odd" and even == 8


async def test_where_all_fails_each_is_told_and_what_comes_next_is_done() -> None:
    work = Work()
    work.may_go_on.set()
    batches = Batches[int, int](work, most=9)
    for error in await asyncio.gather(*map(batches.here().do, (13, 2)), return_exceptions=True):
        assert isinstance(error, OSError)
    assert await batches.here().do(2) == 4


def test_each_loop_has_its_own() -> None:
    async def work(some: Sequence[int]) -> Sequence[int | Exception]:
        return some

    batches = Batches[int, int](work, most=9)

    async def here() -> object:
        assert await batches.here().do(1) == 1
        return batches.here()

    assert asyncio.run(here()) is not asyncio.run(here())


@pytest.mark.parametrize("most", [1, 2])
async def test_no_more_than_so_many_at_once(most: int) -> None:
    work = Work()
    work.may_go_on.set()
    batches = Batches[int, int](work, most=most)
    assert await asyncio.gather(*map(batches.here().do, (2, 4, 6, 8))) == [4, 8, 12, 16]
    assert max(map(len, work.batches)) == most


async def test_it_is_done_in_no_ones_name() -> None:
    who = ContextVar("who", default="nobody")
    seen: list[str] = []

    async def work(some: Sequence[int]) -> Sequence[int | Exception]:
        seen.append(who.get())
        return some

    who.set("the first to come")
    assert await Batches[int, int](work, most=9).here().do(1) == 1
    assert seen == ["nobody"]
