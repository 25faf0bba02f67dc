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
from tests.process import SECONDS, Server, Serving

BODY = "x" * 3900
MESSAGES, BATCH = 1200, 50  # 5 MB of text for each tab
MEGABYTE = 1024 * 1024


@pytest.fixture(params=["daphne", "uvicorn"])
def site(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of that kind, which has had nothing to do so far: how much it grows is looked at."""
    if request.param == "daphne":
        yield request.getfixturevalue("own_server")
        return
    shared: Site = request.getfixturevalue("server")
    uvicorn = Serving(shared.data_dir, REDIS_URL=shared.env["REDIS_URL"])
    uvicorn.start()
    yield uvicorn
    uvicorn.kill()


def test_is_closed_with_1013_and_others_are_not_delayed(site: Server) -> None:
    assert site.process
    server = psutil.Process(site.process.pid)
    cookie = session_of(site.url, "Slow", "reader")
    stops_reading: dict[str, Any] = {"sock": small_socket(site.url), "max_queue": 1}
    with (
        open_socket(site.url, "slow", cookie) as reader,
        open_socket(site.url, "slow", cookie, **stops_reading) as stalled,
    ):
        reader.recv()
        before = server.memory_info().rss
        for start in range(0, MESSAGES, BATCH):
            for n in range(start, start + BATCH):
                reader.send(json.dumps({"body": f"{n} {BODY}"}))
            while f"{n} {BODY}" not in str(reader.recv(timeout=SECONDS)):
                pass
        grown = server.memory_info().rss - before
        assert grown < 20 * MEGABYTE, f"{grown / MEGABYTE:.1f} MB"

        got = 0
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                got += str(stalled.recv(timeout=SECONDS)).count('<li class="message')
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        assert got < MESSAGES
    assert "Traceback" not in site.errors
    assert [row["version"] for row in stored(site, "slow")] == list(range(1, MESSAGES + 1))
