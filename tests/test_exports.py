"""Rooms as files: who gets one, what is in it, and what becomes of it."""

import io
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zipfile import ZipFile

import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rooms import changes, ending, export_file, exports, joining, moderation
from rooms.accounts import closing
from rooms.ending import Ended
from rooms.models import Ban, Export, Kind, Membership, Message, Person, Role, Room
from rooms.work import take_up
from tests.hostile import MARKUP as TEXTS
from tests.html import find, find_all
from tests.tasks import work
from tests.test_promises import objections

START = datetime(2020, 6, 2, 23, 30, tzinfo=UTC)
State = Export.State


@pytest.fixture(autouse=True)
def exports_dir(tmp_path: Path, settings: Settings) -> Path:
    settings.EXPORTS_DIR = tmp_path / "exports"
    return settings.EXPORTS_DIR


@pytest.fixture
def ann(db: None, lounge: Room) -> Person:
    """Who has an account, and is in the lounge."""
    ann = Person.objects.create_user("ann", time_zone="Europe/Berlin")
    Membership.join(lounge.pk, ann.pk)
    return ann


@pytest.fixture
def browser(client: Client, ann: Person) -> Client:
    client.force_login(ann)
    return client


def say(room: Room, author: Person, *bodies: str, start: datetime = START) -> list[Message]:
    return [
        changes.post(room, author, body, at=start + timedelta(minutes=10 * n))
        for n, body in enumerate(bodies)
    ]


def exported(browser: Client, room: Room) -> ZipFile:
    """The room as a file, by the way of a browser."""
    assert browser.post(f"/rooms/{room.slug}/export/").status_code == 302
    work()
    link = find_all(browser.get("/exports/").content, "a", class_="button")[0]
    answer = browser.get(link["href"])
    assert answer.status_code == 200
    return ZipFile(io.BytesIO(content(answer)))


def content(answer: Any) -> bytes:
    """All of an answer that is sent bit by bit."""

    async def collected() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(collected)()


def bodies(zipped: ZipFile) -> list[str]:
    return [json.loads(line)["body"] for line in zipped.read("messages.jsonl").decode().splitlines()]


class TestFile:
    def test_holds_pages_and_lines(self, browser: Client, lounge: Room, ann: Person) -> None:
        changes.configure(lounge, topic="Tea & <b>cake</b>")
        say(lounge, ann, "Good evening.", "And good night,\nall.")
        zipped = exported(browser, lounge)
        assert zipped.testzip() is None
        assert set(zipped.namelist()) == {"index.html", "pages/0001.html", "messages.jsonl", "style.css"}
        index = zipped.read("index.html").decode()
        assert find(index, "h1").text == "Lounge"
        assert "Tea &amp; &lt;b&gt;cake&lt;/b&gt;" in index
        page = zipped.read("pages/0001.html")
        assert [text.text for text in find_all(page, class_="text")] == [
            "Good evening.",
            "And good night,\nall.",
        ]

    def test_times_are_those_of_who_asked(self, browser: Client, lounge: Room, ann: Person) -> None:
        say(lounge, ann, "x")
        page = exported(browser, lounge).read("pages/0001.html")
        assert [(time["datetime"], time.text) for time in find_all(page, "time")] == [
            ("2020-06-03", "Wednesday, 3 June 2020"),
            ("2020-06-03T01:30:00+02:00", "01:30"),
        ]

    def test_pages_lead_to_each_other(
        self, browser: Client, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(export_file, "PAGE", 2)
        say(lounge, ann, *"abcde")
        zipped = exported(browser, lounge)
        path, seen, names = "index.html", [], set(zipped.namelist())
        assert [a["href"] for a in find_all(zipped.read(path), "a") if "pages/" in a["href"]] == [
            f"pages/000{n}.html" for n in (1, 2, 3)
        ]
        path = "0001.html"
        while path:
            page = zipped.read(f"pages/{path}")
            seen += [text.text for text in find_all(page, class_="text")]
            assert len(find_all(page, "p", class_="day")) == 1  # each page says which day it is
            assert "style.css" in names and find(page, "link", rel="stylesheet")["href"] == "../style.css"
            path = "".join(a["href"] for a in find_all(page, "a", rel="next")[:1])
        assert seen == list("abcde")
        assert bodies(zipped) == seen

    def test_what_was_deleted_leaves_a_gap(self, browser: Client, lounge: Room, ann: Person) -> None:
        messages = say(lounge, ann, "kept", "taken back", "kept too")
        changes.delete(messages[1], ann)
        zipped = exported(browser, lounge)
        page = zipped.read("pages/0001.html").decode()
        assert [text.text for text in find_all(page, class_="text")][1] == "This message was deleted."
        assert bodies(zipped) == ["kept", "kept too"]
        assert "taken back" not in page

    def test_an_empty_room(self, browser: Client, lounge: Room) -> None:
        zipped = exported(browser, lounge)
        assert "Nothing was said." in zipped.read("index.html").decode()
        assert bodies(zipped) == []

    def test_hostile_texts_do_nothing(self, browser: Client, lounge: Room, ann: Person) -> None:
        say(lounge, ann, *TEXTS)
        changes.configure(lounge, topic=TEXTS[0][:200], description=TEXTS[-1][:200])
        zipped = exported(browser, lounge)
        for name in zipped.namelist():
            if name.endswith(".html"):
                assert objections(zipped.read(name)) == []
                assert "default-src 'none'" in zipped.read(name).decode()
        assert bodies(zipped) == [message.body for message in Message.objects.order_by("seq")]

    def test_fetches_nothing(self) -> None:
        assert "url(" not in export_file.style()
        assert ".message" in export_file.style()

    @pytest.mark.parametrize("name", ["../../etc/passwd", 'a"b\\c;d', "日本 語", "<b>", "con", "a/b"])
    def test_names_are_harmless(self, browser: Client, lounge: Room, ann: Person, name: str) -> None:
        say(lounge, ann, "x")
        changes.configure(lounge, name=name)
        lounge.refresh_from_db()
        zipped = exported(browser, lounge)
        assert set(zipped.namelist()) == {"index.html", "pages/0001.html", "messages.jsonl", "style.css"}
        answer = browser.get(f"/exports/{Export.objects.get().token}/")
        disposition = answer.headers["Content-Disposition"]
        assert disposition.startswith("attachment; filename")
        assert not set("/\\<>\n") & set(disposition)

    def test_holds_nothing_of_other_rooms(
        self, browser: Client, lounge: Room, ann: Person, room: Callable[..., Room]
    ) -> None:
        say(room("Kitchen"), ann, "said elsewhere")
        say(lounge, ann, "said here")
        zipped = exported(browser, lounge)
        assert bodies(zipped) == ["said here"]
        assert all(b"elsewhere" not in zipped.read(name) for name in zipped.namelist())

    def test_is_read_a_page_at_a_time(
        self,
        lounge: Room,
        ann: Person,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_num_queries: Any,
    ) -> None:
        monkeypatch.setattr(export_file, "PAGE", 3)
        say(lounge, ann, *"abcdefg")
        lounge.refresh_from_db()
        told: list[tuple[int, int]] = []
        with (tmp_path / "x.zip").open("wb") as file, django_assert_num_queries(4):
            export_file.write_export(lounge, "x", "UTC", file, lambda *at: told.append(at))
        assert told == [(0, 7), (3, 7), (6, 7), (7, 7)]

    def test_loads_again_as_the_same_room(
        self, browser: Client, lounge: Room, ann: Person, person: Callable[..., Person], tmp_path: Path
    ) -> None:
        odd = Person.guest("we!rd@name.example")  # as a log would write who was where
        odd.save()
        for n, author in enumerate([ann, odd, person("bob"), ann, ann]):
            at = START + timedelta(seconds=n, microseconds=n)
            changes.post(lounge, author, ["hello\n  there", "hello", "日本 🎉", "twice", "twice"][n], at=at)
        say(lounge, ann, *TEXTS)
        (tmp_path / "messages.jsonl").write_bytes(exported(browser, lounge).read("messages.jsonl"))
        call_command("load_history", "Again", str(tmp_path / "messages.jsonl"), verbosity=0)

        def said(room: Room) -> list[tuple[Any, ...]]:
            fields = ("at", "author__username", "body", "html", "previous_at", "follows_author")
            return list(Message.objects.filter(room=room).order_by("seq").values_list(*fields))

        assert said(Room.objects.get(slug="again")) == said(lounge)


class TestWhoMay:
    def test_guests_may_not(self, client: Client, lounge: Room, person: Callable[..., Person]) -> None:
        bob = person("bob")
        Membership.join(lounge.pk, bob.pk)
        client.force_login(bob)
        assert client.post("/rooms/lounge/export/").status_code == 403
        assert not find_all(
            client.get("/rooms/lounge/about/").content, "form", action="/rooms/lounge/export/"
        )

    def test_a_direct_room_is_for_its_people(
        self, browser: Client, ann: Person, person: Callable[..., Person]
    ) -> None:
        room = joining.direct_room(ann, [person("bob")])
        say(room, ann, "between us")
        zipped = exported(browser, room)
        assert bodies(zipped) == ["between us"]
        assert find(zipped.read("index.html"), "h1").text == "bob"

    def test_nobody_else_gets_the_file(self, browser: Client, lounge: Room, ann: Person) -> None:
        exported(browser, lounge)
        export = Export.objects.get()
        other = Client()
        address = f"/exports/{export.token}/"
        assert other.get(address).status_code == 302
        for name in ("bob", "admin"):
            other.force_login(Person.objects.create_user(name, is_superuser=name == "admin"))
            assert other.get(address).status_code == 404
            assert other.get(f"{address}row/").content == b""
            assert other.post(f"{address}delete/").status_code == 404
            assert not find_all(other.get("/exports/").content, "li", class_="export")
        assert export.path.exists()

    def lose_by_ban(self, room: Room, ann: Person) -> None:
        Ban.objects.create(room=room, person=ann, reason="x")

    def lose_by_removal(self, room: Room, ann: Person) -> None:
        owner = Person.objects.create_user("owner")
        Membership.join(room.pk, owner.pk, role=Role.OWNER)
        moderation.remove(room, ann, owner)

    def lose_by_leaving(self, room: Room, ann: Person) -> None:
        Membership.join(room.pk, Person.objects.create_user("owner").pk, role=Role.OWNER)
        joining.leave(room, ann)

    LOSSES = ["lose_by_ban", "lose_by_removal", "lose_by_leaving"]

    @pytest.fixture
    def cellar(self, ann: Person) -> Room:
        cellar = Room.hidden("Cellar", Kind.PRIVATE)
        Membership.join(cellar.pk, ann.pk)
        say(cellar, ann, "x")
        return cellar

    @pytest.mark.parametrize("loss", LOSSES)
    def test_who_may_not_see_the_room_any_more_gets_none(
        self, browser: Client, ann: Person, cellar: Room, loss: str
    ) -> None:
        exported(browser, cellar)
        export = Export.objects.get()
        getattr(self, loss)(cellar, ann)
        assert browser.get(f"/exports/{export.token}/").status_code == 404
        assert not find_all(browser.get("/exports/").content, "li", class_="export")

    @pytest.mark.parametrize("loss", [*LOSSES, "closed", "banned from the site"])
    def test_nor_is_one_made_for_them(self, ann: Person, cellar: Room, loss: str, exports_dir: Path) -> None:
        def lose() -> None:
            if loss == "closed":
                Person.objects.filter(pk=ann.pk).update(is_active=False)
            elif loss == "banned from the site":
                Person.objects.filter(pk=ann.pk).update(banned_until=timezone.now() + timedelta(days=1))
            else:
                getattr(self, loss)(cellar, ann)

        export = exports.ask(exports.access.find(cellar.slug, ann), "")
        page_after = export_file._page_after

        def lose_in_the_middle(*about: Any) -> list[Message]:
            if about[1]:
                lose()
            return page_after(*about)

        with patch.object(export_file, "_page_after", lose_in_the_middle):
            work()
        export.refresh_from_db()
        assert (export.state, export.why) == (State.FAILED, "You are not in this room any more.")
        assert list(exports_dir.iterdir()) == []

    def test_the_account_that_is_closed_takes_them_along(
        self, browser: Client, lounge: Room, ann: Person
    ) -> None:
        exported(browser, lounge)
        path = Export.objects.get().path
        assert path.exists()
        closing.close(ann)
        assert not Export.objects.exists()
        assert not path.exists()


class TestPage:
    def test_shows_how_far_it_is_and_then_the_link(self, browser: Client, lounge: Room, ann: Person) -> None:
        browser.post("/rooms/lounge/export/")
        export = Export.objects.get()
        waiting = browser.get("/exports/").content
        row = find(waiting, "li", class_="export")
        assert row["hx-get"] == f"/exports/{export.token}/row/" and row["hx-trigger"] == "every 1s"
        assert find(waiting, "meta", **{"http-equiv": "refresh"}).parents[-1].name == "noscript"
        Export.objects.update(state=State.RUNNING, done=30, total=120)
        assert find(browser.get(row["hx-get"]).content, "progress")["value"] == "25"
        work()
        ready = browser.get(row["hx-get"]).content
        assert not find_all(ready, "progress")
        assert "hx-get" not in ready.decode()  # it asks no more
        assert find(ready, "a", class_="button")["href"] == f"/exports/{export.token}/"
        page = browser.get("/exports/").content
        assert not find_all(page, "script") and not find_all(page, "meta", **{"http-equiv": "refresh"})

    def test_the_answer_is_a_file_for_one(self, browser: Client, lounge: Room) -> None:
        zipped = exported(browser, lounge)
        answer = browser.get(f"/exports/{Export.objects.get().token}/")
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
        name = r'attachment; filename="lounge-\d{4}-\d\d-\d\d\.zip"'
        assert re.fullmatch(name, answer["Content-Disposition"])  # the day is the viewer's
        assert len(content(answer)) == int(answer["Content-Length"]) == zipped.fp.seek(0, 2)  # type: ignore[union-attr]
        assert Export.objects.get().path.stat().st_mode & 0o077 == 0

    def test_one_that_is_deleted_is_gone(self, browser: Client, lounge: Room) -> None:
        exported(browser, lounge)
        export = Export.objects.get()
        assert browser.post(f"/exports/{export.token}/delete/").status_code == 302
        assert not Export.objects.exists() and not export.path.exists()
        assert browser.get(f"/exports/{export.token}/").status_code == 404
        assert browser.get(f"/exports/{export.token}/row/").content == b""

    def test_one_that_is_cancelled_is_not_made(
        self, browser: Client, lounge: Room, exports_dir: Path
    ) -> None:
        browser.post("/rooms/lounge/export/")
        browser.post(f"/exports/{Export.objects.get().token}/delete/")
        work()
        assert not Export.objects.exists()
        assert not exports_dir.exists()

    def test_asked_twice_it_is_made_once(self, browser: Client, lounge: Room) -> None:
        assert [browser.post("/rooms/lounge/export/").status_code for _ in range(2)] == [302, 302]
        assert Export.objects.count() == 1

    def test_there_are_not_too_many(
        self, browser: Client, ann: Person, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rooms = [room(f"Room {n}") for n in range(exports.MOST_WAITING + 1)]
        for one in rooms:
            Membership.join(one.pk, ann.pk)
        asked = [browser.post(f"/rooms/{one.slug}/export/").status_code for one in rooms]
        assert asked == [302] * exports.MOST_WAITING + [403]
        work()
        monkeypatch.setattr(exports, "MOST_KEPT", 2)
        first, *_ = Export.objects.order_by("pk")
        exported(browser, rooms[-1])
        assert Export.objects.count() == 2
        assert not first.path.exists()

    @pytest.mark.usefixtures("rate_limits")
    def test_nor_too_often(self, browser: Client, lounge: Room) -> None:
        statuses = []
        for _ in range(13):
            statuses.append(browser.post("/rooms/lounge/export/").status_code)
            Export.objects.all().delete()
        assert statuses == [302] * 12 + [429]


class TestMaking:
    """Whatever happens to who makes it: it is made, or said to have failed."""

    @pytest.fixture
    def export(self, lounge: Room, ann: Person) -> Export:
        say(lounge, ann, *"abc")
        return exports.ask(exports.access.find("lounge", ann), "")

    def test_an_end_puts_it_back(self, export: Export, exports_dir: Path) -> None:
        with patch.object(ending, "check", side_effect=Ended):
            exports.make_export.call(export.pk)
        export.refresh_from_db()
        assert (export.state, export.attempts) == (State.WAITING, 0)
        assert list(exports_dir.iterdir()) == []
        work()
        export.refresh_from_db()
        assert export.state == State.READY

    def test_a_kill_has_it_made_again_and_not_for_ever(self, export: Export, exports_dir: Path) -> None:
        def killed() -> None:
            with patch.object(exports, "_make", side_effect=SystemExit), pytest.raises(SystemExit):
                exports.make_export.call(export.pk)
            (exports_dir / f"{export.token}.part").parent.mkdir(exist_ok=True)
            (exports_dir / f"{export.token}.part").touch()

        for _ in range(exports.MOST_ATTEMPTS):
            killed()
            take_up()
        assert list(exports_dir.iterdir()) == []
        work()
        export.refresh_from_db()
        assert (export.state, export.why) == (State.FAILED, "It could not be made.")

    def test_a_disk_that_is_full(self, export: Export, exports_dir: Path) -> None:
        with patch.object(exports, "write_export", side_effect=OSError(28, "No space left on device")):
            work()
        export.refresh_from_db()
        assert (export.state, export.why) == (State.FAILED, "There was no place to keep it.")
        assert list(exports_dir.iterdir()) == []

    def test_a_mistake_of_ours(self, export: Export) -> None:
        with patch.object(exports, "write_export", side_effect=ZeroDivisionError):
            work()
        export.refresh_from_db()
        assert (export.state, export.why) == (State.FAILED, "It could not be made.")

    def test_a_database_that_fails_for_a_while(self, export: Export) -> None:
        with patch.object(exports, "write_export", side_effect=exports.Error("database is locked")):
            work()
        export.refresh_from_db()
        assert export.state == State.WAITING
        with patch.object(timezone, "now", return_value=timezone.now() + timedelta(minutes=1)):
            work()
        export.refresh_from_db()
        assert export.state == State.READY

    def test_it_goes_after_some_days(self, export: Export, exports_dir: Path) -> None:
        work()
        (exports_dir / "nobodys.zip").touch()
        exports.clean_up()
        assert [file.name for file in exports_dir.iterdir()] == [export.path.name]
        Export.objects.update(ended_at=timezone.now() - timedelta(days=exports.KEPT_DAYS, seconds=1))
        exports.clean_up()
        assert not Export.objects.exists()
        assert list(exports_dir.iterdir()) == []


@pytest.fixture(autouse=True)
def nobody_ends() -> Iterator[None]:
    yield
    assert not ending.asked_to_end.is_set()
