"""What the figures of `python -m bench` rest on, and what it refuses to do."""

import time
from argparse import ArgumentTypeError
from collections import Counter
from pathlib import Path
from random import Random
from statistics import fmean
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.fit import drift
from bench.ledger import Ledger
from bench.meter import OWN, STOOD_STILL, Meter, percentile
from bench.options import loopback, parsed
from bench.report import Measured, columns, remarks, table
from bench.scenes.scene import Outcome
from bench.shape import Shape, read
from bench.yardsticks import Yardstick
from tests.talk import history


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


async def test_a_meter_that_is_done_is_let_go() -> None:
    meter = Meter(Ledger(), list)
    meter.figures()
    is_there = ref(meter)  # as a timer of its own would hold it
    del meter
    assert is_there() is None


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
    assert str(rising) == "120.0 to 199.0 (+65.8 %): RISES"
    falling = drift([(float(n), 200.0 - n) for n in range(100)])
    assert str(falling) == "180.0 to 101.0 (-43.9 %): falls"
    assert drift([(float(n), 100 + n / 100) for n in range(100)]).is_flat
    assert drift([]).is_flat


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
