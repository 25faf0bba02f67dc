"""`python -m bench`: every scene, small, against a real server, and what its figures rest on."""

import asyncio
import json
import sys
import time
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import fmean
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import crowd, life
from bench.fit import drift
from bench.frames import CLOSE, PING, TEXT, Frame, Frames, framed, split
from bench.ledger import Ledger
from bench.meter import OWN, STOOD_STILL, Meter, percentile
from bench.options import loopback, parsed
from bench.parlor import Parlor
from bench.plot import picture
from bench.report import Measured, columns, remarks, table
from bench.run import measure
from bench.scenes import SCENES
from bench.scenes.scene import Outcome
from bench.shape import Shape, read
from bench.site import Site
from bench.tab import Tab
from bench.target import Target
from bench.wire import Wire
from bench.yardsticks import Yardstick
from tests.process import ROOT

SECONDS = 120.0  # for a scene that is to end at all


def of_server(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """A frame as a server sends it."""
    size = len(payload)
    if size < 126:
        head = bytes([size])
    elif size < 65536:
        head = bytes([126]) + size.to_bytes(2, "big")
    else:
        head = bytes([127]) + size.to_bytes(8, "big")
    return bytes([(0x80 if is_last else 0) | opcode]) + head + payload


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in zip(at, at[1:], strict=False)]


payloads = st.one_of(
    st.binary(max_size=300), st.sampled_from([125, 126, 65535, 65536]).map(lambda size: bytes(size))
)


@given(
    st.lists(st.tuples(st.sampled_from([TEXT, 2, CLOSE, PING]), payloads), max_size=5),
    st.lists(st.integers(0)),
)
def test_frames_are_put_together_however_they_were_cut(
    sent: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    frames = Frames()
    data = b"".join(of_server(*one) for one in sent)
    assert [frame for piece in pieces(data, cuts) for frame in frames.feed(piece)] == sent
    assert frames.is_between


@given(st.lists(st.binary(max_size=20), min_size=2, max_size=5), st.lists(st.integers(0)))
def test_a_message_in_parts_with_a_ping_between_them(parts: list[bytes], cuts: list[int]) -> None:
    first, *middle, last = parts
    data = of_server(TEXT, first, is_last=False) + of_server(PING, b"?")
    data += b"".join(of_server(0, part, is_last=False) for part in middle) + of_server(0, last)
    frames = Frames()
    found = [frame for piece in pieces(data, cuts) for frame in frames.feed(piece)]
    assert found == [Frame(PING, b"?"), Frame(TEXT, b"".join(parts))]


def test_what_no_server_sends() -> None:
    for data in (b"\xc1\x00", framed(TEXT, b"masked")):
        with pytest.raises(ValueError, match="no frame"):
            split(data)


@given(st.lists(st.floats(0, 1e9), min_size=1), st.floats(0, 100))
def test_a_percentile_is_one_of_the_values(values: list[float], percent: float) -> None:
    found = percentile(sorted(values), percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-9


def test_percentiles() -> None:
    values = [float(n) for n in range(1, 101)]
    assert [percentile(values, percent) for percent in (0, 50, 99, 99.5, 100)] == [1, 50, 99, 100, 100]
    assert percentile([], 50) == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000", "http://127.8.8.8"]
)
def test_this_machine_may_be_put_under_load(url: str) -> None:
    assert loopback(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1:8000",
        "http://0.0.0.0:8000",
        "https://127.0.0.1",
        "127.0.0.1:8000",
        "http://",
        "http://[::",
        "",
    ],
)
def test_no_other_machine_may(url: str) -> None:
    with pytest.raises(ArgumentTypeError):
        loopback(url)


async def test_what_is_lost_and_what_is_doubled_is_told() -> None:
    ledger = Ledger()
    tabs = [Tab(ledger, "127.0.0.1", 1, Wire("/", lambda text: [text]), 0) for _ in range(2)]
    numbers = [ledger.say(0, len(tabs)) for _ in range(3)]
    for tab in tabs:
        tab._frames, tab._head = Frames(), None
        tab.ready.set_result(None)
        tab.data_received(of_server(TEXT, ledger.body(numbers[0], 80).encode()))
    assert (ledger.deliveries, ledger.open, ledger.lost, ledger.doubled) == (2, 2, 4, 0)
    tabs[0].data_received(
        of_server(TEXT, f"{ledger.body(numbers[1], 80)}<br>{ledger.body(numbers[0], 80)}".encode())
    )
    assert ledger.faults == {"lost": 3, "doubled": 1}
    wrong = Measured("parlor", Outcome({"posts/s": 1.0}, ledger.faults))
    assert remarks([wrong]) == ["WRONG: parlor: 3 lost, 1 doubled"]


async def test_what_is_sent_again_while_a_tab_resumes_replaces_itself() -> None:
    ledger = Ledger()
    tab = Tab(ledger, "127.0.0.1", 1, Wire("/", lambda text: [text], ready=b"there"), 0)
    tab._frames, tab._head = Frames(), None
    one, two = (ledger.body(ledger.say(0, 1), 80) for _ in range(2))
    for text in (one, f"{one}, {two} there", two):
        tab.data_received(of_server(TEXT, text.encode()))
    assert not ledger.faults
    three = ledger.body(ledger.say(0, 1), 80)
    for _ in range(2):
        tab.data_received(of_server(TEXT, three.encode()))
    assert ledger.faults == {"doubled": 1}


def test_medians_and_how_they_compare() -> None:
    runs = [
        ("parlor", 10.0),
        ("other", 5.0),
        ("parlor", 30.0),
        ("other", 5.0),
        ("parlor", 20.0),
        ("other", 8.0),
    ]
    measured = [Measured(name, Outcome({"posts/s": figure})) for name, figure in runs]
    assert columns(measured) == ["parlor", "other"]
    assert table(measured).splitlines()[1].split() == [
        "posts/s",
        "20.0",
        "(10.0",
        "to",
        "30.0)",
        "5.00",
        "(5.00",
        "to",
        "8.00)",
        "4.00",
    ]


def test_a_load_generator_at_its_limit_or_stopped_is_told_of() -> None:
    busy, stopped, fine = {OWN: 95.0}, {STOOD_STILL: 9000.0}, {OWN: 50.0, STOOD_STILL: 20.0}
    told = remarks(
        [Measured(name, Outcome(figures)) for name, figures in (("a", busy), ("b", stopped), ("c", fine))]
    )
    assert [remark.split(":")[:2] for remark in told] == [["WARNING", " a"], ["WARNING", " b"]]


async def test_a_stall_of_the_load_generator_is_noticed() -> None:
    meter = Meter(Ledger(), list)
    time.sleep(0.3)
    assert meter.figures()[STOOD_STILL] > 200


def test_a_body_is_as_long_as_it_was_asked_for() -> None:
    ledger = Ledger()
    for size in (20, 80, 2000):
        assert size - 1 <= len(ledger.body(123, size)) <= size
    assert ledger.mark.fullmatch(ledger.body(123, 1).encode())
    assert not ledger.mark.search(Ledger().body(123, 80).encode())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be quiet here is so soon."""
    monkeypatch.setattr(crowd, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(life, "AWAY", (0.01, 0.1))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site as the benchmark has one, which runs."""
    site = Site(tmp_path_factory.mktemp("bench"), "uvicorn", "sqlite", 1, frozenset())
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
    assert 0 == again["css/base.css"] < first["css/base.css"] < plain["css/base.css"]
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


def history(folder: Path) -> str:
    """The path of a file in which ann says most, and everybody a few letters."""
    file = folder / "history.jsonl"
    start = datetime(2020, 6, 2, tzinfo=UTC)
    with file.open("w") as lines:
        for n in range(200):
            at = f"{start + n * timedelta(seconds=1 + n % 9):%FT%TZ}"
            print(
                json.dumps({"at": at, "author": "ann" if n % 4 else f"bob{n}", "body": "x" * 5}), file=lines
            )
    return str(file)


def test_how_people_talk(tmp_path: Path) -> None:
    chance = Random(1)
    for shape, mean_length in ((Shape(), 63), (read(Path(history(tmp_path))), 5)):
        lengths = [shape.length(chance) for _ in range(5000)]
        assert fmean(lengths) == pytest.approx(mean_length, rel=0.1)
        assert fmean(shape.gap(chance, 2.0) for _ in range(20_000)) == pytest.approx(2.0, rel=0.1)
        who = Counter(shape.who(chance, 50) for _ in range(5000))
        assert who.most_common(1)[0][0] == 0
        assert who.keys() <= set(range(50))
    assert shape.shares[1] == 0.75
    (tmp_path / "none").write_text('{"at": "2020-06-02T00:00:00Z"}\n')
    with pytest.raises(ValueError, match="a line without 'body'"):
        read(tmp_path / "none")
    (tmp_path / "none").write_text("")
    with pytest.raises(ValueError, match="too short"):
        read(tmp_path / "none")


def test_what_rises_is_told_from_what_is_flat() -> None:
    chance = Random(1)
    noise = [(n / 10, 100 + chance.gauss(0, 20)) for n in range(200)]
    assert drift(noise).is_flat
    assert drift([(at, value + at) for at, value in noise]).is_flat is False
    rising = drift([(float(n), 100.0 + n) for n in range(100)])
    assert (round(rising.first), round(rising.last)) == (120, 199)
    assert str(rising) == "120.0 to 199.0 (+65.8 %): NOT flat"
    assert drift([(float(n), 100 + n / 100) for n in range(100)]).is_flat
    assert drift([]).is_flat


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
    assert len(ElementTree.fromstring(picture(measured)).findall(".//{*}polyline")) == 4
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


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("one-room --url http://192.0.2.1", "not on this machine"),
        ("one-room --server daphne --processes 2", "daphne is one process"),
        ("one-room --url http://127.0.0.1 --beside limit.py", "--url is alone"),
        ("one-room --url http://127.0.0.1", "--url takes --pid"),
        ("one-room --tabs 0", "nothing to measure"),
        ("mixed --people 3 --rooms 4", "more rooms than tabs"),
    ],
)
def test_what_makes_no_sense(arguments: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(arguments.split())
    assert why in capsys.readouterr().err


async def test_a_yardstick_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown.py is none of"):
        Yardstick(tmp_path / "unknown.py", tmp_path, frozenset())
    with pytest.raises(ValueError, match="is not there"):
        Yardstick(tmp_path / "limit.py", tmp_path, frozenset())
    (tmp_path / "limit.py").touch()
    with pytest.raises(ValueError, match="has no rooms"):
        await Yardstick(tmp_path / "limit.py", tmp_path, frozenset()).prepare(4, 4, 2)
