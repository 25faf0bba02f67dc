"""A room's past: by seq and by day, and the pages that show it."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rooms import calendar, changes, days, history
from rooms.history_file import Line
from rooms.models import Membership, Message, Person, Room, Tally
from rooms.models.message import MessageQuerySet
from rooms.tally import untally
from tests.html import find, find_all

pytestmark = pytest.mark.django_db

HISTORY = "/rooms/lounge/history/"
DAY = f"{HISTORY}2020/06/02/"
NOON = datetime(2020, 6, 2, 12, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def reader(client: Client, lounge: Room, ann: Person) -> Client:
    """Ann's browser; she is in the room."""
    Membership.join(lounge.pk, ann.pk)
    client.force_login(ann)
    return client


def load(room: Room, *times: datetime) -> None:
    """Bring messages of these times into the room, in this order."""
    start = Message.objects.count()
    lines = [Line(at, "bob", f"line {n}", f"key {n}") for n, at in enumerate(times, start + 1)]
    for first in range(0, len(lines), 900):
        changes.load(room, lines[first : first + 900])
    room.refresh_from_db()


def every(step: timedelta, count: int, start: datetime = NOON) -> list[datetime]:
    return [start + n * step for n in range(count)]


def seqs(response: Any) -> list[int]:
    return [int(message["data-seq"]) for message in find_all(response.content, "li", class_="message")]


def links(response: Any) -> dict[str, str]:
    return {link.text.strip(): link["href"] for link in find_all(response.content, "a")}


def canonical(response: Any) -> str:
    return find(response.content, "link", rel="canonical")["href"]


# By seq --------------------------------------------------------------------------------

STEPS = st.lists(st.sampled_from(["post", "answer", "delete", "leaf"]), max_size=12)
LANES: dict[str, Callable[[int], MessageQuerySet]] = {
    "all": lambda root: history.all_said(),
    "the room": lambda root: history.said_in(0),
    "a thread": history.said_in,
}


@given(
    count=st.integers(0, 12),
    size=st.integers(1, 5),
    steps=STEPS,
    back=st.booleans(),
    lane=st.sampled_from(sorted(LANES)),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_leafing_visits_every_message_once(
    person: Callable[..., Person],
    room: Callable[..., Room],
    count: int,
    size: int,
    steps: list[str],
    back: bool,
    lane: str,
) -> None:
    """From its newest page to its first message or back, with posts and deletions in between; of a room
    and its threads, of either alone."""
    author = Person.objects.filter(username="ann").first() or person("ann")
    Room.objects.all().delete()
    lounge = room("Lounge")
    root = changes.post(lounge, author, "line").seq
    said = LANES[lane](root)
    for n in range(count):
        changes.post(lounge, author, f"line {n}", thread=root if n % 2 else 0)
    lounge.refresh_from_db()
    page = history.newest(lounge, said, size) if back else history.after(lounge, 0, said, size)
    began = {message.seq for message in said.filter(room=lounge)}
    seen = [message.seq for message in page.messages]
    for step in [*steps, *["leaf"] * 30]:
        lounge.refresh_from_db()
        if step in ("post", "answer"):
            changes.post(lounge, author, "x", thread=root if step == "answer" else 0)
        elif step == "delete" and seen:
            others = Message.objects.filter(room=lounge).exclude(seq=root)
            for message in others.order_by("?")[:1]:
                changes.delete(message, author)
        elif step == "leaf" and seen:
            if back:
                page = history.before(lounge, min(seen), said, size)
            else:
                page = history.after(lounge, max(seen), said, size)
            here = [message.seq for message in page.messages]
            seen = [*here, *seen] if back else [*seen, *here]
            if here:
                assert page.has_older == said.filter(room=lounge, seq__lt=here[0]).exists()
                assert page.has_newer == said.filter(room=lounge, seq__gt=here[-1]).exists()
    there = list(said.filter(room=lounge).order_by("seq").values_list("seq", flat=True))
    newest = (max(seen) if back else there[-1]) if seen else 0
    assert seen == [seq for seq in there if seq <= newest]
    assert not seen or began <= set(seen)


@pytest.mark.parametrize("seq", [1, 3, 25, 26, 60, 95, 120])
def test_around_a_message(lounge: Room, seq: int) -> None:
    load(lounge, *every(MINUTE, 120))
    page = history.around(lounge, seq, history.all_said())
    shown = [message.seq for message in page.messages]
    assert shown == [n for n in range(seq - 25, seq + 25) if 1 <= n <= 120]
    assert (page.has_older, page.has_newer) == (shown[0] > 1, shown[-1] < 120)


def test_pages_lead_to_each_other_and_each_has_one_address(reader: Client, lounge: Room) -> None:
    load(lounge, *every(MINUTE, 120))
    newest = reader.get(HISTORY)
    assert (seqs(newest), canonical(newest)) == ([*range(71, 121)], HISTORY)
    middle = reader.get(links(newest)["Older"])
    assert (seqs(middle), canonical(middle)) == ([*range(21, 71)], f"{HISTORY}?before=71")
    first = reader.get(links(middle)["Older"])
    assert (seqs(first), canonical(first)) == ([*range(1, 21)], f"{HISTORY}?before=21")
    assert "begins" in find(first.content, class_="beginning").text
    assert "Older" not in links(first)
    again = reader.get(links(first)["Newer"])
    assert (seqs(again), canonical(again)) == (seqs(middle), canonical(middle))
    last = reader.get(links(again)["Newer"])
    assert (seqs(last), canonical(last)) == (seqs(newest), HISTORY)


def test_from_the_first_page_by_its_links_every_message_is_seen_once(reader: Client, lounge: Room) -> None:
    load(lounge, *every(MINUTE, 120))
    page = reader.get(links(reader.get(HISTORY))["First"])
    seen = seqs(page)
    while "Newer" in links(page):
        page = reader.get(links(page)["Newer"])
        seen += seqs(page)
    assert seen == list(range(1, 121))
    assert canonical(page) == HISTORY


@pytest.mark.parametrize("query", ["before=0", "before=1", "after=0"])
def test_before_the_first_message_is_the_first_page(reader: Client, lounge: Room, query: str) -> None:
    load(lounge, *every(MINUTE, 60))
    assert seqs(reader.get(f"{HISTORY}?{query}", follow=True)) == list(range(1, 51))


@pytest.mark.parametrize(
    "query", ["before=x", "after=-1", "before=" + "9" * 30, f"after={'9' * 18}", "after=60"]
)
def test_beyond_the_last_is_the_newest_page(reader: Client, lounge: Room, query: str) -> None:
    load(lounge, *every(MINUTE, 60))
    response = reader.get(f"{HISTORY}?{query}", follow=True)
    assert seqs(response) == list(range(11, 61))


def test_a_room_without_a_past(reader: Client, lounge: Room) -> None:
    for url in (HISTORY, f"{HISTORY}?before=5", f"{HISTORY}?after=0", f"{HISTORY}?day=2020-06-02", DAY):
        response = reader.get(url, follow=True)
        assert response.status_code == 200
        assert "Nothing was said" in find(response.content, class_="beginning").text


def test_where_ticks_were_no_messages_the_room_begins_all_the_same(
    reader: Client, lounge: Room, ann: Person
) -> None:
    Room.objects.filter(pk=lounge.pk).update(clock=7)
    changes.post(lounge, ann, "hello")
    assert find_all(reader.get("/rooms/lounge/").content, class_="beginning")
    assert find_all(reader.get(HISTORY).content, class_="beginning")


def test_deleted_messages_leave_their_place(reader: Client, lounge: Room, ann: Person) -> None:
    changes.delete(changes.post(lounge, ann, "secret"), ann)
    for url in (HISTORY, f"{HISTORY}{calendar.path(timezone.localdate())}", "/rooms/lounge/messages/1/"):
        content = reader.get(url).content
        assert find(content, "p", class_="text").text == "This message was deleted."
        assert b"secret" not in content


# By day --------------------------------------------------------------------------------


def tallied(room: Room) -> list[tuple[int, int, int, int]]:
    rows = Tally.objects.filter(room=room).order_by("first_seq")
    return list(rows.values_list("quarter", "first_seq", "last_seq", "count"))


def test_a_tally_counts_what_is_posted_and_loaded(lounge: Room, ann: Person) -> None:
    for at in every(10 * MINUTE, 4):
        changes.post(lounge, ann, "x", at=at)
    load(lounge, *every(10 * MINUTE, 2, NOON + 40 * MINUTE), NOON)
    noon = days.quarter_of(NOON)
    assert tallied(lounge) == [(noon, 1, 2, 2), (noon + 1, 3, 3, 1), (noon + 2, 4, 5, 2)] + [
        (noon + 3, 6, 6, 1),
        (noon, 7, 7, 1),
    ]


def test_what_is_not_kept_is_not_counted(lounge: Room, ann: Person) -> None:
    changes.post(lounge, ann, "x", key="k", at=NOON)
    changes.post(lounge, ann, "x", key="k", at=NOON)
    line = Line(NOON, "bob", "x", "k")
    changes.load(lounge, [line, line][:1])
    assert changes.load(lounge, [line]) == 0
    assert [row[3] for row in tallied(lounge)] == [2]


def test_what_goes_for_good_is_counted_no_more(lounge: Room) -> None:
    load(lounge, *every(MINUTE, 40))
    gone = list(Message.objects.filter(room=lounge, seq__lte=20))
    untally(gone)
    Message.objects.filter(pk__in=[message.pk for message in gone]).delete()
    assert [row[1:] for row in tallied(lounge)] == [(16, 30, 10), (31, 40, 10)]
    part = days.part(lounge, date(2020, 6, 2))
    assert ([message.seq for message in part.messages], part.count) == ([*range(21, 41)], 20)
    untally(Message.objects.filter(room=lounge))
    Message.objects.all().delete()
    load(lounge, NOON + 39 * MINUTE)
    assert [row[3] for row in tallied(lounge)] == [1]


ZONES = [
    "UTC",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Europe/Berlin",
]
# About when clocks are changed in some of them, and far from it.
MOMENTS = [
    datetime(2018, 11, 3, tzinfo=UTC),
    datetime(2020, 3, 28, tzinfo=UTC),
    datetime(2020, 4, 4, tzinfo=UTC),
]
TIMES = st.tuples(st.sampled_from(MOMENTS), st.integers(0, 3 * 24 * 60)).map(
    lambda at: at[0] + at[1] * MINUTE
)


@given(
    times=st.lists(TIMES, max_size=30), zone=st.sampled_from(ZONES), size=st.integers(1, 6), data=st.data()
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_days_hold_every_message_once_whatever_the_order(
    room: Callable[..., Room], times: list[datetime], zone: str, size: int, data: st.DataObject
) -> None:
    Room.objects.all().delete()
    lounge = room("Lounge")
    load(lounge, *times)
    with timezone.override(zone):
        expected: dict[date, list[int]] = {}
        for seq, at in enumerate(times, 1):
            expected.setdefault(timezone.localdate(at), []).append(seq)
        # From the first day to the last by the days' own links, and each from its first part to its last.
        found: dict[date, list[int]] = {}
        day = days.nearest(lounge, date(1990, 1, 1))
        while day is not None:
            found[day] = []
            after = 0
            starts: list[int] = []
            while True:
                part = days.part(lounge, day, after, size)
                assert part.count == len(expected[day])
                assert part.previous == (starts[-1] if starts else None)
                assert part.after == after
                found[day] += [message.seq for message in part.messages]
                if part.following is None:
                    break
                starts.append(after)
                after = part.following
            day = days.neighbours(lounge, day, day + days.DAY).following
        assert found == dict(sorted(expected.items()))
        if expected:
            asked = data.draw(st.dates(date(2018, 10, 1), date(2020, 5, 1)))
            nearest = days.nearest(lounge, asked)
            assert nearest is not None
            assert abs(nearest - asked) == min(abs(day - asked) for day in expected)
        for year in {day.year for day in expected}:
            counts = {day.date: day.count for month in calendar.year(lounge, year) for day in month.days}
            assert {day: n for day, n in counts.items() if n} == {
                day: len(seqs) for day, seqs in expected.items() if day.year == year
            }


def test_a_day_is_one_of_the_viewers_time_zone(reader: Client, lounge: Room, ann: Person) -> None:
    load(lounge, *every(HOUR, 24, NOON))
    assert seqs(reader.get(DAY)) == list(range(1, 13))
    Person.objects.filter(pk=ann.pk).update(time_zone="Asia/Tokyo")
    response = reader.get(DAY)
    assert seqs(response) == [1, 2, 3]
    assert links(response)["3 June 2020"] == f"{HISTORY}2020/06/03/"
    assert find_all(response.content, "p", class_="day")[0].text == "Tuesday, 2 June 2020"


def test_a_long_day_has_parts(reader: Client, lounge: Room) -> None:
    load(lounge, *every(MINUTE, 250))
    first = reader.get(DAY)
    assert (seqs(first), canonical(first)) == ([*range(1, 101)], DAY)
    second = reader.get(links(first)["Later that day"])
    assert (seqs(second), canonical(second)) == ([*range(101, 201)], f"{DAY}?after=100")
    third = reader.get(links(second)["Later that day"])
    assert seqs(third) == list(range(201, 251))
    assert "Later that day" not in links(third)
    assert links(third)["Earlier that day"] == f"{DAY}?after=100"
    assert links(second)["Earlier that day"] == DAY
    assert canonical(reader.get(f"{DAY}?after=0")) == DAY
    assert reader.get(f"{DAY}?after=999").headers["Location"] == DAY


def test_days_lead_to_each_other(reader: Client, lounge: Room) -> None:
    load(lounge, *(NOON + n * days.DAY for n in (0, 1, 10, 40)))
    middle = links(reader.get(f"{HISTORY}2020/06/03/"))
    paths = {name: url.removeprefix(HISTORY) for name, url in middle.items()}
    assert paths["2 June 2020"] == "2020/06/02/"
    assert paths["12 June 2020"] == "2020/06/12/"
    assert paths["Last day"] == "2020/07/12/"
    assert "First day" not in paths  # it is the one before
    assert paths["Later month"] == "2020/07/12/"
    empty = reader.get(f"{HISTORY}2020/06/20/")
    assert (seqs(empty), empty.status_code) == ([], 200)
    assert {"First day", "12 June 2020", "12 July 2020"} <= links(empty).keys()


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("2020-06-02", "2020/06/02/"),
        ("2020-06-05", "2020/06/02/"),
        ("2020-06-09", "2020/06/12/"),
        ("1999-01-01", "2020/06/02/"),
        ("9999-12-31", "2020/06/12/"),
        ("0001-01-01", "2020/06/02/"),
        ("someday", "2020/06/12/"),
        ("", "2020/06/12/"),
    ],
)
def test_a_date_leads_to_the_nearest_day(reader: Client, lounge: Room, asked: str, leads_to: str) -> None:
    load(lounge, NOON, NOON + 10 * days.DAY)
    assert reader.get(HISTORY, {"day": asked}).headers["Location"] == HISTORY + leads_to


@pytest.mark.parametrize("path", ["2020/02/30/", "2020/6/2/", "0000/01/01/", "9999/12/31/", "0000/", "9999/"])
def test_days_that_are_none(reader: Client, lounge: Room, path: str) -> None:
    assert reader.get(HISTORY + path).status_code == 404


def test_the_calendar_shows_how_much_was_said(reader: Client, lounge: Room) -> None:
    load(lounge, NOON, *every(MINUTE, 12, NOON + days.DAY))
    page = reader.get(DAY).content
    table = find(page, "table")
    assert "June 2020 13 messages" in " ".join(table.text.split())
    cells = {cell["href"]: cell for cell in find_all(page, "a") if "step-" in cell.get("class")}
    assert {url: (cell["class"], cell["title"]) for url, cell in cells.items()} == {
        DAY: ("step-1", "1 message"),
        f"{HISTORY}2020/06/03/": ("step-2", "12 messages"),
    }
    assert cells[DAY]["aria-current"] == "date"
    year = reader.get(f"{HISTORY}2020/").content
    assert len(find_all(year, "table")) == 12
    assert [cell["href"] for cell in find_all(year, "a") if "step-" in cell.get("class")] == list(cells)


# Kept by browsers ----------------------------------------------------------------------


@pytest.mark.parametrize("url", [HISTORY, f"{HISTORY}?before=40", DAY, f"{HISTORY}2020/"])
def test_it_is_read_again_only_where_it_has_changed(
    reader: Client, lounge: Room, ann: Person, url: str
) -> None:
    load(lounge, *every(MINUTE, 60))

    def ask(known: str = "") -> Any:
        return reader.get(url, headers={"If-None-Match": known} if known else {})

    seen = [ask()]
    assert {"private", "no-cache"} == set(seen[0].headers["Cache-Control"].split(", "))
    for change in (
        lambda: None,
        lambda: load(lounge, NOON - HOUR),
        lambda: Person.objects.filter(username="bob").update(username="bobby"),
        lambda: Person.objects.filter(pk=ann.pk).update(time_zone="Asia/Tokyo"),
        lambda: Person.objects.filter(pk=ann.pk).update(theme="dark"),
        lambda: changes.delete(Message.objects.get(seq=30), Person.objects.get(username="bobby")),
    ):
        change()
        etag = seen[-1].headers["ETag"]
        answer = ask(etag)
        fresh = ask()
        assert answer.status_code in ({200} if fresh.content != seen[-1].content else {200, 304})
        assert (answer.status_code == 304) == (fresh.headers["ETag"] == etag)
        assert fresh.headers["ETag"] == answer.headers["ETag"]
        seen.append(fresh)
    assert seen[0].headers["ETag"] == seen[1].headers["ETag"]
    assert len({response.headers["ETag"] for response in seen}) >= 4


def test_it_is_nobody_elses(reader: Client, lounge: Room, person: Callable[..., Person]) -> None:
    load(lounge, NOON)
    hers = reader.get(DAY)
    other = Client()
    other.force_login(person("cleo"))
    assert other.get(DAY, headers={"If-None-Match": hers.headers["ETag"]}).status_code == 200
    assert "Cookie" in hers.headers["Vary"]


# What it costs -------------------------------------------------------------------------

QUERIES = {
    "/rooms/lounge/": 11,
    HISTORY: 8,
    f"{HISTORY}?before=700": 8,
    f"{HISTORY}?after=100": 9,
    DAY: 9,
    f"{DAY}?after=200": 10,
    "/rooms/lounge/messages/500/": 9,
    "/rooms/lounge/messages/500/newer/": 6,
    "/rooms/lounge/messages/500/preview/": 6,
}


def plan_of(sql: str) -> list[str]:
    """How SQLite goes about it."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"))
        return [row[-1] for row in cursor.fetchall()]


@pytest.mark.parametrize("url", QUERIES)
def test_a_page_takes_a_bounded_number_of_queries(
    reader: Client, lounge: Room, ann: Person, url: str
) -> None:
    """Few, however much there is; each by key, for none skips or counts messages of the room."""
    load(lounge, *every(timedelta(seconds=40), 1000))
    reader.get("/rooms/lounge/")  # is read
    reader.get(url)
    with CaptureQueriesContext(connection) as captured:
        assert reader.get(url).status_code == 200
    said = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
    assert len(said) <= QUERIES[url], "\n".join(said)
    assert not [sql for sql in said if " OFFSET " in sql or "COUNT(" in sql]
    assert all("LIMIT" in sql for sql in said if 'FROM "rooms_message"' in sql)
    if connection.vendor == "sqlite":  # the other one reads a small table as it likes
        plans = [step for sql in said for step in plan_of(sql)]
        assert [step for step in plans if step.startswith(("SEARCH rooms_message", "SEARCH rooms_room"))]
        assert not [step for step in plans if re.match("SCAN rooms_(message|tally|room)", step)]


def test_the_body_of_a_message_is_not_rendered_for_a_page(
    reader: Client, lounge: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(lounge, NOON)
    monkeypatch.setattr("rooms.markup.render", None)
    for url in (HISTORY, DAY, "/rooms/lounge/", "/rooms/lounge/messages/1/"):
        assert find(reader.get(url).content, class_="text").text == "line 1"
