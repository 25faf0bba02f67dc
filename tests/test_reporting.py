"""Errors are reported where that is wanted, and hold nothing of what people write."""

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sentry_sdk
from asgiref.sync import sync_to_async
from django.db import IntegrityError
from django.test import Client

from project.reporting import KEPT, KEPT_OF_FRAMES, report_errors
from rooms import changes, consumers, context, presence
from rooms.models import Membership, Person, Room
from tests import test_socket
from tests.process import ROOT

connect = test_socket.connect
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

MARKER = "xyzzyplughplover"
FEED = "feedtoken0123456789"


class Collector(HTTPServer):
    """What errors are reported to. Keeps what comes, whole."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.taken: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self.server_port}/1"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events in the envelopes that came, once all that is under way has come."""
        sentry_sdk.flush(20)
        items = [json.loads(line) for envelope in self.taken for line in envelope.splitlines()]
        return [item for item in items if "timestamp" in item]


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.taken.append((gzip.decompress(body) if is_packed else body).decode())
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    """To which errors are reported while the test runs."""
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever, daemon=True)
        thread.start()
        report_errors(collector.dsn)
        yield collector
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
        collector.shutdown()
        thread.join()
    context.nobody()


@pytest.fixture
def member(client: Client, lounge: Room, ann: Person) -> Client:
    Membership.join(lounge.pk, ann.pk)
    Membership.objects.update(feed_token=FEED)
    client.force_login(ann)
    client.raise_request_exception = False
    return client


def fail(*args: Any, **kwargs: Any) -> None:
    said = MARKER
    try:
        raise ValueError(f"what was said: {said}, {args}")
    except ValueError as error:
        raise IntegrityError(f"null value\nDETAIL: Failing row contains ({said}).") from error


def check(collector: Collector, client: Client | None = None) -> dict[str, Any]:
    """The one event that came. What came with it holds no secret."""
    (event,) = collector.events
    secrets = [MARKER, FEED, *([client.cookies["sessionid"].value] if client else [])]
    for secret in secrets:
        assert all(secret not in taken for taken in collector.taken)
    assert event.keys() <= KEPT | {"exception", "logentry", "tags"}
    for value in event.get("exception", {}).get("values", []):
        assert value.keys() == {"type", "module", "value", "stacktrace"}
        for frame in value["stacktrace"]["frames"]:
            assert frame.keys() <= KEPT_OF_FRAMES  # and so no variables
    assert event["level"] == "error"
    return event


def test_what_breaks_in_a_page_is_reported(
    collector: Collector, member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "record", fail)
    response = member.post("/rooms/lounge/messages/?thread=0&q=" + MARKER, {"body": MARKER})
    assert response.status_code == 500
    event = check(collector, member)
    first, second = event["exception"]["values"]
    assert (first["type"], first["value"]) == ("ValueError", "…")
    assert (second["type"], second["value"]) == ("IntegrityError", "null value")
    assert second["stacktrace"]["frames"][-1]["function"] == "fail"
    assert event["logentry"]["formatted"] == "Internal Server Error: /rooms/lounge/messages/"
    assert event["tags"]["request"] == response.headers["X-Request-ID"]


def test_secret_links_are_not(collector: Collector, member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rooms.access.find_feed", fail)
    assert member.get(f"/rooms/lounge/feed/{FEED}/?q={MARKER}").status_code == 500
    event = check(collector, member)
    assert event["logentry"]["formatted"] == "Internal Server Error: /rooms/lounge/feed/…/"


async def test_what_breaks_in_a_tab_is_reported(
    collector: Collector, connect: Any, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)

    def broken(self: Any, frame: dict[str, Any]) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(consumers.TabConsumer, "typing", broken)
    tab = await connect(ann)
    await tab.say(action="typing", body=MARKER)
    assert await tab.close_code() == 1011
    event = await sync_to_async(check)(collector)
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("RuntimeError", "broken")
    assert event["logentry"]["formatted"] == "a tab broke"
    assert event["tags"].keys() == {"tab", "room"}


def test_what_is_no_error_is_not_reported(collector: Collector, member: Client) -> None:
    assert member.get("/nowhere/").status_code == 404
    assert member.get("/", HTTP_HOST="evil.example").status_code == 400
    logging.getLogger("rooms.x").warning("hello")
    assert collector.events == []


def test_an_error_without_a_cause_is(collector: Collector) -> None:
    logging.getLogger("rooms.x").error(
        "cannot keep %r of https://parlor.example/?q=%s", ValueError(MARKER), MARKER
    )
    assert (
        check(collector)["logentry"]["formatted"] == "cannot keep ValueError('…') of https://parlor.example/"
    )


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Python with the site set up."""
    script = f"import sys, django; {code}; django.setup(); print('sentry_sdk' in sys.modules)"
    found = {**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", **env}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=found, capture_output=True, text=True, check=False)


def test_unless_it_is_wanted_nothing_is_loaded_for_it() -> None:
    assert run("pass").stdout == "False\n"
    assert run("pass", SENTRY_DSN="http://publickey@127.0.0.1:1/1").stdout == "True\n"


def test_where_it_is_not_installed_what_to_do_is_told() -> None:
    missing = run("sys.modules['sentry_sdk'] = None", SENTRY_DSN="http://publickey@127.0.0.1:1/1")
    assert missing.returncode == 1
    assert "pip install -r requirements-sentry.txt" in missing.stderr
