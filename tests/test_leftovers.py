"""What is done with goes by itself: what waits for the garbage collector piles up until that comes by, and
then everybody waits."""

import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.layers import get_channel_layer

from project.handler import Handler
from rooms import farewell
from rooms.forms import MessageForm
from rooms.hub import Hub
from rooms.models import Membership, Person, Room
from tests.test_socket import RESUME, Socket, cookie_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[Hub]:
    yield Hub.here()
    await Hub.here().close()
    await get_channel_layer().flush()


async def test_a_request() -> None:
    class Watched(Handler):
        def create_request(self, scope: Any, body_file: Any) -> Any:
            request, error = super().create_request(scope, body_file)
            requests.append(weakref.ref(request))
            return request, error

    requests: list[weakref.ref[Any]] = []
    scope = {"type": "http", "method": "GET", "path": "/healthz", "query_string": b"", "headers": []}
    browser = ApplicationCommunicator(Watched(), scope)
    await browser.send_input({"type": "http.request"})
    await browser.receive_output(5)
    await browser.send_input({"type": "http.disconnect"})  # as servers say after every answer
    await browser.wait(5)
    assert [request() for request in requests] == [None]


def test_the_form_of_a_message() -> None:
    form = MessageForm({"body": "hello"})
    assert form.is_valid()
    known = weakref.ref(form)
    del form
    assert known() is None


async def test_a_tab(hub: Hub, lounge: Room, ann: Person) -> None:
    await sync_to_async(Membership.join)(lounge.pk, ann.pk)
    cookie = await sync_to_async(cookie_of)(ann)
    socket = Socket(f"/rooms/{lounge.slug}/live/", cookie)
    await socket.connect(timeout=10)
    await socket.say(**RESUME)
    await socket.say(body="hello", key="one")
    await socket.frame_with("hello")
    tabs = [weakref.ref(tab) for tab in farewell._open]
    assert len(tabs) == 1
    await socket.disconnect()
    await socket.wait()
    assert [tab() for tab in tabs] == [None]
