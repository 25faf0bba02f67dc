"""Who wants it hears a sound where somebody names them or writes to them."""

import asyncio
import wave

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from rooms import changes, joining, publishing, telling
from rooms.events import Change, Notice
from rooms.hub import Hub
from rooms.models import Membership, Message, Person, Room
from rooms.settings_forms import SettingsForm
from tests.sidebars import open_tab
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("impatient")]


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
    monkeypatch.setattr(telling, "REST_SECONDS", 3600)
    for n in range(1, 51):
        message = Message(room=lounge, author=ann, seq=n, version=n)
        here.hear(Change(lounge.pk, n, message, mentioned=(bob_hears.pk,)))
        await asyncio.sleep(0)
    assert tab.rung == 1
    here.news.people[bob_hears.pk]._rested()  # a second later
    assert tab.rung == 2


async def test_what_was_read_before_it_could_sound_does_not(
    here: Hub, lounge: Room, ann: Person, bob_hears: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await open_tab(here, bob_hears)
    monkeypatch.setattr(telling, "REST_SECONDS", 3600)
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


def test_the_sound_is_short_and_small() -> None:
    path = settings.BASE_DIR / "static/chime.wav"
    with wave.open(str(path)) as sound:
        assert 0.1 < sound.getnframes() / sound.getframerate() < 0.4
    assert path.stat().st_size < 20_000
