"""Tabs that come back at the same time: read once, and each ends up with the last of everything."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import DatabaseError

from rooms import audience, changes, editing, resumes
from rooms.audience import Audience
from rooms.hub import Hub
from rooms.missed import Missed, missed_since
from rooms.models import Message, Person, Room
from rooms.resumes import Reading, Resumes
from rooms.view import View
from tests.page import Page
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

VIEW = View()
Audience_ = Callable[[], Awaitable[Audience]]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The cursors for which the database was asked."""
    asked: list[int] = []

    async def counted(room_id: int, version: int, *views: View) -> Missed:
        asked.append(version)
        return await missed_since(room_id, version, *views)

    monkeypatch.setattr(resumes, "missed_since", counted)
    return asked


@pytest_asyncio.fixture
async def watched(here: Hub, lounge: Room) -> Audience:
    """The audience of the lounge, where somebody looks on."""
    found = await here.join(lounge.pk, page := Page())
    found.admit(page)
    return found


async def come_back(found: Audience, page: Page) -> None:
    """As a tab's consumer has it, with a pause after what was read."""
    found.waiting.add(page)
    found.admit(page)
    page.resumed = False
    html = None
    while html is None:
        reading = await found.resumes.read(page.cursor, VIEW)
        await asyncio.sleep(0.02)
        found.flush()
        html = found.resumes.html(reading, VIEW)
    page.give(html + f'<input type="hidden" id="cursor" name="cursor" value="{found.version}"')
    page.resumed = True


async def fresh(room: Room) -> dict[int, str]:
    page = Page()
    page.give((await missed_since(room.pk, 0, VIEW)).html(*VIEW))
    return page.shown


async def test_all_that_come_at_once_with_one_cursor_are_read_for_once(
    watched: Audience, lounge: Room, ann: Person, reads: list[int]
) -> None:
    for n in range(5):
        await changes.apost(lounge, ann, f"message {n}", hear=watched.hear)
    pages = [Page() for _ in range(20)]
    await asyncio.gather(*(come_back(watched, page) for page in pages))
    assert reads == [0]
    assert all(page.texts == [f"message {n}" for n in range(5)] for page in pages)


async def test_what_was_changed_since_it_was_read_is_not_undone(
    watched: Audience, lounge: Room, ann: Person, reads: list[int]
) -> None:
    message, _change = await changes.apost(lounge, ann, "frist", hear=watched.hear)
    reading = await watched.resumes.read(0, VIEW)
    page = Page()
    watched.waiting.add(page)
    watched.admit(page)
    change = await sync_to_async(editing.edit)(message, ann, "first")
    assert change is not None
    watched.hear(change)
    await changes.apost(lounge, ann, "second", hear=watched.hear)
    watched.flush()
    assert page.texts == ["second"], "an edit replaces what is there, and nothing is"
    page.give(watched.resumes.html(reading, VIEW) or "")
    assert page.texts == ["first", "second"]
    late = Page()
    await come_back(watched, late)
    assert late.texts == ["first", "second"] and reads == [0]


async def test_what_is_read_too_long_ago_is_read_again(
    watched: Audience, lounge: Room, ann: Person, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumes, "SHARED_SECONDS", 0.0)
    await changes.apost(lounge, ann, "hello", hear=watched.hear)
    for _ in range(2):
        await come_back(watched, page := Page())
        assert page.texts == ["hello"]
    assert reads == [0, 0]


async def test_after_too_much_since_it_is_read_again_and_nothing_is_kept(
    watched: Audience, lounge: Room, ann: Person, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumes, "MOST_SINCE", 3)
    reading = await watched.resumes.read(0, VIEW)
    for n in range(5):
        await changes.apost(lounge, ann, f"message {n}", hear=watched.hear)
    assert watched.resumes.html(reading, VIEW) is None
    assert not watched.resumes._since
    await come_back(watched, page := Page())
    assert page.texts == [f"message {n}" for n in range(5)]
    assert reads == [0, 0]


async def test_nothing_is_kept_for_nobody(
    watched: Audience, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(resumes, "SHARED_SECONDS", 600)
    await watched.resumes.read(0, VIEW)
    await changes.apost(lounge, ann, "hello", hear=watched.hear)
    assert len(watched.resumes._since) == 1
    watched.resumes.rest()
    assert len(watched.resumes._since) == 1, "it may be given to others yet"
    monkeypatch.setattr(resumes, "SHARED_SECONDS", 0)
    watched.resumes.rest()
    assert not watched.resumes._since and not watched.resumes._readings


async def test_a_database_that_fails_is_told_to_each_and_asked_again(
    lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def failing(*about: object) -> Missed:
        await asyncio.sleep(0)
        raise DatabaseError("away")

    of_room = Resumes(lounge.pk)
    with monkeypatch.context() as patch:
        patch.setattr(resumes, "missed_since", failing)
        reading = [of_room.read(0, VIEW) for _ in range(3)]
        for error in await asyncio.gather(*reading, return_exceptions=True):
            assert isinstance(error, DatabaseError)
    await changes.apost(lounge, ann, "hello")
    assert "hello" in (of_room.html(await of_room.read(0, VIEW), VIEW) or "")


async def test_one_that_goes_leaves_the_others_waiting(lounge: Room, ann: Person) -> None:
    await changes.apost(lounge, ann, "hello")
    of_room = Resumes(lounge.pk)
    tasks = [asyncio.create_task(of_room.read(0, VIEW)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    gone, *others = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(gone, asyncio.CancelledError)
    for reading in others:
        assert isinstance(reading, Reading) and "hello" in (of_room.html(reading, VIEW) or "")


@pytest.mark.parametrize("seed", range(3))
async def test_whenever_they_come_all_end_up_with_what_a_fresh_page_shows(
    watched: Audience, lounge: Room, ann: Person, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resumes, "SHARED_SECONDS", 0.1)
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.05)
    rng = random.Random(seed)
    pages: list[Page] = []

    async def write() -> None:
        for n in range(40):
            message, change = await changes.apost(lounge, ann, f"message {n}")
            if change is not None and rng.random() < 0.7:
                watched.hear(change)  # or Redis brings it
            if rng.random() < 0.6:
                seq = rng.randint(1, message.seq)
                if old := await Message.objects.filter(room=lounge, seq=seq, deleted_at=None).afirst():
                    if rng.random() < 0.5:
                        await sync_to_async(editing.edit)(old, ann, f"edited {n}")
                    else:
                        await sync_to_async(changes.delete)(old, ann)
            await asyncio.sleep(rng.random() * 0.02)

    async def come() -> None:
        for _ in range(25):
            pages.append(Page())
            await come_back(watched, pages[-1])
            await asyncio.sleep(rng.random() * 0.03)

    await asyncio.gather(write(), come(), come())
    clock = (await Room.objects.aget(pk=lounge.pk)).clock
    watched.reached(clock)
    await until(lambda: watched.version == clock and all(page.cursor == clock for page in pages))
    whole = await fresh(lounge)
    for page in pages:
        assert page.shown == whole
