"""A request takes over the database connection of one before."""

from collections.abc import Awaitable, Callable, Iterator

import pytest
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from project import connections as kept
from project.handler import Handler

pytestmark = pytest.mark.django_db(transaction=True)

Opened = list[BaseDatabaseWrapper]
Visit = Callable[[], Awaitable[int]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """The connections that this test opens; it begins with none, and leaves none."""
    found: Opened = []

    def note(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
        found.append(connection)

    close_idle()
    connection_created.connect(note)
    yield found
    connection_created.disconnect(note)
    close_idle()


def close_idle() -> None:
    while kept._idle:
        kept._idle.pop().close()


@pytest.fixture
def visit() -> Visit:
    """Opens the lobby as a server does, and returns the status."""
    application = Handler()
    headers = [(b"host", b"localhost")]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}

    async def visit() -> int:
        browser = ApplicationCommunicator(application, scope)
        await browser.send_input({"type": "http.request"})
        start = await browser.receive_output(5)
        while (await browser.receive_output(5)).get("more_body"):
            pass
        await browser.wait(5)
        return int(start["status"])

    return visit


async def test_requests_after_each_other_share_one(opened: Opened, visit: Visit) -> None:
    assert [await visit() for _ in range(5)] == [200] * 5
    assert len(opened) == len(kept._idle) == 1


async def test_no_more_than_some_are_kept(
    opened: Opened, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "KEPT", 0)
    assert [await visit() for _ in range(2)] == [200] * 2
    assert len(opened) == 2
    assert not kept._idle


@pytest.mark.skipif("not config.getoption('--postgres')", reason="SQLite ends none")
async def test_those_that_the_server_ended_are_opened_again(opened: Opened, visit: Visit) -> None:
    await visit()
    (idle,) = kept._idle

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [idle.connection.info.backend_pid])

    await sync_to_async(end)()
    assert [await visit() for _ in range(2)] == [200] * 2
    assert opened.count(idle) == 2
