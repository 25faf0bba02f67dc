"""`manage.py bench_pages`."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rooms.models import Message
from tests import shell

pytestmark = pytest.mark.django_db(transaction=True)


def history(folder: Path, count: int) -> str:
    """The path of a file with so many messages."""
    start = datetime(2020, 6, 2, tzinfo=UTC)
    file = folder / "history.jsonl"
    with file.open("w") as lines:
        for n in range(count):
            at = f"{start + n * timedelta(minutes=9):%FT%TZ}"
            print(json.dumps({"at": at, "author": "ann", "body": f"line {n}"}), file=lines)
    return str(file)


def test_it_measures_rooms_of_two_sizes_and_leaves_no_trace(tmp_path: Path) -> None:
    file = history(tmp_path, 200)
    code, printed, errors = shell.run("bench_pages", file, "--messages", "200", "450", "--times", "1")
    assert code == 0, errors
    title, _, *rows = printed.splitlines()
    assert "200 messages" in title
    assert "450 messages" in title
    assert [row[:18].strip() for row in rows] == ["live room", "history", "a day", "at a message"]
    assert all(float(figure) > 0 for row in rows for figure in row[18:].split())
    assert not Message.objects.exists()


def test_a_file_that_will_not_do(tmp_path: Path) -> None:
    for file, problem in ((history(tmp_path, 5), "too little"), ("/nowhere", "No such file")):
        code, _, errors = shell.run("bench_pages", file)
        assert code == 1
        assert problem in errors
        assert "Traceback" not in errors
