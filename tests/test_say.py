"""`manage.py say`."""

import io
import logging
import signal
import sys
from collections.abc import Callable
from functools import partial

import pytest
import redis
from django.core.management import CommandError, call_command

from rooms.management.shell import trouble_once
from rooms.models import Membership, Message, Person, Room
from tests import shell
from tests.shell import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

NO_REDIS = {"REDIS_URL": "redis://127.0.0.1:1"}


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """stdin(b"…"): what standard input holds."""

    def give(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def has_said(count: int) -> bool:
    return Message.objects.count() == count


def said() -> list[str]:
    return list(Message.objects.order_by("seq").values_list("body", flat=True))


def test_speaks_as_a_guest_who_joins(room: Callable[..., Room]) -> None:
    lounge = room("Lounge")
    call_command("say", "lounge", "Good morning.", name="ann")
    message = Message.objects.get()
    assert (message.room, message.body, message.seq) == (lounge, "Good morning.", 1)
    assert message.author.username == "ann"
    assert message.author.is_guest
    assert Membership.objects.filter(room=lounge, person=message.author).exists()


def test_speaks_as_the_person_of_that_name(room: Callable[..., Room], person: Callable[..., Person]) -> None:
    room()
    ann = person("ann")
    call_command("say", "lounge", "one", name="ann")
    call_command("say", "lounge", "two", name="ann")
    assert {message.author for message in Message.objects.all()} == {ann}


@pytest.mark.parametrize("name", ["Ann", "аnn", "ANN"])
def test_does_not_speak_in_a_name_like_another(
    name: str, room: Callable[..., Room], person: Callable[..., Person]
) -> None:
    room()
    person("ann")
    with pytest.raises(CommandError, match="taken for “ann”"):
        call_command("say", "lounge", "hello", name=name)
    assert said() == []


@pytest.mark.parametrize("name", ["", " ", "a\x1bb", "a" * 41, "\udcff", "ann, bob"])
def test_a_name_that_is_none(name: str, room: Callable[..., Room]) -> None:
    room()
    with pytest.raises(CommandError):
        call_command("say", "lounge", "hello", name=name)
    assert not Person.objects.exists()


@pytest.mark.parametrize("named", ["the-lounge", "The Lounge", "THE LOUNGE", " The  Lounge "])
def test_finds_a_room_by_slug_and_by_name(named: str, room: Callable[..., Room]) -> None:
    room("The Lounge")
    call_command("say", named, "hello", name="ann")
    assert said() == ["hello"]


def test_a_missing_room_is_not_made_by_mistake(room: Callable[..., Room]) -> None:
    room("Lounge")
    room("Kitchen")
    with pytest.raises(CommandError, match=r"no room “lonuge”. Did you mean lounge\? Add --create"):
        call_command("say", "lonuge", "hello", name="ann")
    with pytest.raises(CommandError, match="no room “xyz”. Add --create"):
        call_command("say", "xyz", "hello", name="ann")
    with pytest.raises(CommandError):
        call_command("say", "\udcff", "hello", name="ann")
    assert Room.objects.count() == 2
    assert not Person.objects.exists()


def test_makes_the_room_when_it_is_told_to() -> None:
    call_command("say", "Lounge", "one", name="ann", create=True)
    call_command("say", "lounge", "two", name="ann", create=True)
    assert Room.objects.get().clock == 2


@pytest.mark.parametrize("text", ["", " \n", "x" * 4001, "half \ud83d"])
def test_what_is_no_message_is_not_said(text: str, room: Callable[..., Room]) -> None:
    room()
    with pytest.raises(CommandError):
        call_command("say", "lounge", text, name="ann")
    assert said() == []


def test_says_each_line(room: Callable[..., Room], stdin: Callable[[bytes], None]) -> None:
    room()
    stdin("one\n\n \t\r\ntwo\r\nthrée".encode())
    call_command("say", "lounge", name="ann")
    assert said() == ["one", "two", "thrée"]


LINES = b"one\n\n" + b"x" * 4001 + b"\nhalf \xff\n" + b"x" * 3_000_000 + b"\ntwo\n"


def test_stops_at_a_line_that_cannot_be_said(
    room: Callable[..., Room], stdin: Callable[[bytes], None]
) -> None:
    room()
    stdin(LINES)
    with pytest.raises(CommandError, match=r"Line 3: It is 4,001 characters long"):
        call_command("say", "lounge", name="ann")
    assert said() == ["one"]


def test_goes_on_when_it_is_told_to(
    room: Callable[..., Room], stdin: Callable[[bytes], None], capsys: pytest.CaptureFixture[str]
) -> None:
    room()
    stdin(LINES)
    with pytest.raises(CommandError, match="3 of 6 lines were not said"):
        call_command("say", "lounge", name="ann", keep_going=True)
    assert said() == ["one", "two"]
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == [
        "Line 3",
        "Line 4",
        "Line 5",
    ]


def test_says_a_line_when_it_arrives(room: Callable[..., Room]) -> None:
    room()
    with shell.start("say", "lounge", "--as", "ann") as process:
        assert process.stdin is not None
        for count in [1, 2]:
            process.stdin.write("hello\n")
            process.stdin.flush()
            wait_until(partial(has_said, count))
        process.stdin.close()
        assert process.wait(shell.SECONDS) == 0


def test_keeps_its_connection_to_redis(room: Callable[..., Room], redis_server: object) -> None:
    room()
    path = shell.redis_url().removeprefix("unix://")
    with redis.Redis(unix_socket_path=path) as client:
        before = client.info("stats")["total_connections_received"]
        assert shell.run("say", "lounge", "--as", "ann", given="hello\n" * 50)[0] == 0
        assert client.info("stats")["total_connections_received"] - before <= 3
    assert len(said()) == 50


def test_without_redis_it_is_said_with_one_warning(room: Callable[..., Room]) -> None:
    room()
    code, _, errors = shell.run("say", "lounge", "--as", "ann", given="one\ntwo\nthree\n", env=NO_REDIS)
    assert code == 0
    assert said() == ["one", "two", "three"]
    assert len(errors.splitlines()) == 1
    assert "not published to" in errors


def test_ctrl_c_ends_it_without_a_traceback(room: Callable[..., Room]) -> None:
    room()
    with shell.start("say", "lounge", "--as", "ann") as process:
        assert process.stdin is not None
        process.stdin.write("one\n")
        process.stdin.flush()
        wait_until(lambda: said() == ["one"])
        process.send_signal(signal.SIGINT)
        assert process.wait(shell.SECONDS) == 130
        assert process.stderr is not None
        assert process.stderr.read() == "CommandError: Stopped.\n"


def test_a_database_without_tables_is_no_traceback(tmp_path: object) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path}/empty.sqlite3"}
    code, _, errors = shell.run("say", "lounge", "hello", "--as", "ann", env=env)
    assert code == 1
    assert errors.startswith("CommandError: The database says: no such table")
    assert "migrate" in errors


def test_trouble_that_lasts_is_told_once() -> None:
    handler = logging.StreamHandler(stream := io.StringIO())
    logging.getLogger().addHandler(handler)
    try:
        with trouble_once():
            for _ in range(3):
                try:
                    raise ValueError("the reason\nand more")
                except ValueError:
                    logging.getLogger("rooms.hub").exception("trouble")
                logging.getLogger("other").warning("more trouble")
    finally:
        logging.getLogger().removeHandler(handler)
    assert stream.getvalue() == "trouble: the reason\nmore trouble\n"
