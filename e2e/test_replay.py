"""A conversation said again through live sockets, as fast as it goes: a connection for each author,
25 that watch, and three tabs of a real browser.

    CONVERSATION=day.jsonl pytest e2e/test_replay.py

replays that file (a JSON object a line: `author`, `body`) instead of a made-up one.
"""

import asyncio
import json
import os
import random
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path

from playwright.sync_api import Page, expect
from websockets.asyncio.client import ClientConnection, connect

from e2e.client import session_of
from e2e.conftest import Site
from e2e.site import shown, stored
from tests.page import Page as Replica

WATCHERS = 25
SECONDS = 120


def conversation() -> dict[str, list[str]]:
    """What each author says, in order."""
    said: dict[str, list[str]] = defaultdict(list)
    if path := os.environ.get("CONVERSATION"):
        for line in map(json.loads, Path(path).read_text().splitlines()):
            said[line["author"]].append(line["body"])
    else:
        dice = random.Random(1)
        for n in range(300):
            author = f"speaker {dice.randrange(12)}"
            said[author].append(f"{n}: " + "word " * dice.randrange(1, 40) + "<&>'\" https://example.org/ 🦀")
    return said


async def watch(socket: ClientConnection, messages: int) -> Replica:
    """Everything that the socket brings until its cursor is at `messages`."""
    replica = Replica()
    await socket.send(json.dumps({"action": "resume", "cursor": "0"}))
    async with asyncio.timeout(SECONDS):
        while replica.cursor < messages:
            replica.give(str(await socket.recv()))
    return replica


async def speak(socket: ClientConnection, bodies: list[str]) -> None:
    for body in bodies:
        await socket.send(json.dumps({"body": body}))


async def replay(server: Site, cookies: dict[str, str], said: dict[str, list[str]]) -> list[Replica]:
    """Say it all at once; returns what each watcher saw."""
    live = f"{server.url.replace('http', 'ws', 1)}/rooms/replay/live/"
    total = sum(map(len, said.values()))
    async with AsyncExitStack() as sockets, asyncio.TaskGroup() as tasks:

        async def open_as(author: str) -> ClientConnection:
            headers = {"Cookie": cookies[author]}
            return await sockets.enter_async_context(
                connect(live, additional_headers=headers, compression=None)
            )

        authors = list(said)
        watchers = [
            tasks.create_task(watch(await open_as(authors[n % len(authors)]), total)) for n in range(WATCHERS)
        ]
        for author, bodies in said.items():
            socket = await open_as(author)
            tasks.create_task(watch(socket, total))  # a client that does not read is closed
            tasks.create_task(speak(socket, bodies))
    return [watcher.result() for watcher in watchers]


def test_everybody_sees_all_of_it_in_the_order_of_the_database(
    server: Site, tab: Callable[..., Page]
) -> None:
    said = conversation()
    total = sum(map(len, said.values()))
    tabs = [tab(f"tab {n}", "Replay") for n in range(3)]
    cookies = {author: session_of(server.url, "Replay", author) for author in said}
    with ThreadPoolExecutor(1) as thread:
        replay_ends = thread.submit(asyncio.run, replay(server, cookies, said))
        for page in tabs:
            expect(page.locator("#messages > .message")).to_have_count(total, timeout=SECONDS * 1000)
        replicas = replay_ends.result()

    rows = stored(server, "replay")
    assert [row["seq"] for row in rows] == list(range(1, total + 1))
    for author, bodies in said.items():
        kept = [row["body"] for row in rows if row["author__username"] == author]
        assert kept == [body.strip() for body in bodies]
    for page in tabs:
        assert shown(page) == [(row["seq"], row["author__username"], row["body"]) for row in rows]
    for replica in replicas:
        assert replica.texts == [row["body"] for row in rows]
        assert set(replica.times_given.values()) == {1}
