"""`manage.py load_history`, and the files it reads."""

import gzip
import io
import json
import lzma
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from pytest_django import DjangoAssertNumQueries

from rooms import changes, statements
from rooms.history_file import LONGEST_LINE, HistoryFile, Line, parsed
from rooms.hub import Hub
from rooms.management.commands import load_history
from rooms.markup import render
from rooms.models import Membership, Message, Person, Room, Tally
from tests import shell
from tests.page import Page
from tests.shell import wait_until
from tests.waiting import until

START = datetime(2020, 6, 2, 12, tzinfo=UTC)


def line(body: Any, author: Any = "ann", at: Any = "2020-06-02T12:00:00Z") -> str:
    return json.dumps({"at": at, "author": author, "body": body})


def conversation(count: int) -> str:
    """So many lines, a second apart, by four authors; every fifth is there twice."""
    said = (
        line(
            f"message {n - (n % 5 == 0)}",
            "abcd"[n % 3],
            f"{START + timedelta(seconds=n - (n % 5 == 0)):%FT%TZ}",
        )
        for n in range(1, count + 1)
    )
    return "".join(f"{text}\n" for text in said)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """write("…"): the path of a file that holds it."""

    def make(content: str | bytes, name: str = "history.jsonl") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return make


def read(content: bytes) -> tuple[list[Line], HistoryFile]:
    history = HistoryFile(io.BufferedReader(io.BytesIO(content)))
    return list(history), history


class TestFile:
    @pytest.mark.parametrize(
        ("at", "meant"),
        [
            ("2020-06-02T00:21:32Z", datetime(2020, 6, 2, 0, 21, 32, tzinfo=UTC)),
            ("2020-06-02T00:21:32", datetime(2020, 6, 2, 0, 21, 32, tzinfo=UTC)),
            ("2020-06-02 00:21:32.5", datetime(2020, 6, 2, 0, 21, 32, 500_000, tzinfo=UTC)),
            ("2020-06-02T00:21:32+02:00", datetime(2020, 6, 1, 22, 21, 32, tzinfo=UTC)),
            ("20200602T002132Z", datetime(2020, 6, 2, 0, 21, 32, tzinfo=UTC)),
            ("2020-06-02", datetime(2020, 6, 2, tzinfo=UTC)),
        ],
    )
    def test_times(self, at: str, meant: datetime) -> None:
        assert parsed(line("x", at=at).encode()) == (meant, "ann", "x")
        assert parsed(line("x", at=at).encode())[0].tzinfo is UTC

    @pytest.mark.parametrize(
        ("author", "name"),
        [
            ("ann", "ann"),
            (" Ann  Lee ", "Ann Lee"),
            ("Zoe\u0301", "Zoé"),
            ("haze!~haze@cpe-68-174-134-17.nyc.res.rr.com", "haze"),
            ("kprotty[m]!~kprotty@2001:470:69fc:105::834", "kprotty[m]"),
            ("ann@example.org", "ann@example.org"),
            ("wow! me@home", "wow! me@home"),
            ("Doe, John", "Doe John"),
            ("ann，bob", "ann bob"),
        ],
    )
    def test_authors(self, author: str, name: str) -> None:
        assert parsed(line("x", author=author).encode())[1] == name

    @pytest.mark.parametrize(
        ("body", "kept"),
        [
            ("  indented\n", "  indented\n"),
            (" ", " "),
            ("one\r\ntwo", "one\ntwo"),
            ("a\0b", "ab"),
            ("x" * 50_000, "x" * 50_000),
            ("🎉 <b>", "🎉 <b>"),
        ],
    )
    def test_bodies_are_kept_whole(self, body: str, kept: str) -> None:
        assert parsed(line(body).encode())[2] == kept

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (b"nonsense", "not JSON"),
            (b'{"at": "2020-06-02T00:21:32Z", "author": "a", "bo', "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"1" * 5000, "not JSON"),
            (b"\xff" + line("x").encode(), "not UTF-8"),
            (b"[1]", "not a JSON object"),
            (b"null", "not a JSON object"),
            (b"{}", "not all there as text"),
            (line(None).encode(), "not all there as text"),
            (line("x", author=5).encode(), "not all there as text"),
            (line("x", at=1591057292).encode(), "not all there as text"),
            (line("").encode(), "nothing in the body"),
            (line("\0").encode(), "nothing in the body"),
            (line("half \ud83d").encode(), "half a character"),
            (line("x", at="yesterday").encode(), "a time"),
            (line("x", at="").encode(), "a time"),
            (line("x", at="2020-02-30T00:00:00Z").encode(), "a time"),
            (line("x", at="0001-01-01T00:00:00+23:00").encode(), "a time"),
            (line("x", at="9999-12-31T23:59:59Z").encode(), "a time"),
            (line("x", author="").encode(), "an author"),
            (line("x", author="a" * 41).encode(), "an author's name of more than 40"),
            (line("x", author="a\0b").encode(), "an author"),
            (line("x", author=", ,").encode(), "an author"),
            (line("x", author="\ud83d").encode(), "an author"),
            (line("x" * LONGEST_LINE).encode(), "bytes long"),
        ],
    )
    def test_lines_that_make_no_sense(self, text: bytes, why: str) -> None:
        lines, history = read(line("before").encode() + b"\n" + text + b"\n" + line("after").encode())
        assert [said.body for said in lines] == ["before", "after"]
        (reason,) = history.refused
        assert why in reason
        assert history.refused[reason].numbers == [2]

    def test_blank_lines_and_a_byte_order_mark_are_nothing(self) -> None:
        lines, history = read(b"\xef\xbb\xbf" + line("one").encode() + b"\r\n\r\n  \n" + line("two").encode())
        assert [said.body for said in lines] == ["one", "two"]
        assert not history.refused

    def test_only_the_first_numbers_are_kept(self) -> None:
        _, history = read(b"nonsense\n" * 1000)
        assert history.refused["not JSON"].count == 1000
        assert history.refused["not JSON"].numbers == [1, 2, 3, 4, 5]

    def test_keys_tell_equal_lines_apart_and_are_the_same_again(self) -> None:
        content = "\n".join(
            [line("one"), line("two"), line("one"), line("one", at="2020-06-02T14:00:00+02:00")]
        )
        keys = [said.key for said in read(content.encode())[0]]
        assert len(set(keys)) == 4  # the last is at the time of the first
        assert keys == [said.key for said in read(content.encode())[0]]
        assert all(len(key) <= 64 for key in keys)
        alone = read(line("one").encode())[0]
        assert alone[0].key == keys[0]  # whatever else is in the file

    @pytest.mark.parametrize("compress", [gzip.compress, lzma.compress])
    def test_compressed_and_damaged(self, compress: Callable[[bytes], bytes]) -> None:
        content = conversation(3000).encode()
        lines, history = read(compress(content))
        assert len(lines) == 3000
        assert not history.damage
        lines, history = read(compress(content)[:-2000])
        assert len(lines) < 3000
        assert "after line" in history.damage
        damaged = bytearray(compress(content))
        damaged[len(damaged) // 2] ^= 255
        assert read(bytes(damaged))[1].damage


@pytest.mark.django_db(transaction=True)
class TestCommand:
    def test_times_authors_and_what_follows_what(self, write: Callable[..., str]) -> None:
        path = write(
            "\n".join([line("a.com", "ann"), line("&", "ann", "2020-06-02T12:01Z"), line("3", "bob")])
        )
        call_command("load_history", "The Archive", path)
        room = Room.objects.get()
        messages = list(Message.objects.select_related("author").order_by("seq"))
        assert [(m.seq, m.version, m.author.username, m.body) for m in messages] == [
            (1, 1, "ann", "a.com"),
            (2, 2, "ann", "&"),
            (3, 3, "bob", "3"),
        ]
        assert [m.at for m in messages] == [START, START + timedelta(minutes=1), START]
        assert [m.previous_at for m in messages] == [None, messages[0].at, messages[1].at]
        assert [m.follows_author for m in messages] == [False, True, False]
        assert [m.html for m in messages] == [render(m.body).html for m in messages]
        assert (room.name, room.slug, room.clock, room.last_at) == ("The Archive", "the-archive", 3, START)
        assert room.last_author == messages[2].author
        assert Person.objects.filter(is_guest=True).count() == 2
        assert Membership.objects.filter(room=room).count() == 2

    def test_goes_on_where_the_room_is(
        self, room: Callable[..., Room], person: Callable[..., Person], write: Callable[..., str]
    ) -> None:
        lounge, ann = room("Lounge"), person("ann")
        changes.post(lounge, ann, "live")
        call_command("load_history", "LOUNGE", write(line("from a file", "ann")))
        message = Message.objects.get(seq=2)
        assert message.author == ann
        assert message.follows_author
        assert changes.post(lounge, ann, "live again").seq == 3

    def test_again_brings_nothing(
        self, write: Callable[..., str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = write(conversation(2000))
        call_command("load_history", "lounge", path)
        before = list(Message.objects.order_by("seq").values())
        assert len(before) == 2000
        call_command("load_history", "lounge", path)
        assert list(Message.objects.order_by("seq").values()) == before
        output = capsys.readouterr()
        assert "lounge: 0 messages brought in, 2,000 were there, 0 lines left out." in output.out
        assert output.err == ""  # no progress bar where there is no terminal

    def test_a_longer_file_brings_the_rest(self, write: Callable[..., str]) -> None:
        call_command("load_history", "lounge", write(conversation(1500)))
        call_command("load_history", "lounge", write(conversation(2000)))
        bodies = list(Message.objects.order_by("seq").values_list("body", flat=True))
        assert bodies == [json.loads(text)["body"] for text in conversation(2000).splitlines()]

    @pytest.mark.parametrize("name", ["history.gz", "history.xz", "history.jsonl", "history"])
    @pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, bytes])
    def test_compressed_whatever_the_name(
        self, name: str, compress: Callable[[bytes], bytes], write: Callable[..., str]
    ) -> None:
        call_command("load_history", "lounge", write(compress(conversation(10).encode()), name))
        assert Message.objects.count() == 10

    def test_from_standard_input(self, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
        with open(write(gzip.compress(conversation(10).encode()))) as file:
            monkeypatch.setattr(sys, "stdin", file)
            call_command("load_history", "lounge", "-")
        assert Message.objects.count() == 10
        assert shell.run("load_history", "lounge", "-", given=conversation(12))[0] == 0
        assert Message.objects.count() == 12

    def test_says_what_was_left_out(
        self, write: Callable[..., str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = write("nonsense\n" + line("one") + "\n" + "nonsense\n" * 9 + line("") + "\n" + line("two"))
        call_command("load_history", "lounge", path)
        output = capsys.readouterr()
        assert "2 messages brought in, 0 were there, 11 lines left out" in output.out
        assert output.err.splitlines() == [
            "left out, not JSON: 10 (line 1, 3, 4, 5, 6 …)",
            "left out, nothing in the body: 1 (line 12)",
        ]

    def test_a_damaged_file_gives_what_it_can(self, write: Callable[..., str]) -> None:
        with pytest.raises(CommandError, match="damaged after line"):
            call_command("load_history", "lounge", write(gzip.compress(conversation(3000).encode())[:-2000]))
        assert 0 < Message.objects.count() < 3000

    @pytest.mark.parametrize("path", ["/nowhere/history.jsonl", "/"])
    def test_a_file_that_is_none(self, path: str) -> None:
        with pytest.raises(CommandError, match=path):
            call_command("load_history", "lounge", path)
        assert not Room.objects.exists()

    def test_a_room_that_can_be_none(self, write: Callable[..., str]) -> None:
        for name in ["", "a\x1bb", "r" * 61]:
            with pytest.raises(CommandError):
                call_command("load_history", name, write(line("x")))
        assert not Message.objects.exists()

    def test_authors_who_look_alike_are_different_people(
        self, person: Callable[..., Person], write: Callable[..., str]
    ) -> None:
        ann = person("ann")
        names = ["Ann", "ann", "ANN", "аnn", "bob", "Bob", "\ufdfa" * 20]
        call_command("load_history", "lounge", write("\n".join(line("x", name) for name in names)))
        by = [message.author for message in Message.objects.order_by("seq")]
        assert [author.username for author in by] == names
        assert by[1] == ann
        assert Person.objects.count() == len(names)

    def test_a_batch_is_whole_or_not_there(
        self, write: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(load_history, "BATCH", 10)
        keep_last = statements.keep_last

        def fail_at_the_third(room: Room) -> None:
            if Message.objects.count() == 30:
                raise DatabaseError("the disk is full")
            keep_last(room)

        monkeypatch.setattr(statements, "keep_last", fail_at_the_third)
        with pytest.raises(CommandError, match="run again.*the disk is full"):
            call_command("load_history", "lounge", write(conversation(45)))
        assert Message.objects.count() == Room.objects.get().clock == 20

    def test_a_room_deleted_meanwhile(self, room: Callable[..., Room]) -> None:
        lounge = room()
        Room.objects.all().delete()
        with pytest.raises(Room.DoesNotExist):
            changes.load(lounge, [Line(START, "ann", "x", "key")])

    @pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
    def test_interrupted_and_run_again(self, end: signal.Signals, write: Callable[..., str]) -> None:
        path = write(conversation(20_000))
        with shell.start("load_history", "lounge", path) as process:
            wait_until(Message.objects.exists)
            process.send_signal(end)
            code = process.wait(shell.SECONDS)
            assert process.stderr is not None
            errors = process.stderr.read()
        there = Message.objects.count()
        assert 0 < there < 20_000
        assert there % load_history.BATCH == 0
        if end == signal.SIGINT:
            assert code == 130, errors
            assert errors == "CommandError: Stopped; run it again to go on.\n"
        assert shell.run("load_history", "lounge", path)[0] == 0
        assert_holds(conversation(20_000))

    def test_from_two_processes_at_once(self, write: Callable[..., str]) -> None:
        path = write(conversation(5000))
        with (
            shell.start("load_history", "lounge", path) as one,
            shell.start("load_history", "lounge", path) as two,
        ):
            assert one.wait(shell.SECONDS) == two.wait(shell.SECONDS) == 0
        assert_holds(conversation(5000))
        assert Person.objects.count() == 3


def assert_holds(content: str) -> None:
    """The one room holds these lines: all, each once, in their order, without a hole."""
    messages = Message.objects.select_related("author").order_by("seq")
    assert [(m.seq, m.version, m.author.username, m.body) for m in messages] == [
        (n, n, said["author"], said["body"])
        for n, said in enumerate(map(json.loads, content.splitlines()), start=1)
    ]
    assert Room.objects.get().clock == len(messages)


@pytest.mark.django_db
def test_what_was_there_is_passed_over_wherever_it_stands(room: Callable[..., Room]) -> None:
    lounge = room()
    lines = [Line(START + timedelta(seconds=n), "ann", f"message {n}", f"key {n}") for n in range(9)]
    assert changes.load(lounge, lines[4:5]) == 1
    assert changes.load(lounge, lines[:6]) == 5
    assert changes.load(lounge, [lines[2], *lines[6:]]) == 3
    assert changes.load(lounge, []) == changes.load(lounge, lines) == 0
    said = Message.objects.order_by("seq").values_list("seq", "body")
    assert list(said) == [(n, f"message {m}") for n, m in enumerate([4, 0, 1, 2, 3, 5, 6, 7, 8], start=1)]
    lounge.refresh_from_db()
    assert lounge.clock == lounge.last_seq == 9
    tallies = Tally.objects.filter(room=lounge).values_list("count", flat=True)
    assert sum(tallies) == 9


@pytest.mark.django_db
def test_no_query_for_each_line_or_author(
    room: Callable[..., Room], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lounge = room()
    lines = [Line(START, f"author {n}", "x", f"key {n}") for n in range(300)]
    with django_assert_max_num_queries(40):  # many rows are inserted a hundred at a time
        assert changes.load(lounge, lines) == 300
    with django_assert_max_num_queries(6):
        assert changes.load(lounge, lines) == 0


@pytest.mark.django_db(transaction=True)
async def test_an_open_tab_is_shown_the_newest_page() -> None:
    lounge = await database_sync_to_async(Room.named)("Lounge")
    tab = Page()
    assert (await Hub.here().join(lounge.pk, tab)).admit(tab)
    lines = read(conversation(900).encode())[0]
    await database_sync_to_async(changes.load)(lounge, lines)
    await until(lambda: "message 899" in tab.texts)
    assert "message 800" not in tab.texts
    await Hub.here().close()
