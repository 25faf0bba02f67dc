"""What pages have as their viewer likes it: times in their time zone, and their colours."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone

from rooms import changes
from rooms.models import Message, Person, Room
from rooms.parts import parts_version
from rooms.viewer import ViewersZone
from tests.html import elements, find, find_all
from tests.test_promises import PAGES, clients, urls

pytestmark = pytest.mark.django_db
__all__ = ["clients"]

AT = datetime(2024, 2, 3, 23, 30, tzinfo=UTC)  # the next morning in Tokyo


@pytest.fixture
def ann(client: Client, person: Callable[..., Person], room: Callable[..., Room]) -> Person:
    """Ann, signed in, who lives in Tokyo; and a room where something was said."""
    ann = person("ann")
    Person.objects.filter(pk=ann.pk).update(time_zone="Asia/Tokyo")
    changes.post(room("Lounge"), ann, "hello", at=AT - timedelta(hours=10))
    changes.post(room("Lounge"), ann, "hello again", at=AT)
    client.force_login(ann)
    return ann


def times(html: bytes) -> list[str]:
    return [time.text for time in find_all(html, "time")]


# Time zones ----------------------------------------------------------------------------


def test_a_room_shows_the_times_of_the_viewer(client: Client, ann: Person) -> None:
    page = client.get("/rooms/lounge/").content
    assert times(page) == ["Saturday, 3 February 2024", "22:30", "Sunday, 4 February 2024", "08:30"]
    assert find_all(page, "time")[-1]["datetime"] == "2024-02-04T08:30:00+09:00"


def test_older_and_newer_messages_do_too(client: Client, ann: Person) -> None:
    older = client.get("/rooms/lounge/messages/", {"before": 3}).content
    newer = client.get("/rooms/lounge/messages/", {"after": 1}).content
    assert times(older) == ["Saturday, 3 February 2024", "22:30", "Sunday, 4 February 2024", "08:30"]
    assert times(newer) == ["Sunday, 4 February 2024", "08:30"]


def test_so_do_the_lobby_and_the_clock_of_newer_messages(client: Client, ann: Person) -> None:
    for address in ("/", "/rooms/lounge/messages/?after=2"):
        time = find(client.get(address).content, "time")
        assert time["datetime"].endswith("+09:00")


def test_another_viewer_sees_other_times(
    client: Client, ann: Person, person: Callable[..., Person], settings: Any
) -> None:
    bob = Client()
    bob.force_login(person("bob"))
    assert times(bob.get("/rooms/lounge/").content)[-1] == "23:30"
    Person.objects.filter(username="bob").update(time_zone="America/New_York")
    assert times(bob.get("/rooms/lounge/").content)[-1] == "18:30"
    assert times(client.get("/rooms/lounge/").content)[-1] == "08:30"
    settings.TIME_ZONE = "Europe/Paris"
    assert times(client.get("/rooms/lounge/").content)[-1] == "08:30"
    assert find(Client().get("/").content, "time")["datetime"].endswith("+01:00")


@pytest.mark.parametrize("stored", ["", "Europe/Nowhere", "Europe", "../x", "x" * 40, "\u202e"])
def test_who_has_chosen_none_that_there_is_sees_the_sites(
    client: Client, ann: Person, settings: Any, stored: str
) -> None:
    Person.objects.filter(pk=ann.pk).update(time_zone=stored)
    settings.TIME_ZONE = "Europe/Paris"
    assert times(client.get("/rooms/lounge/").content)[-1] == "00:30"


def test_no_time_zone_is_left_behind(client: Client, ann: Person) -> None:
    client.get("/rooms/lounge/")
    assert timezone.get_current_timezone_name() == "UTC"
    with timezone.override("Asia/Kathmandu"):
        client.get("/rooms/lounge/")
        assert timezone.get_current_timezone_name() == "Asia/Kathmandu"


@pytest.mark.django_db(transaction=True)
async def test_a_server_with_a_loop_shows_them_too(async_client: AsyncClient, ann: Person) -> None:
    await async_client.aforce_login(ann)
    response = await async_client.get("/rooms/lounge/")
    assert times(response.content)[-1] == "08:30"
    assert timezone.get_current_timezone_name() == "UTC"


def test_a_viewers_time_zone_is_one_to_django(ann: Person) -> None:
    ann.refresh_from_db()
    zone = ViewersZone(SimpleNamespace(user=ann))  # type: ignore[arg-type]
    naive = datetime(2024, 2, 4, 8, 30)  # noqa: DTZ001
    with timezone.override(zone):
        assert timezone.get_current_timezone_name() == "Asia/Tokyo"
        assert timezone.make_aware(naive) == AT
        assert timezone.make_naive(AT) == naive
        assert timezone.localdate(AT).isoformat() == "2024-02-04"
        dates = Message.objects.order_by("seq").values_list(TruncDate("at"), flat=True)
        assert [date.isoformat() for date in dates] == ["2024-02-03", "2024-02-04"]
        assert f"{AT.astimezone(zone):%Z %z}" == "JST +0900"
        assert AT.astimezone(zone).dst() == timedelta(0)


# Colours -------------------------------------------------------------------------------

WITH_VIEWER = [
    page for page, (who, _, status, _) in PAGES.items() if who == "member" and status in (200, 422)
]


@urls
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_has_the_colours_its_viewer_chose(clients: dict[str, Client], theme: str) -> None:
    client = clients["member"]
    Person.objects.filter(username="ann").update(theme=theme)
    whole = set()
    for page in WITH_VIEWER:
        _, ask, _, _ = PAGES[page]
        html = ask(client).content
        if not html.startswith(b"<!doctype html>"):
            assert b"data-theme" not in html, page
            continue
        whole.add(page)
        assert find(html, "html")["data-theme"] == theme, page
        assert find(html, "meta", name="color-scheme")["content"] == theme, page
        for bar in find_all(html, "meta", name="theme-color"):
            assert bar["content"] == {"light": "#fdfcf9", "dark": "#1e211d"}[theme], page
            assert not bar.get("media"), page
    assert whole >= {"lobby signed in", "room", "newer", "person", "settings", "settings refused"}


@pytest.mark.parametrize("who", ["stranger", "member"])
def test_who_has_chosen_none_sees_those_of_the_system(clients: dict[str, Client], who: str) -> None:
    html = clients[who].get("/").content
    assert not find(html, "html").get("data-theme")
    assert find(html, "meta", name="color-scheme")["content"] == "light dark"
    bars = find_all(html, "meta", name="theme-color")
    assert [(bar["media"], bar["content"]) for bar in bars] == [
        ("(prefers-color-scheme: light)", "#fdfcf9"),
        ("(prefers-color-scheme: dark)", "#1e211d"),
    ]


def test_the_bar_of_a_browser_has_the_colour_of_paper() -> None:
    css = (site.BASE_DIR / "static/css/base.css").read_text()
    paper = re.search(r"--paper: light-dark\((.*?), (.*?)\);", css)
    assert paper and paper.groups() == ("#fdfcf9", "#1e211d")


# What needs no viewer ------------------------------------------------------------------


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("", include("project.urls")), path("broken/", broken)]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    "address",
    [
        "/nowhere/",
        "/broken/",
        "/healthz",
        "/favicon.ico",
        "/people/x/",
        f"/parts/{parts_version()}/field/",
        f"/parts/{parts_version()}/connection/",
    ],
)
def test_nobody_is_looked_up_where_it_does_not_matter(ann: Person, address: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(ann)
    Person.objects.filter(pk=ann.pk).update(theme="dark")
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address)
    assert len(captured) == 0
    assert response.headers.get("Vary", "Accept-Encoding") == "Accept-Encoding"
    assert not any(element.get("data-theme") for element in elements(response.content))


@pytest.mark.parametrize("address", ["/", "/rooms/lounge/"])
def test_who_asks_is_looked_up_once(client: Client, ann: Person, address: str) -> None:
    client.get(address)  # the first time, ann joins the room
    with CaptureQueriesContext(connection) as captured:
        assert times(client.get(address).content)
    who = re.compile(r'FROM "django_session"|FROM "rooms_person" WHERE .*"rooms_person"."id" = ')
    assert len([query for query in captured if who.search(query["sql"])]) == 2
