"""How each kind of fault is brought about, and ended."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import cast

import psycopg

from faults import clock
from faults.databases import PostgresDatabase
from faults.load import LONG
from faults.schedule import Fault
from faults.server import ServerProcess
from faults.site import Site
from faults.tab import Tab

DELAY = 0.15  # seconds that a slow network takes, each way
CHANGE_SECONDS = 0.25  # between two changes of what a stalled tab is to be told
AGAIN_SECONDS = 0.5  # before a server that did not start is started again, as a supervisor does
SUPERVISED_SECONDS = 90.0

Act = Callable[[Fault, Site, Sequence[Tab]], Awaitable[None]]


async def carry_out(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    """Bring it about, wait for as long as it lasts, and end it, which cancelling does too."""
    await ACTS[fault.kind](fault, site, tabs)


async def supervise(server: ServerProcess) -> None:
    """Start it, again and again until it runs: what it needs may be away."""
    end = time.monotonic() + SUPERVISED_SECONDS
    while True:
        try:
            return await server.start()
        except RuntimeError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(AGAIN_SECONDS)


async def server_kill(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    server = site.servers[fault.victim]
    await server.end()
    await asyncio.sleep(fault.seconds)
    await supervise(server)


async def server_term(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    server = site.servers[fault.victim]
    await server.end(signal.SIGTERM)
    await asyncio.sleep(fault.seconds)
    await supervise(server)


async def server_pause(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    server = site.servers[fault.victim]
    server.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        server.signal(signal.SIGCONT)


async def clock_step(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    """Ahead or back, by what its time ends in: the schedule says it all."""
    hours = clock.HOURS if int(fault.at * 100) % 2 else -clock.HOURS
    site.clocks[fault.victim].step(hours)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        site.clocks[fault.victim].step(0)


async def redis_kill(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    await asyncio.to_thread(site.redis.kill)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await asyncio.to_thread(site.redis.start)


async def redis_pause(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    site.redis.pause()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        site.redis.resume()


async def redis_read_only(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    await asyncio.to_thread(site.redis.follow_nobody, is_on=True)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await asyncio.to_thread(site.redis.follow_nobody, is_on=False)


async def redis_full(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    await asyncio.to_thread(site.redis.fill, is_on=True)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await asyncio.to_thread(site.redis.fill, is_on=False)


async def sqlite_lock(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    await asyncio.to_thread(site.database.lock, fault.seconds)


async def postgres_restart(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    cluster = cast(PostgresDatabase, site.database).cluster
    await asyncio.to_thread(cluster.stop)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await asyncio.to_thread(cluster.start)


async def postgres_crash(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    with suppress(psycopg.Error):  # it has crashed already
        await asyncio.to_thread(cast(PostgresDatabase, site.database).crash)
    await asyncio.sleep(fault.seconds)


async def postgres_pause(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    cluster = cast(PostgresDatabase, site.database).cluster
    cluster.pause()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        cluster.resume()


async def postgres_terminate(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    with suppress(psycopg.Error):  # it recovers, and there are none
        await asyncio.to_thread(cast(PostgresDatabase, site.database).end_connections)


async def disk_full(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    site.database.fill(site.pids)
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        await asyncio.to_thread(site.database.make_room, site.pids)


async def network_cut(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    site.network.is_away = True
    site.network.cut()
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        site.network.is_away = False


async def network_delay(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    site.network.delay = DELAY
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        site.network.delay = 0.0


async def network_swallow(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    """What is lost so is lost with its connection: TCP brings all or ends."""
    site.network.swallows = True
    try:
        await asyncio.sleep(fault.seconds)
    finally:
        site.network.cut()
        site.network.swallows = False


async def tab_stall(fault: Fault, site: Site, tabs: Sequence[Tab]) -> None:
    """It reads nothing, while somebody has much to show: a long message, which changes and changes."""
    slow = tabs[fault.victim]
    end = slow.stalled_until = time.monotonic() + fault.seconds
    other = next((tab for tab in tabs if tab is not slow and tab.room == slow.room), slow)
    other.say(f"{other.name}n0 {LONG}")
    while (rest := end - time.monotonic()) > 0:
        await asyncio.sleep(min(rest, CHANGE_SECONDS))
        long = [row for row in other.page.rows if len(row.html) > len(LONG)] if other.page else []
        if long:
            other.react(long[-1].seq, "🐌")


ACTS: dict[str, Act] = {
    act.__name__.replace("_", "-"): act
    for act in (
        server_kill,
        server_term,
        server_pause,
        clock_step,
        redis_kill,
        redis_pause,
        redis_read_only,
        redis_full,
        sqlite_lock,
        postgres_restart,
        postgres_crash,
        postgres_pause,
        postgres_terminate,
        disk_full,
        network_cut,
        network_delay,
        network_swallow,
        tab_stall,
    )
}
