"""Group commit: what is said at the same time is committed at once, and is none the worse for it."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms import changes, markup, publishing, statements
from rooms.access import Refused
from rooms.batches import Batches
from rooms.models import Following, Membership, Message, Person, Room, Tally
from rooms.recording import Posting, Said, record_together

pytestmark = pytest.mark.django_db(transaction=True)

Outcomes = list[Any]


@pytest.fixture
def rooms(room: Callable[[str], Room]) -> list[Room]:
    return [room(f"Room {n}") for n in range(4)]


async def said_at_once(
    rooms: Sequence[Room], author: Person, texts: Sequence[str], **options: Any
) -> Outcomes:
    """The outcomes of saying these texts, in turn in each of `rooms`, all at the same time."""
    saying = [
        changes.apost(rooms[n % len(rooms)], author, text, key=f"key-{n}", **options)
        for n, text in enumerate(texts)
    ]
    return await asyncio.gather(*saying, return_exceptions=True)


@sync_to_async
def bodies(room: Room) -> list[tuple[int, str]]:
    return list(Message.objects.filter(room=room).order_by("seq").values_list("version", "body"))


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One more for each commit."""
    made: list[int] = []
    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def counted(wrapper: BaseDatabaseWrapper) -> object:
        made.append(1)
        return commit(wrapper)

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", counted)
    return made


async def test_is_one_commit_in_order_in_each_room(
    rooms: list[Room], ann: Person, commits: list[int]
) -> None:
    texts = [f"message {n}" for n in range(40)]
    outcomes = await said_at_once(rooms, ann, texts)
    assert len(commits) <= 2
    for n, place in enumerate(rooms):
        assert await bodies(place) == [(k + 1, text) for k, text in enumerate(texts[n::4])]
    for n, (message, change) in enumerate(outcomes):
        assert message.body == texts[n] and change.version == message.version == n // 4 + 1
        assert change.message is message
    last = await Room.objects.aget(pk=rooms[0].pk)
    assert (last.clock, last.last_seq, last.latest_seq, last.last_author_id) == (10, 10, 10, ann.pk)


async def test_one_that_is_refused_leaves_the_others_as_they_are(rooms: list[Room], ann: Person) -> None:
    await Room.objects.filter(pk=rooms[1].pk).aupdate(archived_at=timezone.now())
    await Room.objects.filter(pk=rooms[2].pk).adelete()
    outcomes = await said_at_once(rooms, ann, [f"message {n}" for n in range(8)])
    assert [type(outcome) for outcome in outcomes[:4]] == [tuple, Refused, Room.DoesNotExist, tuple]
    assert await bodies(rooms[0]) == [(1, "message 0"), (2, "message 4")]
    assert await bodies(rooms[1]) == []
    assert await bodies(rooms[3]) == [(1, "message 3"), (2, "message 7")]


async def test_what_was_said_before_is_said_once(rooms: list[Room], ann: Person) -> None:
    again = [changes.apost(rooms[0], ann, "hello", key="same") for _ in range(5)]
    others = [changes.apost(rooms[n], ann, "hi", key=f"other-{n}") for n in range(4)]
    outcomes = await asyncio.gather(*again, *others)
    assert {message.pk for message, _ in outcomes[:5]} == {outcomes[0][0].pk}
    assert sum(change is not None for _, change in outcomes[:5]) == 1
    assert sorted(body for _, body in await bodies(rooms[0])) == ["hello", "hi"]
    assert [version for version, _ in await bodies(rooms[0])] == [1, 2]


async def test_one_that_cannot_be_rendered_fails_alone(
    rooms: list[Room], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = statements.insert

    def failing(messages: Sequence[Message]) -> None:
        insert(messages)
        if any(message.body == "message 5" for message in messages):
            raise ArithmeticError

    monkeypatch.setattr(statements, "insert", failing)
    outcomes = await said_at_once(rooms, ann, [f"message {n}" for n in range(8)])
    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, ArithmeticError)] == [5]
    assert await bodies(rooms[1]) == [(1, "message 1")]
    assert await bodies(rooms[0]) == [(1, "message 0"), (2, "message 4")]


async def test_a_database_that_fails_keeps_nothing_and_tells_each(
    rooms: list[Room], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(statements, "keep_last", fail)
        outcomes = await said_at_once(rooms, ann, [f"message {n}" for n in range(8)])
    assert {type(outcome) for outcome in outcomes} == {OperationalError}
    assert await Message.objects.acount() == 0
    assert len([*await said_at_once(rooms, ann, ["again"])]) == 1
    assert await bodies(rooms[0]) == [(1, "again")]


async def test_who_is_gone_before_the_commit_has_said_it_all_the_same(rooms: list[Room], ann: Person) -> None:
    saying = [asyncio.create_task(changes.apost(place, ann, "my last words")) for place in rooms]
    await asyncio.sleep(0)
    saying[0].cancel()
    await asyncio.gather(*saying, return_exceptions=True)
    assert [await bodies(place) for place in rooms] == [[(1, "my last words")]] * 4


async def test_it_is_heard_here_before_redis_is_told(
    rooms: list[Room], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    async def send(events: Sequence[publishing.Event]) -> Sequence[None]:
        order.append("published")
        return [None] * len(events)

    monkeypatch.setattr(publishing, "_outgoing", Batches(send, 1))
    await changes.apost(rooms[0], ann, "hello", hear=lambda change: order.append("heard"))
    assert order == ["heard"]
    await publishing.finished()
    assert order == ["heard", "published"]


def silent_redis(monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], asyncio.Event]:
    """A Redis that answers once that event is set; and the versions that it was told."""
    asked: list[int] = []
    may_answer = asyncio.Event()

    async def send(events: Sequence[publishing.Event]) -> Sequence[None]:
        asked.extend(event["version"] for _, event in events)
        await may_answer.wait()
        return [None] * len(events)

    monkeypatch.setattr(publishing, "_outgoing", Batches(send, 1))
    return asked, may_answer


async def test_a_redis_that_does_not_answer_holds_up_nobody_and_fills_no_memory(
    rooms: list[Room], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, may_answer = silent_redis(monkeypatch)
    monkeypatch.setattr(publishing, "MOST_WAITING", 2)
    for _ in range(6):
        await changes.apost(rooms[0], ann, "hello", hear=lambda change: None)
    may_answer.set()
    await publishing.finished()
    assert asked == [1, 2, 3]  # the first was asked at once, and two waited


async def test_who_waits_for_such_a_redis_does_not_wait_behind_all_others(
    rooms: list[Room], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, may_answer = silent_redis(monkeypatch)
    monkeypatch.setattr(publishing, "PUBLISH_SECONDS", 0.05)
    for _ in range(3):
        await changes.apost(rooms[0], ann, "hello", hear=lambda change: None)
    async with asyncio.timeout(20):
        await changes.apost(rooms[0], ann, "and goodbye")  # from a command, which waits for Redis
    may_answer.set()
    await publishing.finished()


@pytest.mark.skipif("not config.getoption('--postgres')", reason="SQLite has one lock for all")
async def test_a_room_that_somebody_else_holds_holds_up_no_other(rooms: list[Room], ann: Person) -> None:
    holds, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            statements.locked_room(rooms[1].pk)
            holds.set()
            may_end.wait(30)
        connection.close()

    holding = threading.Thread(target=hold)
    holding.start()
    holds.wait(30)
    try:
        await sync_to_async(_wait_less)()
        outcomes = await said_at_once(rooms, ann, [f"message {n}" for n in range(4)])
    finally:
        may_end.set()
        holding.join()
        await sync_to_async(_wait_as_ever)()
    assert [type(outcome) for outcome in outcomes] == [tuple, OperationalError, tuple, tuple]


def _wait_less() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")


def _wait_as_ever() -> None:
    connection.close()


def test_what_is_rendered_is_rendered_before_the_rooms_are_locked(
    rooms: list[Room], ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    were_locked: list[bool] = []
    render = markup.render

    def watched(text: str, *args: Any, **options: Any) -> Any:
        were_locked.append(connection.in_atomic_block)
        return render(text, *args, **options)

    monkeypatch.setattr(markup, "render", watched)
    record_together([Posting(place.pk, ann, Said("hello")) for place in rooms])
    assert were_locked == [False] * 4


def together(room: Room, author: Person, *said: Said) -> list[Any]:
    return list(record_together([Posting(room.pk, author, one) for one in said]))


def test_slow_mode_sees_what_is_said_in_the_same_moment(rooms: list[Room], ann: Person) -> None:
    Room.objects.filter(pk=rooms[0].pk).update(slow_seconds=60)
    outcomes = together(rooms[0], ann, Said("one"), Said("two"))
    assert [type(outcome) for outcome in outcomes] == [tuple, Refused]
    assert [message.body for message in Message.objects.all()] == ["one"]


def test_a_thread_among_others_keeps_the_order(rooms: list[Room], ann: Person) -> None:
    first = changes.post(rooms[0], ann, "first")
    said = [Said("a"), Said("b", thread=first.seq), Said("c"), Said("d")]
    outcomes = together(rooms[0], ann, *said)
    assert [message.body for message, _ in outcomes] == ["a", "b", "c", "d"]
    kept = list(Message.objects.filter(room=rooms[0]).order_by("seq"))
    assert [message.body for message in kept] == ["first", "a", "b", "c", "d"]
    versions = [message.version for message in kept]
    assert versions[1:] == sorted(versions[1:]) and len({*versions}) == 5
    room = Room.objects.get(pk=rooms[0].pk)
    assert room.clock == max(versions) and room.latest_seq == kept[-1].seq
    assert sum(Tally.objects.filter(room=room).values_list("count", flat=True)) == 5


def test_who_is_named_in_a_thread_hears_nothing_of_what_was_said_before(
    rooms: list[Room], ann: Person, person: Callable[[str], Person]
) -> None:
    bob, cid = person("bob"), person("cid")
    Membership.join(rooms[0].pk, ann.pk, bob.pk, cid.pk)
    above = changes.post(rooms[0], bob, "first").seq
    texts = ["one", "@cid", "two", "@cid"]
    outcomes = together(rooms[0], ann, *(Said(text, thread=above) for text in texts))
    told = [(change.mentioned, set(change.followers)) for _, change in outcomes]
    both = {bob.pk, cid.pk}
    assert told == [((), {bob.pk}), ((cid.pk,), both), ((), both), ((cid.pk,), both)]
    standing = Following.objects.filter(person=cid).values_list("read_seq", "mentions")
    assert list(standing) == [(outcomes[0][0].seq, 2)]


def test_many_take_a_statement_for_all_of_what_one_takes(rooms: list[Room], ann: Person) -> None:
    counts, hello = [], Said("hello", at=timezone.now())
    together(rooms[0], ann, hello)
    for size in (2, 20):
        with CaptureQueriesContext(connection) as queries:
            assert all(map(len, together(rooms[0], ann, *[hello] * size)))
        counts.append(sum(not query["sql"].startswith("SELECT") for query in queries))
    assert counts[0] == counts[1]
