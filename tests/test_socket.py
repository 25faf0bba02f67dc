"""One tab's conversation with the server, over the whole application."""

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from channels.routing import get_default_application
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from rooms import changes, consumers, editing, moderation, presence, publishing, resumes
from rooms.hub import Hub
from rooms.models import Membership, Message, Person, Room
from rooms.settings_forms import SettingsForm
from tests.page import Page
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

RESUME = {"action": "resume", "cursor": "0"}


class Socket(WebsocketCommunicator):
    """A client's end of a WebSocket, and the page it belongs to."""

    def __init__(self, path: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(get_default_application(), path, [(b"host", b"testserver"), *headers])
        self.page = Page()

    async def say(self, **frame: Any) -> None:
        await self.send_to(text_data=json.dumps(frame))

    async def frame(self) -> str:
        """The next frame, which the page is given too."""
        frame = await self.receive_from(timeout=10)
        self.page.give(frame)
        return frame

    async def frame_with(self, text: str) -> str:
        """The first frame from now on that holds `text`."""
        while text not in (frame := await self.frame()):
            pass
        return frame

    async def close_code(self) -> int:
        """The code that the server closes with; frames before that are passed over."""
        while (event := await self.receive_output(timeout=10))["type"] != "websocket.close":
            pass
        return event["code"]


def cookie_of(person: Person) -> tuple[bytes, bytes]:
    client = Client()
    client.force_login(person)
    return (b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())


@pytest_asyncio.fixture
async def connect(lounge: Room) -> AsyncIterator[Callable[..., Awaitable[Socket]]]:
    """await connect(person): a socket of theirs in the lounge, open."""
    sockets: list[Socket] = []

    async def make(person: Person, *headers: tuple[bytes, bytes]) -> Socket:
        # As its page has done; that somebody comes in is told to their other tabs.
        await sync_to_async(Membership.join)(lounge.pk, person.pk)
        cookie = await sync_to_async(cookie_of)(person)
        socket = Socket(f"/rooms/{lounge.slug}/live/", cookie, *headers)
        sockets.append(socket)
        is_connected, _ = await socket.connect(timeout=10)
        assert is_connected
        return socket

    yield make
    for socket in sockets:
        with suppress(BaseException):
            await socket.disconnect()
    await Hub.here().close()
    await get_channel_layer().flush()


@pytest.fixture(autouse=True)
def nobody_looks_who_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no frames come but those a test asks for."""
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)


@pytest.fixture(autouse=True)
def no_errors(caplog: pytest.LogCaptureFixture) -> Any:
    """Whatever a tab sends, the process logs no error for it."""
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


class TestConversation:
    async def test_what_is_said_reaches_every_tab(self, connect, ann: Person, person) -> None:
        bob = await sync_to_async(person)("bob")
        tabs = [await connect(ann), await connect(ann), await connect(bob)]
        for tab in tabs:
            await tab.say(**RESUME)
            await tab.frame()
        await tabs[0].say(body="hello")
        await tabs[2].say(body="hi")
        for tab in tabs:
            while tab.page.cursor < 2:
                await tab.frame()
            assert sorted(tab.page.texts) == ["hello", "hi"]
            assert set(tab.page.times_given.values()) == {1}

    async def test_resume_brings_what_was_missed_and_moves_the_cursor(
        self, connect, ann: Person, lounge: Room
    ) -> None:
        for n in range(5):
            await changes.apost(lounge, ann, f"message {n}")
        tab = await connect(ann)
        await tab.say(action="resume", cursor="3")
        await tab.frame()
        assert tab.page.texts == ["message 3", "message 4"]
        assert tab.page.cursor == 5

    async def test_resume_with_nothing_missed_costs_no_query(
        self, connect, ann: Person, lounge: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await changes.apost(lounge, ann, "hello")
        tab = await connect(ann)
        monkeypatch.setattr(resumes, "missed_since", None)
        await tab.say(action="resume", cursor="1")
        await tab.frame()
        assert tab.page.cursor == 1

    async def test_what_is_said_before_the_resume_is_taken_and_shown(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(body="early")
        assert "early" in await tab.frame()
        assert tab.page.cursor == 0
        await tab.say(**RESUME)
        await tab.frame_with("cursor")
        assert tab.page.texts == ["early"]
        assert tab.page.cursor == 1

    async def test_under_a_new_name_one_goes_on_in_tabs_that_are_open(
        self, connect, ann: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        heard: list[bool] = []
        notice = Hub.here().news.notice
        monkeypatch.setattr(Hub.here().news, "notice", lambda told: heard.append(notice(told) is None))
        typed = {"username": "Anne", "bio": "", "time_zone": "", "theme": ""}
        form = SettingsForm(typed, ann)
        assert await sync_to_async(form.is_valid)()
        await sync_to_async(form.save)()
        await until(lambda: heard)
        await tab.say(body="hello")
        assert '<bdi class="author">Anne</bdi>' in await tab.frame_with("hello")

    @pytest.mark.parametrize("is_lost", [False, True])
    async def test_a_new_name_of_the_room_is_in_the_title_from_then_on(
        self, connect, ann: Person, lounge: Room, is_lost: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await Person.objects.filter(pk=ann.pk).aupdate(is_superuser=True)
        if is_lost:
            monkeypatch.setattr(publishing, "publish_after_commit", lambda change: None)
        await sync_to_async(moderation.configure)(lounge, ann, name="Salon")
        audience = Hub.here().audiences[lounge.pk]
        audience.reached(1)
        await tab.frame_with("<title>Salon – Parlor</title>")
        (shown,) = Hub.here().news.people[ann.pk].tabs
        shown.retitle(3)
        await tab.frame_with("<title>(3) Salon – Parlor</title>")

    async def test_a_room_that_is_not_there(self, ann: Person) -> None:
        socket = Socket("/rooms/nowhere/live/", await sync_to_async(cookie_of)(ann))
        await socket.connect()
        assert await socket.close_code() == 4404

    @pytest.mark.parametrize("cookie", [b"", b"sessionid=guessed", b"sessionid=\xff\x00;;"])
    async def test_somebody_who_is_not_signed_in(self, lounge: Room, cookie: bytes) -> None:
        socket = Socket(f"/rooms/{lounge.slug}/live/", (b"cookie", cookie))
        await socket.connect()
        assert await socket.close_code() == 4401


class TestSentAgain:
    """A form that was sent stays on the page until the server lets it go."""

    async def test_is_said_once_and_let_go(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body="hello", key="k1")
        await tab.say(body="hello", key="k1", again=1)
        frame = await tab.frame_with("#send-k1")
        assert 'hx-swap="delete"' in frame
        assert 'id="message-1"' in frame  # in one frame: the form goes as the message comes
        assert await Message.objects.acount() == 1

    async def test_after_a_connection_that_was_lost(self, connect, ann: Person) -> None:
        before = await connect(ann)
        await before.say(**RESUME)
        await before.say(body="kept", key="k1")
        await before.frame_with("kept")
        after = await connect(ann)
        # What was queued comes first: it was written after what the connection lost.
        await after.say(body="queued", key="k3")
        await after.say(**RESUME)
        await after.say(body="kept", key="k1", again=1)  # which the server has
        await after.say(body="lost", key="k2", again=1)  # which it never got
        await after.say(body="queued and", key="k3", again=1)  # typed on, before the field changed
        for key in ("k1", "k2", "k3"):
            frame = await after.frame_with(f"#send-{key}")
        assert 'value=" and"' in frame
        assert [message.body async for message in Message.objects.order_by("seq")] == [
            "kept",
            "lost",
            "queued",
        ]

    @pytest.mark.parametrize("text", ["something else", "ke", None])
    async def test_what_was_edited_or_deleted_before_it_was_confirmed_is_not_said_once_more(
        self, connect, ann: Person, text: str | None
    ) -> None:
        before = await connect(ann)
        await before.say(**RESUME)
        await before.say(body="kept", key="k1")
        await before.frame_with("kept")
        said = await Message.objects.select_related("room", "author").aget()
        await sync_to_async(editing.edit if text else changes.delete)(said, ann, *[text] * bool(text))
        after = await connect(ann)
        await after.say(**RESUME)
        await after.say(body="kept", key="k1", again=1)
        assert 'name="lead"' not in await after.frame_with("#send-k1")
        await after.say(body="two", key="k2")
        await after.frame_with("two")
        assert [message.body async for message in Message.objects.order_by("seq")] == [text or "", "two"]

    async def test_what_was_typed_meanwhile_leads_the_next_message(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body="one", key="k1")
        await tab.say(body="onetw", key="k1", again=1)
        assert 'name="lead" value="tw"' in await tab.frame_with("#send-k1 + .send")
        await tab.say(body="o", lead="tw", key="k2")
        await tab.say(body="three", key="k3")
        await tab.frame_with("three")
        assert [message.body async for message in Message.objects.order_by("seq")] == ["one", "two", "three"]

    async def test_even_if_that_was_sent_before_it_was_shown(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body="one", key="k1")
        await tab.say(body="onetw", key="k1", again=1)
        await tab.say(body="o", key="k2")
        await tab.frame_with("two")
        assert [message.body async for message in Message.objects.order_by("seq")] == ["one", "two"]

    async def test_a_whole_message_typed_meanwhile_is_a_message(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body="one", key="k1")
        await tab.say(body="onetwo", key="k1")
        await tab.say(body="onetwo", key="k1", again=1)
        assert "lead" not in await tab.frame_with("#send-k1")
        assert [message.body async for message in Message.objects.order_by("seq")] == ["one", "two"]


class TestRefused:
    @pytest.mark.parametrize("body", ["", "  \n ", "x" * 4001, None, 5, ["a", "b"], {"a": 1}, "\ud800"])
    async def test_comes_back_to_its_author_alone(self, connect, ann: Person, body: Any) -> None:
        tab, other = await connect(ann), await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body=body, key="k1")
        frame = await tab.frame()
        assert 'hx-target="#send-k1"' in frame
        assert 'role="alert"' in frame
        assert await other.receive_nothing()
        assert not await Message.objects.aexists()

    async def test_without_a_key_it_is_a_notice(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(body="x" * 5000)
        assert 'hx-target="#notice"' in await tab.frame()

    async def test_at_the_limit_it_is_taken(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(body="x" * 4000)
        await tab.frame_with("xxx")
        assert await Message.objects.acount() == 1

    async def test_can_be_sent_again_shorter_and_discarded(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body="x" * 4001, key="k1")
        await tab.frame()
        await tab.say(body="shorter", key="k1")
        await tab.frame_with("shorter")
        await tab.say(body="y" * 4001, key="k2")
        await tab.frame()
        await tab.say(action="discard", body="y" * 4001, key="k2")
        await tab.frame_with('hx-target="#send-k2" hx-swap="delete"')
        assert [message.body async for message in Message.objects.all()] == ["shorter"]

    @pytest.mark.parametrize("key", ["", "x" * 65, 'a"b', "<b>", "a b", 7, None, ["k"]])
    async def test_a_key_that_is_none_does_no_harm(self, connect, ann: Person, key: Any) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.frame()
        await tab.say(body="hello", key=key)
        assert "hello" in await tab.frame()

    async def test_too_many_in_a_short_time(self, rate_limits: None, connect, ann: Person, person) -> None:
        tab, bob = await connect(ann), await connect(await sync_to_async(person)("bob"))
        await tab.say(**RESUME)
        await tab.frame()
        for n in range(40):
            await tab.say(body=f"message {n}", key=f"k{n}")
        await tab.frame_with("faster than others can read")
        await bob.say(body="others may go on")
        await bob.frame_with("others may go on")
        assert 1 < await Message.objects.acount() < 30


class TestBadInput:
    @pytest.mark.parametrize(
        "text",
        [
            "not JSON", "   ", "{", "null", "[]", '"text"', "5", "[" * 100_000, '{"action": "fly"}',
            '{"action": ["post"]}', '{"action": null}', '{"action": "resume"}',
            '{"action": "resume", "cursor": "-1"}', '{"action": "resume", "cursor": "x"}',
            '{"action": "resume", "cursor": [1]}', '{"action": "resume", "cursor": 1e400}',
            '{"action": "resume", "cursor": "99999999999999999999999"}', "\0", "🦀", "Infinity",
        ],
    )  # fmt: skip
    async def test_is_answered_and_the_tab_goes_on(self, connect, ann: Person, text: str) -> None:
        tab = await connect(ann)
        await tab.send_to(text_data=text)
        assert 'hx-target="#notice"' in await tab.frame()
        await tab.say(body="hello")
        await tab.frame_with("hello")

    async def test_a_forged_cursor_starts_over(self, connect, ann: Person, lounge: Room) -> None:
        await changes.apost(lounge, ann, "hello")
        tab = await connect(ann)
        await tab.say(action="resume", cursor=str(2**62))
        await tab.frame()
        assert tab.page.anew
        assert tab.page.texts == ["hello"]
        assert tab.page.cursor == 1

    async def test_binary(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.send_to(bytes_data=b"\x00\xff")
        assert await tab.close_code() == 1003

    async def test_an_enormous_frame(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.send_to(text_data=json.dumps({"body": "x" * 600_000}))
        assert await tab.close_code() == 1009

    async def test_much_nonsense_ends_it(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        for _ in range(consumers.MOST_MISTAKES + 1):
            await tab.send_to(text_data="nonsense")
        assert await tab.close_code() == 1008

    async def test_thousands_of_frames_end_it_and_nobody_else_notices(
        self, rate_limits: None, connect, ann: Person, person
    ) -> None:
        tab, bob = await connect(ann), await connect(await sync_to_async(person)("bob"))
        for _ in range(1000):
            await tab.say(**RESUME)
        assert await tab.close_code() == 1008
        await bob.say(body="quiet here")
        await bob.frame_with("quiet here")


class TestOrigin:
    @pytest.mark.parametrize(
        "origin",
        ["http://evil.example", "http://testserver:81", "https://testserver.evil.example", "null", "garbage"],
    )
    async def test_another_is_refused(self, lounge: Room, ann: Person, origin: str) -> None:
        cookie = await sync_to_async(cookie_of)(ann)
        socket = Socket(f"/rooms/{lounge.slug}/live/", cookie, (b"origin", origin.encode()))
        is_connected, _ = await socket.connect()
        assert not is_connected

    @pytest.mark.parametrize("origin", ["http://testserver", "https://testserver", "HTTP://TESTSERVER"])
    async def test_its_own_is_taken(self, connect, ann: Person, origin: str) -> None:
        assert await connect(ann, (b"origin", origin.encode()))

    async def test_one_that_the_site_trusts_is_taken(self, connect, ann: Person, monkeypatch) -> None:
        monkeypatch.setattr(settings, "CSRF_TRUSTED_ORIGINS", ["https://chat.example"])
        assert await connect(ann, (b"origin", b"https://chat.example"))


async def test_a_database_that_fails_closes_the_socket_so_that_the_tab_sends_again(
    connect, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    async def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("disk full")

    tab = await connect(ann)
    await tab.say(**RESUME)
    await tab.frame()
    monkeypatch.setattr(changes, "apost", fail)
    await tab.say(body="hello", key="k1")
    assert await tab.close_code() == 1011


async def test_a_room_that_is_removed_ends_its_sockets(connect, ann: Person, lounge: Room) -> None:
    tab = await connect(ann)
    await tab.say(**RESUME)
    await tab.frame_with('id="cursor"')
    await lounge.adelete()
    await tab.say(body="hello")
    assert await tab.close_code() == 4404


async def test_what_comes_after_the_close_is_not_taken(connect, ann: Person) -> None:
    tab = await connect(ann)
    await tab.send_to(bytes_data=b"binary")
    await tab.say(body="too late")
    assert await tab.close_code() == 1003
    assert not await Message.objects.aexists()


@pytest.mark.parametrize(
    "frame",
    [
        {"lead": "x", "key": "k"},
        {"lead": "x", "key": "k", "body": []},
        {"lead": {"a": 1}, "body": "x", "key": "k", "again": 1},
        {"action": "discard", "key": ["k"]},
    ],
)
async def test_frames_of_odd_shapes_leave_the_socket_as_it_was(connect, ann: Person, frame: dict) -> None:
    tab = await connect(ann)
    await tab.say(**RESUME)
    await tab.frame()
    for _ in range(2):
        await tab.say(**frame)
    await tab.say(body="hello")
    await tab.frame_with("hello")


async def test_a_deeply_nested_cursor(connect, ann: Person) -> None:
    tab = await connect(ann)
    await tab.send_to(text_data='{"action":"resume","cursor":' + "[" * 950 + "]" * 950 + "}")
    assert 'hx-target="#notice"' in await tab.frame()


async def test_a_join_that_fails_leaves_no_tab_behind(ann: Person, lounge: Room, monkeypatch) -> None:
    from django.db import OperationalError

    from rooms import hub

    async def fail(*args: object) -> None:
        raise OperationalError("away")

    monkeypatch.setattr(hub, "clocks", fail)
    socket = Socket(f"/rooms/{lounge.slug}/live/", await sync_to_async(cookie_of)(ann))
    await socket.connect()
    assert await socket.close_code() == 1011
    assert not any(audience.tabs for audience in Hub.here().audiences.values())
    await Hub.here().close()
    await get_channel_layer().flush()


async def test_a_page_that_tries_again_while_the_database_fails_keeps_within_the_limits(
    rate_limits: None, connect, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rooms import limits

    async def fail(*args: object, **kwargs: object) -> None:
        raise consumers.DatabaseError("disk full")

    monkeypatch.setattr(consumers, "some_seconds", lambda: 0)
    with monkeypatch.context() as failing:
        failing.setattr(changes, "apost", fail)
        for _ in range(10):  # once a second, in the ten that are counted together
            tab = await connect(ann)
            await tab.say(body="hello")
            assert await tab.close_code() == 1011
    assert await limits.acount(limits.POSTS, ann.pk, "") == ""


async def test_what_was_queued_beyond_the_limit_waits_and_is_said(
    rate_limits: None, connect, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rooms import limits

    asked: list[int] = []

    async def count(limit: limits.Limit, person_id: int, address: str) -> str:
        asked.append(person_id)
        return "" if len(asked) > 5 else "Too many."

    monkeypatch.setattr(limits, "acount", count)
    monkeypatch.setattr(consumers, "some_seconds", lambda: 0)
    tab = await connect(ann)
    await tab.say(**RESUME)
    await tab.say(body="patience", key="k1", again=1)
    await tab.frame_with("#send-k1")
    assert await Message.objects.acount() == 1


async def test_an_address_that_is_none_is_refused() -> None:
    is_connected, _ = await Socket("/nothing/here/").connect()
    assert not is_connected


class TestLead:
    async def test_is_not_said_twice(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.say(body="abc", key="k1")
        await tab.say(body="abc de", key="k1", again=1)
        await tab.frame_with("lead")
        await tab.say(body="f", lead=" de", key="k2", again=1)
        assert "lead" not in await tab.frame_with("#send-k2")
        await tab.say(body="ghi", key="k3")
        await tab.frame_with("ghi")
        assert [message.body async for message in Message.objects.order_by("seq")] == ["abc", "def", "ghi"]

    async def test_is_not_said_after_it_was_discarded(self, connect, ann: Person) -> None:
        tab = await connect(ann)
        await tab.say(**RESUME)
        await tab.say(body="abc", key="k1")
        await tab.say(body="abc de", key="k1", again=1)
        await tab.say(action="discard", body="", lead=" de", key="k2")
        await tab.say(body="ijk", key="k3")
        await tab.frame_with("ijk")
        assert [message.body async for message in Message.objects.order_by("seq")] == ["abc", "ijk"]
