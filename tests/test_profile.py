"""Somebody's page."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms.models import Person
from tests.html import find, find_all

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def bob(person: Callable[..., Person]) -> Person:
    return person("bob")


@pytest.fixture
def ann(client: Client, person: Callable[..., Person]) -> Person:
    """Ann, signed in."""
    ann = person("ann")
    client.force_login(ann)
    return ann


def change(person: Person, **fields: Any) -> None:
    Person.objects.filter(pk=person.pk).update(**fields)


def page(client: Client, person: Person) -> bytes:
    response = client.get(f"/people/{person.pk}/")
    assert response.status_code == 200
    return response.content


def test_it_is_for_whoever_is_signed_in(client: Client, bob: Person) -> None:
    response = client.get(f"/people/{bob.pk}/")
    assert (response.status_code, response.headers["Location"]) == (
        302,
        f"/account/login/?next=/people/{bob.pk}/",
    )


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30, "9" * 5000, "-1", "x"])
def test_nobody_has_no_page(client: Client, ann: Person, pk: str) -> None:
    assert client.get(f"/people/{pk}/").status_code == 404


def test_it_tells_who_it_is(client: Client, ann: Person, bob: Person) -> None:
    change(bob, date_joined=datetime(2024, 2, 3, 23, 30, tzinfo=UTC))
    html = page(client, bob)
    assert find(html, "h1").text == "bob"
    assert find(html, "title").text == "bob – Parlor"
    assert find(html, "img")["src"].startswith(f"/people/{bob.pk}/picture/?v=")
    assert find(html, class_="badge").text == "guest"
    assert find(html, "time").text == "3 February 2024"
    assert "Local time" not in html.decode()
    assert not find_all(html, class_="bio")
    assert bob.get_absolute_url() == f"/people/{bob.pk}/"


def test_who_has_an_account_is_no_guest(client: Client, ann: Person, bob: Person) -> None:
    change(bob, is_guest=False)
    assert not find_all(page(client, bob), class_="badge")


def test_what_they_say_of_themselves_is_text_with_links(client: Client, ann: Person, bob: Person) -> None:
    change(bob, username="<b>bob</b>", bio="<script>alert(1)</script>\nsee https://a.example/ & co")
    html = page(client, bob)
    bio = find(html, class_="bio")
    assert bio.text == "<script>alert(1)</script>\nsee https://a.example/ & co"
    assert bio["dir"] == "auto"
    assert find(html, "a", href="https://a.example/")["rel"] == "noopener noreferrer nofollow"
    assert not find_all(html, "script")
    assert find(html, "h1").text == "<b>bob</b>"


@pytest.mark.parametrize(
    ("zone", "place"),
    [("Asia/Tokyo", "Tokyo"), ("America/Argentina/Buenos_Aires", "Buenos Aires"), ("US/Eastern", "Eastern")],
)
def test_it_tells_what_time_it_is_where_they_are(
    client: Client, ann: Person, bob: Person, zone: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: datetime(2024, 2, 3, 23, 30, tzinfo=UTC))
    change(bob, time_zone=zone)
    change(ann, time_zone="Australia/Adelaide")  # the viewer's own does not matter
    there = datetime(2024, 2, 3, 23, 30, tzinfo=UTC).astimezone(ZoneInfo(zone))
    now, _ = find_all(page(client, bob), "time")
    assert (now.text, now["datetime"]) == (f"{there:%H:%M}", there.isoformat())
    assert f", {there:%A} ({place})" in page(client, bob).decode()


@pytest.mark.parametrize("stored", ["Europe/Nowhere", "Europe", "../x", " ", "\u202e", "x" * 40])
def test_a_time_zone_that_is_none_is_not_told(
    client: Client, ann: Person, bob: Person, stored: str, settings: Any
) -> None:
    change(bob, time_zone=stored)
    bob.refresh_from_db()
    assert bob.zone == settings.TIME_ZONE
    assert "Local time" not in page(client, bob).decode()


def test_since_when_they_are_here_is_told_in_the_viewers_time_zone(
    client: Client, ann: Person, bob: Person
) -> None:
    change(bob, date_joined=datetime(2024, 2, 3, 23, 30, tzinfo=UTC), time_zone="America/New_York")
    change(ann, time_zone="Asia/Tokyo")
    assert find_all(page(client, bob), "time")[-1].text == "4 February 2024"


def test_ones_own_page_leads_to_the_settings(client: Client, ann: Person, bob: Person) -> None:
    assert find(page(client, ann), "a", href="/settings/")
    assert not find_all(page(client, bob), "a", href="/settings/")
    assert find(client.get("/settings/").content, "a", href=ann.get_absolute_url())


def test_a_closed_account_tells_nothing(client: Client, ann: Person, bob: Person) -> None:
    change(bob, is_active=False, bio="secret", time_zone="Asia/Tokyo")
    html = page(client, bob)
    assert find(html, "h1").text == "This account was closed"
    assert not find_all(html, "img")
    for told in ("secret", "Tokyo", "bob", "guest"):
        assert told not in html.decode()


def test_it_takes_few_queries(client: Client, ann: Person, bob: Person) -> None:
    with CaptureQueriesContext(connection) as captured:
        page(client, bob)
    # The session, who asks, who it is about, and whether the one blocks the other.
    assert len(captured) == 4
