"""What holds for every address, and the small answers: parts, a viewer's style, health."""

from collections.abc import Callable

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.test import Client

from rooms import changes
from rooms.models import Block, Person, Room
from rooms.parts import NAMES, parts_version
from rooms.views.small import style_version
from tests.html import find, find_all

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

READ = {"GET", "HEAD"}
METHODS = {
    "/": READ | {"POST"},
    "/rooms/lounge/": READ | {"POST"},
    "/rooms/lounge/messages/": READ | {"POST"},
    "/rooms/lounge/messages/1/": READ,
    "/rooms/lounge/messages/1/about/": READ,
    "/rooms/lounge/messages/1/newer/": READ,
    "/rooms/lounge/messages/1/preview/": READ,
    "/rooms/lounge/history/": READ,
    "/rooms/lounge/history/2020/": READ,
    "/rooms/lounge/history/2020/06/02/": READ,
    "/rooms/lounge/about/": READ,
    "/rooms/lounge/leave/": {"POST"},
    "/new-room/": READ | {"POST"},
    "/direct/": READ | {"POST"},
    "/archived/": READ,
    "/blocks/": READ,
    "/reports/": READ,
    "/settings/": READ | {"POST"},
    "/settings/picture/": READ | {"POST"},
    "/people/{me}/": READ,
    "/people/{me}/picture/": READ,
    "/welcome/": READ | {"POST"},
    "/account/keep-name/": READ | {"POST"},
    "/read/": {"POST"},
    "/me.css": READ,
    "/parts/x/field/": READ,
    "/favicon.ico": READ,
    "/healthz": READ,
    "/readyz": READ,
}


@pytest.fixture
def member(client: Client, person: Callable[..., Person], room: Callable[..., Room]) -> Person:
    """Ann, signed in, and the room there is."""
    lounge, ann = room("Lounge"), person("ann")
    changes.post(lounge, ann, "hello")
    client.force_login(ann)
    return ann


@pytest.mark.parametrize("url", METHODS)
def test_an_address_takes_its_methods_and_no_other(client: Client, member: Person, url: str) -> None:
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "NONSENSE"]:
        response = client.generic(method, url.format(me=member.pk))
        if method in METHODS[url]:
            assert response.status_code in (200, 301, 302, 422)
        else:
            assert response.status_code == 405
            assert set(response.headers["Allow"].split(", ")) == METHODS[url]


@pytest.mark.parametrize("url", [*METHODS, "/nowhere/"])
def test_head_says_what_get_says_without_the_page(client: Client, member: Person, url: str) -> None:
    url = url.format(me=member.pk)
    got, head = client.get(url), client.head(url)
    assert head.content == b""
    assert head.status_code == got.status_code
    for name in ("Content-Type", "Content-Security-Policy", "X-Frame-Options", "Location", "Vary"):
        assert head.headers.get(name) == got.headers.get(name)


def test_an_address_without_its_last_stroke_leads_to_the_one_with_it(client: Client, member: Person) -> None:
    response = client.get("/rooms/lounge?before=3")
    assert (response.status_code, response.headers["Location"]) == (301, "/rooms/lounge/?before=3")


def test_it_is_healthy(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert response.headers["Content-Type"] == "text/plain"


def test_the_icon_is_where_browsers_look_for_it(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 301
    assert response.headers["Location"] == staticfiles_storage.url("favicon.svg")
    icon = client.get(response.headers["Location"])
    assert icon.headers["Content-Type"] == "image/svg+xml"
    assert b"".join(icon).startswith(b"<svg")


# A viewer's own style ------------------------------------------------------------------


def test_a_viewers_style_is_about_the_viewers_own_messages(
    client: Client, member: Person, person: Callable[..., Person]
) -> None:
    bob = person("bob")
    response = client.get("/me.css", {"v": bob.pk})
    assert response.headers["Content-Type"] == "text/css"
    assert response.content.decode().startswith(f'.message[data-author="{member.pk}"]')
    assert response.content.decode().count("data-author") == 1


def test_a_stranger_has_no_style(client: Client) -> None:
    response = client.get("/me.css")
    assert (response.status_code, response.content) == (200, b"")


def test_a_viewers_style_is_kept_by_the_viewers_browser_alone(client: Client, member: Person) -> None:
    response = client.get("/me.css")
    assert "private" in response.headers["Cache-Control"]
    assert "public" not in response.headers["Cache-Control"]
    assert response.headers["Vary"] == "Cookie, Accept-Encoding"
    url = f"/me.css?v={style_version(member)}"
    assert find(client.get("/rooms/lounge/").content, "link", href=url)["rel"] == "stylesheet"


def test_a_viewers_style_shows_what_is_theirs_and_hides_whom_they_block(
    client: Client, member: Person, person: Callable[..., Person]
) -> None:
    bob, before = person("bob"), style_version(member)
    css = client.get("/me.css").content.decode()
    assert f'.message[data-author="{member.pk}"]' in css
    assert f'.mention[data-person="{member.pk}"]' in css
    assert f'"{bob.pk}"' not in css
    Block.objects.create(person=member, blocked=bob)
    assert f'[data-author="{bob.pk}"]{{display:none}}' in client.get("/me.css").content.decode()
    assert style_version(member) not in (before, style_version(bob))


# Parts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_part_is_the_same_for_everybody_and_kept_for_ever(
    client: Client, member: Person, name: str
) -> None:
    url = f"/parts/{parts_version()}/{name}/"
    response, to_a_stranger = client.get(url), Client().get(url)
    assert response.status_code == 200
    assert response.content == to_a_stranger.content
    assert set(response.headers["Cache-Control"].split(", ")) == {"public", "max-age=31536000", "immutable"}
    assert response.headers.get("Vary", "Accept-Encoding") == "Accept-Encoding"  # nobody is looked up
    assert not response.cookies


@pytest.mark.parametrize("name", NAMES)
def test_a_part_of_another_version_will_do_but_is_not_kept(client: Client, name: str) -> None:
    response = client.get(f"/parts/000000000000/{name}/")
    assert response.content == client.get(f"/parts/{parts_version()}/{name}/").content
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["nothing", "live-field", "..", "field.html", "%00"])
def test_there_are_no_other_parts(client: Client, name: str) -> None:
    assert client.get(f"/parts/{parts_version()}/{name}/").status_code == 404


def test_a_page_finds_the_parts_it_asks_for(client: Client, member: Person) -> None:
    asking = find_all(client.get("/rooms/lounge/").content)
    for name in NAMES:  # parts ask for parts
        asking += find_all(client.get(f"/parts/{parts_version()}/{name}/").content)
    urls = {element.get("hx-get").partition("?")[0] for element in asking}
    asked_for = {url for url in urls if url.startswith("/parts/")}
    assert asked_for == {f"/parts/{parts_version()}/{name}/" for name in NAMES}


# Acts ----------------------------------------------------------------------------------

ACTS = {
    "rooms/lounge/": ["star", "level", "leave", "invite", "links", "links/1/revoke", "slow", "close"]
    + ["describe", "archive", "messages/1/delete", "messages/1/report"],
    "rooms/lounge/people/1/": ["role", "remove", "ban", "unban"],
    "people/1/": ["block", "unblock"],
    "reports/1/": ["dismiss", "delete"],
}


@pytest.mark.parametrize("url", [f"/{place}{act}/" for place, acts in ACTS.items() for act in acts])
def test_an_act_is_a_form_that_was_sent_from_this_site(client: Client, member: Person, url: str) -> None:
    assert client.get(url).status_code == 405
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(member)
    assert checked.post(url).status_code == 403
