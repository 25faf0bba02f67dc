"""`python -m bench`: every scene, small, against a real server."""

import asyncio
import gc
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from bench import crowd, life
from bench.options import parsed
from bench.parlor import Parlor
from bench.plot import picture
from bench.report import table
from bench.run import NEVER, measure, without_pauses
from bench.scenes import SCENES
from bench.scenes.scene import Outcome
from bench.site import Site
from bench.target import Target
from bench.yardsticks import Yardstick
from tests.process import ROOT
from tests.talk import history
from tests.test_promises import objections

SECONDS = 120.0  # for a scene that is to end at all


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be quiet here is so soon."""
    monkeypatch.setattr(crowd, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(life, "AWAY", (0.01, 0.1))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, fresh_data: Path) -> Iterator[Site]:
    """A site as the benchmark has one, which runs."""
    directory = tmp_path_factory.mktemp("bench")
    shutil.copytree(fresh_data, directory / "data")
    site = Site(directory, "uvicorn", "sqlite", 1, frozenset())
    site.start()
    yield site
    site.end()


@pytest.fixture(scope="module")
def parlor(site: Site) -> Parlor:
    """It, with as many people as the scenes need, so that none has to start it anew for them."""
    parlor = Parlor(site)
    asyncio.run(parlor.prepare(12, 12, 3))
    return parlor


async def play(parlor: Target, *arguments: str) -> list[Outcome]:
    """Play a scene on the site; returns what each of its runs came to. Nothing went wrong."""
    options = parsed(list(arguments))
    outcomes = [await run(parlor, options) for run in SCENES[options.scene].runs.values()]
    assert not any(outcome.faults for outcome in outcomes)
    return outcomes


async def test_one_room(parlor: Parlor) -> None:
    (outcome,) = await play(parlor, "one-room", "--tabs", "6", "--messages", "12", "--people", "3")
    figures = outcome.figures
    assert figures["deliveries/s"] == pytest.approx(6 * figures["posts/s"])
    assert figures["server CPU, % of a core"] > 0
    assert 0 < figures["to the last tab, p50 ms"] <= figures["to the last tab, max ms"]
    assert figures["bytes/delivery"] > 80


async def test_many_rooms_at_a_rate(parlor: Parlor) -> None:
    rate = ("--rate", "100")
    (outcome,) = await play(parlor, "many-rooms", "--tabs", "6", "--rooms", "3", "--messages", "12", *rate)
    assert outcome.figures["deliveries/s"] == pytest.approx(2 * outcome.figures["posts/s"])


@pytest.mark.parametrize("missed", [5, 201])
async def test_reconnect(parlor: Parlor, missed: int) -> None:
    (outcome,) = await play(parlor, "reconnect", "--tabs", "4", "--missed", str(missed))
    assert outcome.figures["tabs whose list was replaced, %"] == (100 if missed > 200 else 0)


async def test_stalled(parlor: Parlor) -> None:
    options = ("--tabs", "3", "--messages", "6", "--rate", "100")
    assert len(await play(parlor, "stalled", *options)) == 2


async def test_memory(parlor: Parlor) -> None:
    (outcome,) = await play(parlor, "memory", "--tabs", "12", "--seconds", "0.1")
    assert outcome.figures["memory without tabs, MiB"] > 10


async def test_pages(parlor: Parlor) -> None:
    outcomes = await play(parlor, "pages", "--clients", "2", "--seconds", "0.2", "--messages", "120")
    assert len(outcomes) == 4
    assert all(outcome.figures["KB/page"] > 5 for outcome in outcomes)


async def test_the_weight_of_a_visit(parlor: Parlor) -> None:
    first, again, plain = [outcome.figures for outcome in await play(parlor, "weight", "--messages", "3")]
    assert 0 == again["css/room.css"] < first["css/room.css"] < plain["css/room.css"]
    assert (
        first["bytes in all"]
        == sum(weight for name, weight in first.items() if " in all" not in name) - first["requests"]
    )
    assert {
        "the page",
        "vendor/htmx.min.js",
        "me.css",
        "parts/field",
        "the socket, once it is open",
    } <= first.keys()
    assert again["requests"] == 2


async def test_people_who_live(parlor: Parlor, tmp_path: Path) -> None:
    options = ("--people", "8", "--rooms", "3", "--pages", "15", "--goings", "10", "--rate", "25")
    (outcome,) = await play(parlor, "mixed", "--seconds", "1", "--shape", history(tmp_path), *options)
    for what in (
        "posts/s",
        "pages opened",
        "tabs that came back",
        "a page, p99 ms",
        "to the last tab, p50 ms",
    ):
        assert outcome.figures[what] > 0
    (outcome,) = await play(parlor, "soak", "--minutes", "0.015", "--every", "0.1", *options)
    assert len(outcome.curves["server memory, MiB"]) >= 4
    assert outcome.figures["server memory, MiB, drift in %"] < 50
    assert any("server's open files" in note for note in outcome.notes)


# Sends whatever a socket says to all sockets.
ECHO = """
import asyncio, sys
from websockets.asyncio.server import broadcast, serve

async def talk(socket):
    async for text in socket:
        broadcast(server.connections, text)

async def main():
    global server
    async with serve(talk, "127.0.0.1", int(sys.argv[1]), compression=None) as server:
        await server.serve_forever()

asyncio.run(main())
"""


def test_two_servers_in_turn(parlor: Parlor, tmp_path: Path) -> None:
    file = tmp_path / "limit.py"
    file.write_text(ECHO)
    options = parsed(["one-room", "--tabs", "3", "--messages", "6", "--runs", "2"])
    other = Yardstick(file, tmp_path / "other", frozenset())
    running = Parlor(None, f"http://127.0.0.1:{parlor.port}", tuple(one.pid for one in parlor.processes()))
    measured = measure(SCENES["one-room"], [running, other], options)
    assert [one.column for one in measured] == ["parlor", "limit"] * 2
    assert all(one.outcome.figures["deliveries/s"] > 0 and not one.outcome.faults for one in measured)
    assert "parlor / limit" in table(measured)
    drawn = picture(measured)
    assert len(ElementTree.fromstring(drawn).findall(".//{*}polyline")) == 4
    assert objections(drawn) == []
    assert not other.processes()


async def bench(*arguments: str) -> tuple[int, str, str]:
    """Run it. Returns its exit code and what it wrote to stdout and to stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench", *arguments, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(SECONDS):
        out, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), errors.decode()


async def test_a_server_that_runs(parlor: Parlor, tmp_path: Path) -> None:
    told, drawn = tmp_path / "told.json", tmp_path / "drawn.svg"
    pids = [str(process.pid) for process in parlor.processes()]
    code, out, errors = await bench(
        "one-room", "--tabs", "3", "--messages", "6", "--url", f"http://127.0.0.1:{parlor.port}",
        "--pid", *pids, "--json", str(told), "--plot", str(drawn),
    )  # fmt: skip
    assert code == 0, errors + out
    assert "deliveries/s" in out
    found = json.loads(told.read_text())
    assert {"commit", "machine", "django"} <= found["facts"].keys()
    assert found["medians"]["parlor"] == found["runs"][0]["figures"]
    assert drawn.exists()


def test_the_load_generator_does_not_stop_to_look_through_all_it_has_written_down() -> None:
    before = gc.get_threshold()
    with without_pauses():
        assert gc.get_threshold() == (*before[:2], NEVER)
        assert gc.get_freeze_count()
    assert gc.get_threshold() == before
    assert not gc.get_freeze_count()
