"""How long rooms keep what was said, and what open tabs show of it."""

import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from rooms import changes, fragments, housekeeping, moderation, publishing, retention
from rooms.hub import Hub
from rooms.models import Act, Membership, Message, Person, Report, Role, Room
from rooms.queue import queued
from tests import shell
from tests.html import find, find_all
from tests.page import Page
from tests.tasks import work
from tests.waiting import until

MakePerson = Callable[..., Person]


def say(room: Room, author: Person, *days_ago: float) -> list[Message]:
    """A message for each of these ages, which it says."""
    now = timezone.now()
    return [changes.post(room, author, f"{days:g}", at=now - timedelta(days=days)) for days in days_ago]


def keep(room: Room, days: int | None) -> None:
    Room.objects.filter(pk=room.pk).update(keep_days=days)


def kept(room: Room) -> list[str]:
    return list(Message.objects.filter(room=room).order_by("seq").values_list("body", flat=True))


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "REST_SECONDS", 0)


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)


class TestPurging:
    def test_what_is_older_goes_and_nothing_else(
        self, lounge: Room, ann: Person, room: Callable[..., Room]
    ) -> None:
        say(lounge, ann, 40, 31, 30.1, 29.9, 2)
        kitchen = room("Kitchen")
        say(kitchen, ann, 400)
        keep(lounge, 30)
        assert sum(retention.carry_out()) == 3
        assert (kept(lounge), kept(kitchen)) == (["29.9", "2"], ["400"])
        assert list(retention.carry_out()) == []

    def test_whatever_the_order_they_came_in(self, lounge: Room, ann: Person) -> None:
        say(lounge, ann, 2, 40, 1, 50)
        keep(lounge, 30)
        assert sum(retention.carry_out()) == 2
        assert kept(lounge) == ["2", "1"]

    @pytest.mark.usefixtures("batches_of_two")
    def test_in_small_batches_each_a_tick(self, lounge: Room, ann: Person) -> None:
        say(lounge, ann, 9, 8, 7, 6, 5, 1)
        keep(lounge, 3)
        batches = retention.carry_out()
        assert next(batches) == 2
        assert kept(lounge) == ["7", "6", "5", "1"]  # and it may end here
        lounge.refresh_from_db()
        assert lounge.clock == lounge.purge_version == 7
        assert list(retention.carry_out()) == [2, 1]
        lounge.refresh_from_db()
        assert (lounge.clock, lounge.purge_version, lounge.last_seq) == (9, 9, 6)

    @pytest.mark.usefixtures("batches_of_two")
    def test_an_owner_who_changes_their_mind_is_heard_at_once(self, lounge: Room, ann: Person) -> None:
        say(lounge, ann, 9, 8, 7, 6)
        keep(lounge, 3)
        batches = retention.carry_out()
        next(batches)
        keep(lounge, None)
        assert list(batches) == []
        assert kept(lounge) == ["7", "6"]

    def test_what_is_reported_stays_until_somebody_has_seen_to_it(
        self, lounge: Room, ann: Person, person: MakePerson
    ) -> None:
        bob, keeper = person("bob"), person("keeper")
        Membership.join(lounge.pk, keeper.pk, role=Role.MODERATOR)
        message, _ = say(lounge, ann, 40, 39)
        moderation.report(message, bob, "rude")
        keep(lounge, 30)
        assert sum(retention.carry_out()) == 1
        assert kept(lounge) == ["40"]
        moderation.dismiss(Report.objects.get(), keeper)
        assert sum(retention.carry_out()) == 1
        assert not Report.objects.exists()
        assert Act.objects.filter(what=Act.What.REPORTED).exists()  # the record stays

    def test_the_room_goes_on(self, lounge: Room, ann: Person) -> None:
        say(lounge, ann, 40, 39)
        keep(lounge, 30)
        list(retention.carry_out())
        message = changes.post(lounge, ann, "still here")
        assert message.seq == message.version == 4

    def test_the_worker_does_it_every_hour(self, lounge: Room, ann: Person) -> None:
        say(lounge, ann, 40)
        keep(lounge, 30)
        work()
        assert kept(lounge) == ["40"]
        assert queued(housekeeping.keep_house) == [[]]
        housekeeping.keep_house.enqueue()
        work()
        assert kept(lounge) == []
        assert queued(housekeeping.keep_house) == [[]]  # the next


class TestTabs:
    """A tab comes to show what a fresh page shows."""

    @pytest.fixture
    async def hub(self, transactional_db: None) -> Any:
        hub = Hub.here()
        yield hub
        await hub.close()

    async def opened(self, hub: Hub, room: Room) -> Page:
        page = Page()
        audience = await hub.join(room.pk, page)
        audience.admit(page)
        return page

    async def test_it_goes_from_open_tabs(self, hub: Hub, lounge: Room, ann: Person) -> None:
        messages = await database_sync_to_async(say)(lounge, ann, 40, 39, 1)
        page = await self.opened(hub, lounge)
        await database_sync_to_async(keep)(lounge, 30)
        await database_sync_to_async(lambda: list(retention.carry_out()))()
        await until(lambda: page.cursor == 4)
        gone = fragments.gone([message.seq for message in messages[:2]])
        assert gone in "".join(page.frames)
        assert not page.anew  # who reads further up keeps their place

    async def test_a_tab_that_missed_it_gets_the_newest_page(
        self, hub: Hub, lounge: Room, ann: Person
    ) -> None:
        from rooms.missed import missed_since

        await database_sync_to_async(say)(lounge, ann, 40, 39, 1)
        await database_sync_to_async(keep)(lounge, 30)
        await database_sync_to_async(lambda: list(retention.carry_out()))()
        await database_sync_to_async(changes.post)(lounge, ann, "new")
        for cursor in range(6):
            page = Page(cursor)
            page.give((await missed_since(lounge.pk, cursor)).html("UTC"))
            assert page.anew == (cursor < 4)
            assert page.texts == (["1", "new"] if cursor < 4 else ["new"] if cursor < 5 else [])

    async def test_so_does_one_that_redis_told_nothing(
        self, hub: Hub, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await database_sync_to_async(say)(lounge, ann, 40, 39, 1)
        page = await self.opened(hub, lounge)
        await database_sync_to_async(keep)(lounge, 30)

        async def lost(change: Any) -> None:
            """Redis has lost it."""

        with monkeypatch.context() as patch:
            patch.setattr(publishing, "publish", lost)
            await database_sync_to_async(lambda: list(retention.carry_out()))()
        await until(lambda: page.cursor == 4)
        assert page.anew and page.texts == ["1"]

    def test_a_page_says_that_there_is_no_more(
        self, client: Client, lounge: Room, ann: Person, db: None
    ) -> None:
        say(lounge, ann, 40, 39)
        client.force_login(ann)
        keep(lounge, 30)
        list(retention.carry_out())
        page = client.get("/rooms/lounge/").content
        assert find(page, "li", class_="beginning").text == "What was said before is not kept."
        assert not find_all(page, "li", class_="message")


class TestOwners:
    @pytest.fixture
    def owner(self, client: Client, lounge: Room, ann: Person) -> Client:
        Membership.join(lounge.pk, ann.pk, role=Role.OWNER)
        client.force_login(ann)
        return client

    def test_say_how_long(self, owner: Client, lounge: Room) -> None:
        assert owner.post("/rooms/lounge/keep/", {"days": "30", "is_sure": "on"}).status_code == 302
        lounge.refresh_from_db()
        assert lounge.keep_days == 30
        assert "30 days" in [dd.text for dd in find_all(owner.get("/rooms/lounge/about/").content, "dd")]
        assert Act.objects.get(what=Act.What.KEEPS).why == "30 days"
        assert owner.post("/rooms/lounge/keep/", {"days": ""}).status_code == 302
        lounge.refresh_from_db()
        assert lounge.keep_days is None

    @pytest.mark.parametrize("days", ["0", "-1", "36501", "x", "1.5"])
    def test_and_nothing_else(self, owner: Client, lounge: Room, days: str) -> None:
        assert owner.post("/rooms/lounge/keep/", {"days": days, "is_sure": "on"}).status_code == 422
        lounge.refresh_from_db()
        assert lounge.keep_days is None

    def test_only_when_they_are_sure(self, owner: Client, lounge: Room) -> None:
        answer = owner.post("/rooms/lounge/keep/", {"days": "30"})
        assert answer.status_code == 422
        assert "nobody can bring back" in answer.content.decode()
        lounge.refresh_from_db()
        assert lounge.keep_days is None


class TestCommand:
    def test_does_it_now(self, lounge: Room, ann: Person, room: Callable[..., Room], capsys: Any) -> None:
        kitchen = room("Kitchen")
        for one in (lounge, kitchen):
            say(one, ann, 40, 1)
            keep(one, 30)
        call_command("retain", "lounge")
        assert capsys.readouterr().out == "1 messages deleted.\n"
        assert (kept(lounge), kept(kitchen)) == (["1"], ["40", "1"])
        call_command("retain")
        assert kept(kitchen) == ["1"]

    def test_a_room_that_is_not_there(self, db: None) -> None:
        with pytest.raises(CommandError, match="There is no room"):
            call_command("retain", "nowhere")

    @pytest.mark.django_db(transaction=True)
    def test_interrupted_it_goes_on_where_it_was(self, lounge: Room, ann: Person) -> None:
        say(lounge, ann, *[40] * 601)
        keep(lounge, 30)
        with shell.start("retain") as process:
            shell.wait_until(lambda: Message.objects.count() < 601 or process.poll() is not None)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "run it again to go on" in errors and "Traceback" not in errors
        assert 0 < Message.objects.count() < 601
        code, written, _ = shell.run("retain")
        assert (code, Message.objects.count()) == (0, 0)
        assert "messages deleted" in written
