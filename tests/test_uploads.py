"""How much one request may bring."""

from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from project.uploads import TOO_MUCH, limited


@pytest.fixture(autouse=True)
def small(settings: Any) -> None:
    settings.FILES_PER_MESSAGE, settings.FILE_MAX_MB = 1, 1  # three million bytes with the rest


async def reading(scope: Any, receive: Any, send: Any) -> None:
    """Answers with how much came, as far as it came."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return await send({"type": "http.response.start", "status": 499, "headers": []})
        size += len(message["body"])
        if not message.get("more_body"):
            return await send({"type": "http.response.start", "status": 200, "headers": [], "size": size})


def asked(**headers: str) -> ApplicationCommunicator:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return ApplicationCommunicator(limited(reading), {"type": "http", "headers": sent})


@pytest.mark.parametrize("length", ["3000001", "9" * 30])
async def test_who_says_it_is_too_much_is_told_so(length: str) -> None:
    request = asked(content_length=length)
    assert (await request.receive_output())["status"] == 413
    assert (await request.receive_output())["body"] == TOO_MUCH


@pytest.mark.parametrize("headers", [{"content_length": "3000000"}, {}, {"content_length": "x"}])
async def test_what_is_not_too_much_comes_through(headers: dict[str, str]) -> None:
    request = asked(**headers)
    for part in range(3):
        await request.send_input({"type": "http.request", "body": bytes(1_000_000), "more_body": part < 2})
    assert (await request.receive_output())["size"] == 3_000_000


async def test_who_does_not_say_so_is_hung_up_on() -> None:
    request = asked(transfer_encoding="chunked")
    for _ in range(4):
        await request.send_input({"type": "http.request", "body": bytes(1_000_000), "more_body": True})
    assert (await request.receive_output())["status"] == 499
