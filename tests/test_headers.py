"""What every answer tells the browser to refuse, and what the site refuses of others.

With the settings that HTTPS=on brings, as a proxy that speaks TLS hands requests on.
"""

import re
import runpy
from collections.abc import Callable, Iterator
from functools import partialmethod
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver, path, resolve
from django.views.decorators.csrf import csrf_exempt
from pytest_django import Settings

from rooms.models import Act, Ban, Block, Invitation, Membership, Message, Person, Report, Room, SiteSettings
from tests import test_promises
from tests.process import ROOT
from tests.test_promises import PAGES

clients = test_promises.clients
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.test_promises"), pytest.mark.any_database]

HOST, EVIL = "parlor.example", "https://evil.example"
HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
KEPT_OUT = ["camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb"]


def read_settings(**env: str) -> dict[str, Any]:
    """The settings as a process finds them with `env` in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        module = runpy.run_path(str(ROOT / "project" / "settings.py"))
    return {name: value for name, value in module.items() if name.isupper()}


@pytest.fixture
def over_https(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site behind a proxy that speaks TLS, and browsers that come by it."""
    before, after = read_settings(), read_settings(HTTPS="on", ALLOWED_HOSTS=HOST)
    changed = {name: value for name, value in after.items() if value != before.get(name)}
    assert {"SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS"} <= changed.keys()
    for name, value in changed.items():
        setattr(settings, name, value)
    by_proxy = partialmethod(RequestFactory.__init__, HTTP_X_FORWARDED_PROTO="https", HTTP_HOST=HOST)
    monkeypatch.setattr(RequestFactory, "__init__", by_proxy)


# Headers and cookies -------------------------------------------------------------------------

# Beside those in PAGES.
MORE: dict[str, tuple[str, Callable[[Client], Any]]] = {
    "admin": ("keeper", lambda client: client.get("/admin/")),
    "admin, a list": ("keeper", lambda client: client.get("/admin/rooms/person/")),
    "admin, not let in": ("stranger", lambda client: client.get("/admin/")),
    "admin, log in": ("stranger", lambda client: client.get("/admin/login/", follow=True)),
    "icon": ("stranger", lambda client: client.get("/favicon.ico")),
    "no such file": ("stranger", lambda client: client.get("/static/nothing.js")),
    "another host": ("stranger", lambda client: client.get("/", HTTP_HOST="evil.example")),
    "without the last stroke": ("stranger", lambda client: client.get("/rooms/lounge")),
    "no name yet": ("stranger", lambda client: client.get("/people/1/")),
}

FILES = ["vendor/htmx.min.js", "css/base.css", "favicon.svg", "chime.wav"]


def read(response: Any) -> bytes:
    """All of an answer; a static file is open until then."""
    return b"".join(response)


def lacking(response: Any) -> list[str]:
    """What the headers of a file of the site leave open."""
    headers = response.headers
    return [f"{name}: {headers.get(name)}" for name, value in HEADERS.items() if headers.get(name) != value]


def faults(response: Any) -> list[str]:
    """What the headers of any other answer leave open."""
    headers, found = response.headers, lacking(response)
    policy = headers.get("Content-Security-Policy", "")
    directives = {name: sources for name, *sources in (part.split() for part in policy.split(";") if part)}
    for name, sources in {
        "default-src": [["'none'"]],
        "script-src": [["'self'"]],
        "style-src": [["'self'"]],
        "form-action": [["'self'"]],
        "base-uri": [["'none'"]],
        "frame-ancestors": [["'none'"], ["'self'"]],
    }.items():
        if directives.get(name) not in sources:
            found.append(f"{name}: {directives.get(name)}")
    if "unsafe" in policy:
        found.append(policy)
    # The one frame there is shows a page of this site: of the same origin, and no other.
    framed = {"DENY": ["'none'"], "SAMEORIGIN": ["'self'"]}.get(headers.get("X-Frame-Options", ""))
    if framed != directives.get("frame-ancestors"):
        found.append(f"X-Frame-Options: {headers.get('X-Frame-Options')}")
    permissions = headers.get("Permissions-Policy", "").split(", ")
    found += [f"{feature} is permitted" for feature in KEPT_OUT if f"{feature}=()" not in permissions]
    for name, cookie in response.cookies.items():
        is_safe = cookie["secure"] and cookie["httponly"] and cookie["samesite"] in ("Lax", "Strict")
        if cookie.value and not is_safe:
            found.append(f"the cookie {name}: {cookie.OutputString()}")
    return found


def test_every_answer_says_what_a_browser_is_to_refuse(over_https: None, clients: dict[str, Client]) -> None:
    found, statuses, cookies = {}, set(), set()
    pages = {page: (who, ask) for page, (who, ask, *_) in PAGES.items()} | MORE
    for page, (who, ask) in pages.items():
        response = ask(clients[who])
        read(response)
        statuses.add(response.status_code)
        cookies |= response.cookies.keys()
        if wrong := faults(response):
            found[page] = wrong
    assert found == {}
    assert statuses >= {200, 301, 302, 400, 403, 404, 405, 422, 429, 500}
    assert cookies >= {"sessionid", "csrftoken"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_site_is_what_it_says_and_small(over_https: None, client: Client, name: str) -> None:
    response = client.get(staticfiles_storage.url(name), headers={"Accept-Encoding": "gzip"})
    read(response)
    assert response.status_code == 200
    assert lacking(response) == []
    assert sum(len(f"{header}: {value}\r\n") for header, value in response.items()) < 700


def test_the_check_sees_each_that_is_missing(over_https: None) -> None:
    response = Client().get("/")
    assert faults(response) == []
    for name in [*HEADERS, "Content-Security-Policy", "X-Frame-Options", "Permissions-Policy"]:
        value = response.headers[name]
        del response.headers[name]
        assert faults(response), name
        response.headers[name] = value
    for name in ("secure", "httponly", "samesite"):
        cookie: Any = response.cookies["csrftoken"]
        kept, cookie[name] = cookie[name], ""
        assert faults(response), name
        cookie[name] = kept


def test_what_does_not_come_by_https_is_sent_there(over_https: None) -> None:
    response = Client().get("/rooms/x/?before=1", HTTP_X_FORWARDED_PROTO="http")
    assert (response.status_code, response.headers["Location"]) == (301, f"https://{HOST}/rooms/x/?before=1")
    assert "Strict-Transport-Security" not in response.headers


def test_without_https_nothing_depends_on_it() -> None:
    response = Client().get("/")
    assert response.status_code == 200
    assert faults(response) == [
        "Strict-Transport-Security: None",
        f"the cookie csrftoken: {response.cookies['csrftoken'].OutputString()}",
    ]
    response.cookies["csrftoken"]["secure"] = True
    assert faults(response) == ["Strict-Transport-Security: None"]  # which would be ignored


# Forms of other sites ------------------------------------------------------------------------

# What parts of an address are taken for.
PARTS = {
    "slug": "lounge",
    "seq": "1",
    "pk": "1",
    "id": "1",
    "token": "t0ken",
    "key": "1-x",
    "uidb36": "1",
    "version": "x",
    "day": "2020/06/02",
    "year": "2020",
    "name": "field",
    "provider_id": "oidc",
    "object_id": "1",
    "content_type_id": "1",
    "app_label": "rooms",
    "url": "nothing",
}
# Of a regular expression: a part with a name, which may have a class of characters in it.
PART = re.compile(r"\(\?P<(\w+)>(?:[^()\[\]]|\[[^\]]*\])*\)")
TOKEN = "t" * 32
# Views that take a form without looking where it comes from. An argument belongs beside each.
UNCHECKED = {"/mail/t0ken/"}  # a mail program posts it, and it can but stop mail to whom the token is of


def addresses(patterns: Any = None, before: str = "/") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every address there is, with its view."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + re.sub(r"\\Z|[\^$\\]", "", PART.sub(lambda part: PARTS[part[1]], regex_of(pattern)))
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def regex_of(pattern: URLPattern | URLResolver) -> str:
    return pattern.pattern.regex.pattern


def is_refused(response: Any) -> bool:
    """Whether it is for where the form came from."""
    return response.status_code == 403 and "403_csrf.html" in [found.name for found in response.templates]


@pytest.fixture
def post(over_https: None) -> Callable[..., Any]:
    """post(url, token, **headers): a form with this token, of a browser that knows TOKEN."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    def send(url: str, token: str = "", **headers: str) -> Any:
        client.cookies.clear()
        client.cookies["csrftoken"] = TOKEN
        return client.post(url, {"csrfmiddlewaretoken": token} if token else {}, headers=headers)

    return send


def test_the_addresses_are_all_there_are(clients: dict[str, Client]) -> None:
    found = dict(addresses())
    assert len(found) > 100
    for url in found:
        resolve(url)  # raises where there is nothing
    known = {"/", "/rooms/lounge/messages/", "/settings/", "/account/login/", "/admin/rooms/person/1/change/"}
    assert found.keys() >= known


def test_no_form_of_another_site_is_taken(post: Callable[..., Any], clients: dict[str, Client]) -> None:
    taken = []
    for url in dict(addresses()):
        answers = {
            "without a token": post(url, origin=f"https://{HOST}"),
            "with another token": post(url, "x" * len(TOKEN), origin=f"https://{HOST}"),
            "from another origin": post(url, TOKEN, origin=EVIL),
            "from nowhere": post(url, TOKEN, origin="null"),
            "from plain HTTP": post(url, TOKEN, origin=f"http://{HOST}"),
            "from another port": post(url, TOKEN, origin=f"https://{HOST}:8443"),
            "by a link of another site": post(url, TOKEN, referer=f"{EVIL}/{HOST}/"),
            "by no link": post(url, TOKEN),
        }
        taken += [f"{url} {how}" for how, answer in answers.items() if not is_refused(answer)]
        # It is that, and nothing else, for which they were refused.
        for header in ({"origin": f"https://{HOST}"}, {"referer": f"https://{HOST}/x/"}):
            assert not is_refused(post(url, TOKEN, **header)), url
    assert {url for url in taken if url.split(" ", 1)[0] not in UNCHECKED} == set()


def test_no_view_is_exempt() -> None:
    exempt = {url for url, view in addresses() if getattr(view, "csrf_exempt", False)}
    assert exempt == UNCHECKED


@pytest.mark.urls(__name__)
def test_the_check_sees_a_view_that_is(post: Callable[..., Any]) -> None:
    assert [url for url, view in addresses() if getattr(view, "csrf_exempt", False)] == ["/open/"]
    assert not is_refused(post("/open/"))
    assert is_refused(post("/shut/"))


def test_nothing_that_counts_is_done_by_a_link(over_https: None, clients: dict[str, Client]) -> None:
    """The session's cookie comes with a link that somebody follows from another site."""
    keeper = clients["keeper"]
    keeper.raise_request_exception = False  # a page breaks
    SiteSettings.objects.create(pk=1)  # as the page about them does: it says what holds anyway
    before = contents()
    for url in dict(addresses()):
        read(keeper.get(url))
    assert contents() == before
    assert keeper.get("/admin/").status_code == 200  # and they are still signed in
    Room.objects.create(name="x", name_key="x", slug="x")
    assert contents() != before


def contents() -> dict[str, list[Any]]:
    """All that the site keeps of its people and rooms, but for who has looked at what."""
    models = [Act, Ban, Block, EmailAddress, Invitation, Message, Person, Report, Room, SiteSettings]
    found = {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}
    return found | {"Membership": list(Membership.objects.order_by("pk").values("room", "person", "role"))}


def open_to_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


urlpatterns = [path("open/", csrf_exempt(open_to_all)), path("shut/", open_to_all)]
