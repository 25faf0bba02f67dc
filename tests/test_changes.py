"""The one door: the clock, and what is published when."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from rooms import changes, publishing
from rooms.access import Refused
from rooms.changes import Change
from rooms.models import Message, Person, Room


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """What was published."""
    heard: list[Change] = []

    async def publish(change: Change) -> None:
        heard.append(change)

    monkeypatch.setattr(publishing, "publish", publish)
    return heard


@pytest.mark.django_db(transaction=True)
class TestPost:
    def test_takes_the_next_tick(self, room: Callable[..., Room], person: Callable[..., Person]) -> None:
        lounge, ann = room(), person()
        messages = [changes.post(lounge, ann, f"message {n}") for n in range(5)]
        assert [(message.seq, message.version) for message in messages] == [(n, n) for n in range(1, 6)]
        lounge.refresh_from_db()
        assert lounge.clock == 5
        assert lounge.last_at == messages[-1].at

    def test_rooms_have_clocks_of_their_own(
        self, room: Callable[..., Room], person: Callable[..., Person]
    ) -> None:
        ann = person()
        changes.post(room("One"), ann, "hello")
        assert changes.post(room("Two"), ann, "hello").seq == 1

    def test_is_published_after_the_commit_and_not_before(
        self, room: Callable[..., Room], person: Callable[..., Person], published: list[Change]
    ) -> None:
        with transaction.atomic():
            changes.post(room(), person(), "hello")
            assert published == []
        assert [change.version for change in published] == [1]
        assert "hello" in published[0].html("UTC")

    def test_is_not_published_when_it_is_rolled_back(
        self, room: Callable[..., Room], person: Callable[..., Person], published: list[Change]
    ) -> None:
        lounge, ann = room(), person()
        with pytest.raises(RuntimeError), transaction.atomic():
            changes.post(lounge, ann, "hello")
            raise RuntimeError
        assert published == []
        assert not Message.objects.exists()
        assert changes.post(lounge, ann, "again").seq == 1

    def test_under_the_same_key_says_it_once(
        self, room: Callable[..., Room], person: Callable[..., Person], published: list[Change]
    ) -> None:
        lounge, ann, bob = room(), person("ann"), person("bob")
        first = changes.post(lounge, ann, "hello", key="k")
        assert changes.post(lounge, ann, "hello", key="k") == first
        assert len(published) == 1
        # Another's key, or the same in another room, is another message.
        assert changes.post(lounge, bob, "hello", key="k") != first
        assert changes.post(room("Other"), ann, "hello", key="k") != first
        lounge.refresh_from_db()
        assert lounge.clock == 2

    def test_what_was_said_is_not_refused_when_it_comes_again(
        self, room: Callable[..., Room], person: Callable[..., Person]
    ) -> None:
        lounge, ann = room(), person("ann")
        first = changes.post(lounge, ann, "hello", key="k")
        with transaction.atomic():
            changes.configure(lounge, is_closed=True)
        with transaction.atomic():  # of the caller, who goes on
            assert changes.post(lounge, ann, "hello", key="k") == first
            with pytest.raises(Refused):
                changes.post(lounge, ann, "hello", key="another")
            assert Message.objects.get() == first

    def test_groups_what_one_author_says_within_minutes(
        self, room: Callable[..., Room], person: Callable[..., Person]
    ) -> None:
        lounge, ann, bob = room(), person("ann"), person("bob")
        first = changes.post(lounge, ann, "one")
        at = first.at
        rest = [
            changes.post(lounge, ann, "two", at=at + timedelta(seconds=1)),
            changes.post(lounge, bob, "three", at=at + timedelta(seconds=2)),
            changes.post(lounge, bob, "four", at=at + timedelta(minutes=6)),
        ]
        assert [message.follows_author for message in (first, *rest)] == [False, True, False, True]
        assert [message.previous_at for message in (first, *rest)][:2] == [None, at]


@pytest.mark.django_db(transaction=True)
def test_many_writers_leave_no_hole_and_no_double(
    room: Callable[..., Room], person: Callable[..., Person], published: list[Change]
) -> None:
    """Threads with a connection each are to the database what processes are."""
    lounge, writers, each = room(), 4, 15
    people = [person(f"writer {n}") for n in range(writers)]
    start = threading.Barrier(writers)

    def write(author: Person) -> None:
        start.wait()
        for n in range(each):
            changes.post(lounge, author, f"{author.username} says {n}", key=f"k{n}")
            changes.post(lounge, author, f"{author.username} says {n}", key=f"k{n}")
        connection.close()

    threads = [threading.Thread(target=write, args=(author,)) for author in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    messages = list(Message.objects.filter(room=lounge).order_by("version").select_related("author"))
    assert [message.version for message in messages] == list(range(1, writers * each + 1))
    assert [message.seq for message in messages] == [message.version for message in messages]
    for author in people:
        said = [message.body for message in messages if message.author == author]
        assert said == [f"{author.username} says {n}" for n in range(each)]
    assert sorted(change.version for change in published) == list(range(1, writers * each + 1))
    for before, after in zip(messages, messages[1:], strict=False):
        assert after.previous_at == before.at
        assert after.follows_author == (after.author_id == before.author_id)


@pytest.mark.django_db(transaction=True)
async def test_a_redis_that_is_away_costs_the_author_nothing(
    redis_server: object, room: Callable[..., Room], person: Callable[..., Person]
) -> None:
    from asgiref.sync import sync_to_async

    lounge, ann = await sync_to_async(room)(), await sync_to_async(person)()
    redis_server.stop()  # type: ignore[attr-defined]
    message, change = await changes.apost(lounge, ann, "hello")
    assert change is not None
    assert await Message.objects.acount() == 1
