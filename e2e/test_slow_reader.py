"""A tab that stops reading, on each server that Parlor is run with: it is bounded and closed, and
nobody else notices."""

import json
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from e2e.client import open_socket, session_of, small_socket
from e2e.conftest import Site
from e2e.site import stored
from tests.process import SECONDS, Serving

BODY = "x" * 3900
MESSAGES, BATCH = 1200, 50  # 5 MB of text for each tab
MEGABYTE = 1024 * 1024


@pytest.fixture(params=["daphne", "uvicorn"])
def address(request: pytest.FixtureRequest, own_server: Site) -> Iterator[tuple[str, int]]:
    """The address and the process of a server of that kind."""
    if request.param == "daphne":
        assert own_server.process
        yield own_server.url, own_server.process.pid
        return
    uvicorn = Serving(own_server.data_dir, REDIS_URL=own_server.env["REDIS_URL"])
    uvicorn.start()
    assert uvicorn.process
    yield uvicorn.url, uvicorn.process.pid
    uvicorn.kill()


def test_is_closed_with_1013_and_others_are_not_delayed(address: tuple[str, int], own_server: Site) -> None:
    url, pid = address
    cookie = session_of(url, "Lounge", "ann")
    stops_reading: dict[str, Any] = {"sock": small_socket(url), "max_queue": 1}
    with (
        open_socket(url, "lounge", cookie) as reader,
        open_socket(url, "lounge", cookie, **stops_reading) as stalled,
    ):
        reader.recv()
        before = psutil.Process(pid).memory_info().rss
        for start in range(0, MESSAGES, BATCH):
            for n in range(start, start + BATCH):
                reader.send(json.dumps({"body": f"{n} {BODY}"}))
            while f"{n} {BODY}" not in str(reader.recv(timeout=SECONDS)):
                pass
        grown = psutil.Process(pid).memory_info().rss - before
        assert grown < 20 * MEGABYTE, f"{grown / MEGABYTE:.1f} MB"

        got = 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                got += str(stalled.recv(timeout=SECONDS)).count('<li class="message')
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert got < MESSAGES
    assert "Traceback" not in own_server.errors
    assert [row["version"] for row in stored(own_server, "lounge")] == list(range(1, MESSAGES + 1))
