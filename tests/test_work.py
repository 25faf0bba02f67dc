"""`manage.py work` and `manage.py export`, in processes of their own."""

import json
import signal
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from django_tasks_db.models import DBTaskResult

from rooms import access, changes, export_file, exports
from rooms.bulk import insert_messages
from rooms.models import Export, Membership, Message, Person, Room
from tests import shell
from tests.shell import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 8_000  # messages; a second or two of work


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """start(): a worker on the test's database, which is ended with the test."""
    workers: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        workers.append(shell.start("work", *arguments))
        return workers[-1]

    yield start
    for worker in workers:
        with worker:
            worker.kill()


def fill(room: Room, author: Person, count: int) -> None:
    message = changes.post(room, author, "the first")
    insert_messages(
        [
            Message(
                room=room, author=author, seq=seq, version=seq, at=message.at, body=f"n{seq}", html=f"n{seq}"
            )
            for seq in range(2, count + 1)
        ]
    )
    Room.objects.filter(pk=room.pk).update(clock=count, last_seq=count, latest_seq=count)


@pytest.fixture
def export(lounge: Room) -> Export:
    """One of a long room, that waits to be made."""
    ann = Person.objects.create_user("ann")
    Membership.join(lounge.pk, ann.pk)
    fill(lounge, ann, COUNT)
    return exports.ask(access.find("lounge", ann), "")


def state_of(export: Export) -> str:
    export.refresh_from_db()
    return export.state


def under_way(export: Export) -> bool:
    return state_of(export) == Export.State.RUNNING and export.done > 0


def lines_of(path: Path) -> list[str]:
    with ZipFile(path) as zipped:
        assert zipped.testzip() is None
        return [json.loads(line)["body"] for line in zipped.read("messages.jsonl").splitlines()]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_being_made_is_made_by_the_next(
    start: Callable[..., subprocess.Popen[str]], export: Export, ending: signal.Signals
) -> None:
    worker = start()
    wait_until(lambda: under_way(export))
    worker.send_signal(ending)
    assert worker.wait(60) == (-signal.SIGKILL if ending == signal.SIGKILL else 0)
    assert state_of(export) != Export.State.READY
    assert not export.path.exists()
    next_one = start()
    wait_until(lambda: state_of(export) in (Export.State.READY, Export.State.FAILED))
    assert state_of(export) == Export.State.READY
    assert lines_of(export.path) == ["the first", *(f"n{seq}" for seq in range(2, COUNT + 1))]
    assert [file.name for file in Path(settings.EXPORTS_DIR).iterdir()] == [export.path.name]
    next_one.terminate()
    assert next_one.wait(60) == 0
    assert (worker.stderr and worker.stderr.read(), next_one.stderr and next_one.stderr.read()) == ("", "")
    assert not DBTaskResult.objects.failed().exists()
    export.path.unlink()


def test_one_works_at_a_time_and_the_other_takes_over(
    start: Callable[..., subprocess.Popen[str]], export: Export
) -> None:
    first, second = start(), start()
    wait_until(lambda: under_way(export))
    [working] = DBTaskResult.objects.running()
    assert len(working.worker_ids) == 1
    for worker in (first, second):
        worker.kill()
        worker.wait(60)
        if worker is first:
            wait_until(lambda: state_of(export) == Export.State.READY or second.poll() is not None)
    assert state_of(export) == Export.State.READY
    export.path.unlink()


def test_it_ends_with_whoever_holds_its_input_open(
    start: Callable[..., subprocess.Popen[str]], db: None
) -> None:
    worker = start("--while-open")
    wait_until(lambda: DBTaskResult.objects.exists())  # it has begun
    assert worker.poll() is None
    assert worker.stdin is not None
    worker.stdin.close()
    assert worker.wait(60) == 0


@pytest.mark.any_database
class TestExportCommand:
    def test_writes_the_room(self, lounge: Room, ann: Person, tmp_path: Path) -> None:
        fill(lounge, ann, 1200)
        target = tmp_path / "lounge.zip"
        code, written, errors = shell.run("export", "Lounge", str(target))
        assert (code, errors) == (0, "")
        assert written == f"Lounge: 1,200 messages written to {target}.\n"
        assert len(lines_of(target)) == 1200
        assert list(tmp_path.iterdir()) == [target]

    def test_interrupted_it_leaves_nothing_and_can_be_run_again(
        self, lounge: Room, ann: Person, tmp_path: Path
    ) -> None:
        fill(lounge, ann, COUNT)
        target = tmp_path / "lounge.zip"
        target.write_text("what was there before")
        with shell.start("export", "lounge", str(target)) as process:
            wait_until(lambda: len(list(tmp_path.iterdir())) > 1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "nothing was written" in errors and "Traceback" not in errors
        assert target.read_text() == "what was there before"
        assert list(tmp_path.iterdir()) == [target]

    @pytest.mark.parametrize(("where", "file"), [("nowhere", "x.zip"), ("lounge", "no/such/folder/x.zip")])
    def test_what_cannot_be_is_said(self, lounge: Room, tmp_path: Path, where: str, file: str) -> None:
        code, _, errors = shell.run("export", where, str(tmp_path / file))
        assert code == 1
        assert errors.startswith("CommandError: ") and "Traceback" not in errors


def test_memory_stays_the_same_however_long_the_room_is(
    lounge: Room, ann: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_file, "PAGE", 50)
    fill(lounge, ann, 1000)
    peaks = []
    for last_seq in (100, 200, 1000):  # what is loaded once is loaded the first time
        lounge.last_seq = last_seq
        with (tmp_path / "x.zip").open("wb") as file:
            tracemalloc.start()
            export_file.write_export(lounge, "x", "UTC", file, lambda done, total: None)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1]
