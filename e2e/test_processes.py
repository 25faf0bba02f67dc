"""Several processes at one room: servers, and programs that are no server."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, expect

from e2e.commands import Commands
from e2e.conftest import Site
from e2e.pages import Room
from e2e.site import expect_shows_all, manage, say, stored
from tests.process import Server

SLOW = 30_000  # ms


@pytest.fixture
def other_server(own_server: Site) -> Iterator[Server]:
    """A second server of the same site: the same data, the same Redis."""
    other = Server(own_server.data_dir, REDIS_URL=own_server.env["REDIS_URL"])
    other.start()
    yield other
    other.kill()


def test_two_servers_and_two_programs_write_to_one_room_at_once(
    own_server: Site, other_server: Server, tab: Callable[..., Page]
) -> None:
    ann = tab("ann")
    bob = tab("bob", base_url=other_server.url)
    with ExitStack() as ending, ThreadPoolExecutor(2) as programs:
        said = []
        for name in ("builder", "watcher"):
            program = Commands()  # of its own, for one runs a command after the other
            ending.callback(program.end)
            text = "".join(f"{name} says {n}\n" for n in range(40))
            say_all = ("say", "lounge", "--as", name)
            said.append(programs.submit(program.run, own_server.env, *say_all, text=text))
        for n in range(10):
            say(ann, f"ann says {n}")
            say(bob, f"bob says {n}")
        for ended in said:
            assert ended.result().code == 0, ended.result().errors
    for page in (ann, bob):
        expect(page.locator(".message")).to_have_count(100, timeout=SLOW)
        expect_shows_all(page, own_server, "lounge")
    rows = stored(own_server, "lounge")
    assert [row["version"] for row in rows] == list(range(1, 101))
    for name, count in (("builder", 40), ("watcher", 40), ("ann", 10), ("bob", 10)):
        bodies = [row["body"] for row in rows if row["author__username"] == name]
        assert bodies == [f"{name} says {n}" for n in range(count)]


def test_a_process_killed_between_commit_and_publish(server: Site, tab: Callable[..., Page]) -> None:
    room = Room(tab)
    page = room.tab("ann")
    name = room.called("ann")
    killed = f"""
import os
from rooms import changes, publishing
from rooms.models import Person, Room

publishing.publish = lambda change: os._exit(0)  # committed by now, and nobody will hear of it
room, person = Room.objects.get(slug={room.slug!r}), Person.objects.get(username={name!r})
changes.post(room, person, "my last words")
raise SystemExit("it was to be killed")
"""
    manage(server, "shell", "-v", "0", "-c", killed)
    expect(page.locator(".message .text")).to_have_text(["my last words"], timeout=SLOW)
    expect_shows_all(page, server, room.slug)
