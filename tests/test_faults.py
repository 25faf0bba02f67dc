"""The fault suite's own parts: what its tabs make of what the site sends, and that its checker finds
each kind of violation. Whole runs are in e2e/test_faults.py."""

import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from fcntl import ioctl
from termios import FIONREAD

import pytest
from django.test import Client

from faults import checker
from faults.acts import ACTS
from faults.broken.guards import GUARDS
from faults.checker import View
from faults.options import Options, runs
from faults.page import Page, Row
from faults.record import Failure, Record
from faults.schedule import KINDS, QUIET_AFTER, QUIET_BEFORE, possible, schedule
from faults.stored import Message, Room
from faults.tab import small_socket
from rooms import changes, editing, fragments, history, reactions
from rooms.models import Message as Said
from rooms.models import Person
from rooms.models import Room as RealRoom
from tests.waiting import until

MEGABYTE = 1024 * 1024


class TestSchedule:
    def test_is_the_same_for_the_same_options(self) -> None:
        for seed in range(20):
            options = Options(seed, database="postgres", processes=2, server="uvicorn")
            assert schedule(options) == schedule(replace(options))
        assert schedule(Options(1)) != schedule(Options(2))

    def test_leaves_time_before_and_after_and_victims_that_are_there(self) -> None:
        for seed in range(50):
            for fault in schedule(Options(seed, seconds=40, processes=2, server="uvicorn", tabs=8)):
                assert fault.at >= QUIET_BEFORE and fault.at + fault.seconds <= 40 - QUIET_AFTER
                assert 0 <= fault.victim < 2

    def test_does_not_do_two_things_to_one_victim_at_once(self) -> None:
        for seed in range(50):
            busy: dict[tuple[str, int], float] = {}
            for fault in schedule(Options(seed)):
                victim = KINDS[fault.kind].what, fault.victim
                assert fault.at >= busy.get(victim, 0.0)
                busy[victim] = fault.at + fault.seconds

    @pytest.mark.parametrize("database", ["sqlite", "postgres"])
    def test_has_every_kind_that_can_be_within_some_seeds(self, database: str) -> None:
        seen = {fault.kind for seed in range(60) for fault in schedule(Options(seed, database=database))}
        assert seen == set(possible(database))

    def test_has_only_the_kinds_asked_for_and_none_that_cannot_be_had(self) -> None:
        options = Options(3, kinds=("redis-kill", "clock-step"))
        assert {fault.kind for fault in schedule(options, without=["clock-step"])} == {"redis-kill"}

    def test_every_kind_can_be_carried_out(self) -> None:
        assert ACTS.keys() == KINDS.keys()


class TestOptions:
    def test_a_range_of_seeds_and_the_server_that_goes_with_several_processes(self) -> None:
        asked = runs(["--seeds", "3-5", "--processes", "2", "--seconds", "20"])
        assert [options.seed for options in asked] == [3, 4, 5]
        assert {(options.server, options.seconds) for options in asked} == {("uvicorn", 20.0)}

    def test_up_is_one_process(self) -> None:
        with pytest.raises(SystemExit):
            runs(["--processes", "2", "--server", "up"])


@pytest.fixture
def ann() -> Person:
    return Person.objects.create(username="ann")


@pytest.fixture
def lounge() -> RealRoom:
    return RealRoom.named("Lounge")


@pytest.fixture
def page(client: Client, ann: Person, lounge: RealRoom) -> Callable[[], Page]:
    client.force_login(ann)
    return lambda: Page(client.get("/rooms/lounge/").content.decode())


@pytest.mark.django_db
class TestPage:
    """What a tab shows after the fragments of the site is what a fresh page shows, letter for letter."""

    def same(self, tab: Page, fresh: Page) -> None:
        assert tab.rows == fresh.rows
        assert tab.raw == fresh.raw

    def live(self, room: RealRoom, seq: int, *, is_new: bool = False) -> str:
        message = Said.objects.changed_since(room, 0, 100)
        return fragments.change(next(one for one in message if one.seq == seq), "UTC", is_new=is_new)

    def test_a_message_comes_is_edited_gets_reactions_and_is_deleted(
        self, page: Callable[[], Page], ann: Person, lounge: RealRoom
    ) -> None:
        tab = page()
        said = changes.post(lounge, ann, "- one\n- two\n\n`a < b`")
        taken = tab.take(self.live(lounge, said.seq, is_new=True) + fragments.cursor(1))
        assert (tab.cursor, taken.has_cursor) == ("1", True)
        assert [row.seq for row in taken.shown] == [said.seq]
        self.same(tab, page())
        editing.edit(said, ann, "**three**")
        tab.take(self.live(lounge, said.seq))
        assert tab.rows[0].is_edited
        reactions.toggle(said, ann, "👍")
        tab.take(self.live(lounge, said.seq))
        assert tab.rows[0].reactions == (("👍", 1),)
        self.same(tab, page())
        changes.delete(said, ann)
        tab.take(self.live(lounge, said.seq))
        assert tab.rows[0].is_deleted and tab.rows[0].html == ""
        self.same(tab, page())

    def test_messages_that_come_late_twice_or_out_of_order(
        self, page: Callable[[], Page], ann: Person, lounge: RealRoom
    ) -> None:
        tab = page()
        seqs = [changes.post(lounge, ann, f"message {n}").seq for n in range(12)]
        for seq in [*seqs[6:], *seqs[:6], *seqs]:
            tab.take(self.live(lounge, seq, is_new=True))
        self.same(tab, page())

    def test_what_was_said_before_it_begins_is_not_put_into_it(
        self, page: Callable[[], Page], ann: Person, lounge: RealRoom
    ) -> None:
        said = [changes.post(lounge, ann, f"message {n}") for n in range(history.PAGE + 10)]
        tab = page()
        tab.take(self.live(lounge, said[0].seq))
        assert tab.rows[0].seq == said[10].seq

    def test_the_whole_list_anew_and_messages_that_are_gone(
        self, page: Callable[[], Page], ann: Person, lounge: RealRoom
    ) -> None:
        tab = page()
        said = [changes.post(lounge, ann, f"message {n}") for n in range(3)]
        lounge.refresh_from_db()
        newest = history.newest(lounge, history.said_in(0))
        tab.take(fragments.start_over(lounge, newest, "UTC"))
        self.same(tab, page())
        tab.take(fragments.gone([said[0].seq, said[2].seq]))
        assert [row.seq for row in tab.rows] == [said[1].seq]

    def test_what_is_confirmed_and_what_is_refused(self, page: Callable[[], Page], lounge: RealRoom) -> None:
        tab = page()
        forms = list(tab.forms)
        taken = tab.take(fragments.accepted(lounge, forms[0], "spare"))
        assert (taken.accepted, taken.refused, tab.forms) == ([forms[0]], [], [*forms, "spare"])
        taken = tab.take(fragments.refused(lounge, forms[1], ["Too long."]))
        assert (taken.accepted, taken.refused) == ([], [forms[1]])

    def test_a_room_that_may_be_seen_no_more(self, page: Callable[[], Page]) -> None:
        assert page().take(fragments.farewell("You are not in this room any more.")).is_farewell


def message(seq: int, body: str = "", version: int = 0, **more: object) -> Message:
    body = body or f"message {seq}"
    told: dict[str, object] = {
        "is_deleted": False,
        "is_edited": False,
        "thread": None,
        "key": f"k{seq}",
    } | more
    return Message(seq, version or seq, 1, body=body, html=f"<p>{body}</p>", **told)  # type: ignore[arg-type]


def room(*messages: Message, **more: object) -> Room:
    told: dict[str, object] = {"versions": list(range(1, len(messages) + 1)), "clock": len(messages)} | more
    states = {(one.seq, one.author, "" if one.is_deleted else one.html, one.is_deleted) for one in messages}
    return Room("r", messages=list(messages), states=states, **told)  # type: ignore[arg-type]


def record(*seqs: int) -> Record:
    """Of a run in which these were said and confirmed."""
    made = Record()
    for seq in seqs:
        made.saying(f"k{seq}", "r", f"message {seq}")
        made.confirm(f"k{seq}")
    return made


class TestStored:
    """What the database lacks, or has and should not, is found."""

    def test_nothing_is_wrong(self) -> None:
        assert checker.stored_wrong({"r": room(message(1), message(2))}, record(1, 2)) == []

    def wrong(self, its: Room, said: Record) -> str:
        (found,) = checker.stored_wrong({"r": its}, said)
        return found

    def test_confirmed_and_lost(self) -> None:
        assert "lost" in self.wrong(room(message(1)), record(1, 2))

    def test_said_twice(self) -> None:
        assert "2 times" in self.wrong(room(message(1), message(2, "message 1", key="k1")), record(1))

    def test_what_it_says_is_another(self) -> None:
        assert "was said as" in self.wrong(room(message(1, "changed")), record(1))

    def test_an_edit_is_lost(self) -> None:
        said = record(1)
        said.perhaps_edited["r", 1] = ["another"]
        said.edited["r", 1] = "edited"
        assert "was edited to" in self.wrong(room(message(1)), said)
        assert checker.stored_wrong({"r": room(message(1, "edited"))}, said) == []
        assert checker.stored_wrong({"r": room(message(1, "another"))}, said) == []

    def test_a_deletion_is_lost_or_was_nobodys(self) -> None:
        said = record(1)
        assert "by nobody" in self.wrong(room(message(1, is_deleted=True)), said)
        said.deleted.add(("r", 1))
        assert "is not" in self.wrong(room(message(1)), said)
        assert checker.stored_wrong({"r": room(message(1, is_deleted=True))}, said) == []

    @pytest.mark.parametrize(
        ("versions", "clock", "what"),
        [([1, 3], 3, "no change at ticks [2]"), ([1, 2, 2], 2, "2 changes at tick 2"), ([1, 2], 1, "at [2]")],
    )
    def test_the_clock_has_holes_or_repeats_itself(self, versions: list[int], clock: int, what: str) -> None:
        assert what in self.wrong(room(message(1), versions=versions, clock=clock), record(1))

    def test_two_messages_of_one_seq(self) -> None:
        assert "two messages of seq [1]" in self.wrong(room(message(1), message(1, version=2)), Record())


class TestShown:
    """What a tab shows and should not, or lacks, is found."""

    held = room(message(1), message(2), message(3, is_deleted=True), message(4, thread=2))

    def wrong(self, *rows: Row) -> str:
        (found,) = checker.shown_wrong(View("tab", "r", rows), self.held)
        return found

    def rows(self) -> list[Row]:
        return [one.row for one in self.held.messages if one.thread is None]

    def test_nothing_is_wrong_from_the_first_that_it_shows_on(self) -> None:
        for first in range(3):
            assert checker.shown_wrong(View("tab", "r", self.rows()[first:]), self.held) == []

    def test_one_is_lacking(self) -> None:
        one, _, three = self.rows()
        assert "lacks 1 messages of r: [2]" in self.wrong(one, three)

    def test_all_are_lacking(self) -> None:
        assert "lacks 3" in self.wrong()

    def test_one_is_there_twice(self) -> None:
        one, two, three = self.rows()
        assert "twice" in self.wrong(one, two, two, three)

    def test_two_are_swapped(self) -> None:
        one, two, three = self.rows()
        assert "out of order: [(2, 1)]" in self.wrong(two, one, three)

    def test_one_is_not_there(self) -> None:
        assert "not there" in self.wrong(*self.rows(), Row(9, 1, "<p>phantom</p>"))

    def test_one_that_belongs_in_a_thread(self) -> None:
        assert "not there" in self.wrong(*self.rows(), self.held.messages[3].row)

    @pytest.mark.parametrize(
        "as_shown",
        [{"html": "<p>old</p>"}, {"is_edited": True}, {"author": 2}, {"reactions": (("👍", 1),)}],
    )
    def test_one_is_shown_as_it_is_not(self, as_shown: dict[str, object]) -> None:
        one, two, three = self.rows()
        assert "shows as" in self.wrong(one, replace(two, **as_shown), three)  # type: ignore[arg-type]

    def test_a_deletion_is_not_shown(self) -> None:
        one, two, three = self.rows()
        assert "shows as" in self.wrong(one, two, replace(three, html="<p>message 3</p>", is_deleted=False))

    def test_what_differs_from_a_fresh_page_in_how_it_is_written(self) -> None:
        fresh = View("fresh", "r", (), [(1, "<li>a</li>"), (2, "<li>b</li>")])
        assert checker.differs_from(View("tab", "r", (), [(1, "<li>a</li>"), (0, "")]), fresh) == []
        assert len(checker.differs_from(View("tab", "r", (), [(1, "<li>c</li>")]), fresh)) == 1

    def test_what_was_shown_and_never_committed(self) -> None:
        told = Record()
        told.saw("r", self.held.messages[0].row)
        assert checker.never_committed(told.shown, {"r": self.held}) == []
        told.saw("r", Row(1, 1, "<p>phantom</p>"))
        assert len(checker.never_committed(told.shown, {"r": self.held})) == 1


class TestWithoutCause:
    def test_failures_count_where_nothing_was_wrong(self) -> None:
        failures = [
            Failure(1, 2, "status 500"),
            Failure(9, 12, "status 500"),
            Failure(20, 21, "closed", "t2"),
        ]
        assert checker.without_cause(failures, [(10, 15)]) == [
            "without a fault, 1 times: status 500",
            "without a fault, 1 times: closed (t2)",
        ]
        assert checker.without_cause(failures, [(0, 30)]) == []


async def test_a_tab_that_stopped_reading_has_a_megabyte_in_few_turns_of_the_loop() -> None:
    """In each it reads what the system holds for it by then, and a busy machine has some three in a second:
    the site's ping, behind all of it, is to be answered in time."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        await small_socket(listener.getsockname()[1]) as small,
        listener.accept()[0] as server,
    ):
        server.setblocking(False)
        server.send(bytes(MEGABYTE))
        await until(lambda: unread(small) > MEGABYTE / 50)


def unread(small: socket.socket) -> int:
    """How many bytes of what has come have not been read."""
    return int.from_bytes(ioctl(small, FIONREAD, bytes(4)), sys.byteorder)


def test_every_guard_that_can_be_broken_has_a_place_where_it_is_noticed() -> None:
    from faults.broken.__main__ import WHERE

    assert GUARDS.keys() == WHERE.keys()
