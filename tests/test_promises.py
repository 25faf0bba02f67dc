"""Promise 1: no JavaScript but htmx, as its authors published it."""

import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.core.ratelimit import respond_429
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from rooms import changes, editing, fragments, moderation, pins, reactions
from rooms.calendar import path as path_of_day
from rooms.files import make_picture
from rooms.history import newest, said_in
from rooms.mailing import token_of
from rooms.models import (
    Ban,
    Export,
    File,
    Invitation,
    Membership,
    Message,
    Person,
    Role,
    Room,
    SiteSettings,
)
from rooms.parts import NAMES, parts_version
from rooms.sidebar import Entry, sidebar
from rooms.suggest import Offer
from tests.accounts import PASSWORD, log_in, logged_in, mailed_link, make_account, sign_up, turn_on_two_factor
from tests.html import Element, elements, find_all
from tests.oidc import provider

ROOT = Path(settings.BASE_DIR)
TEMPLATES = ROOT / "templates"
VENDOR = ROOT / "static" / "vendor"
VENDORED = ["htmx.min.js", "hx-ws.min.js", "hx-upsert.min.js"]
SCRIPTS = {".js", ".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".wasm"}


# What is not allowed in HTML -----------------------------------------------------------


def objections(html: str | bytes) -> list[str]:
    """What in `html` is a script of ours, or lets one in."""
    return [f"<{element.name}> {what}" for element in elements(html) for what in _objections(element)]


def _objections(element: Element) -> Iterator[str]:
    if element.name == "script" and (element.text.strip() or not _is_vendored(element.get("src"))):
        yield "is a script that is not vendored"
    loads = element.get("as") == "script" or element.get("rel") == "modulepreload"
    if loads and not _is_vendored(element.get("href")):
        yield "loads a script that is not vendored"
    if element.name == "style":
        yield "is an inline style"
    if element.get("name") == "htmx-config":
        yield from _config_objections(element.get("content"))
    for attribute, value in element.attributes:
        name = attribute.removeprefix("data-")  # htmx takes data-hx-get for hx-get
        bare = re.sub(r"[\s\0-\x20]", "", value).lower()
        if name.startswith(("on", "hx-on")):
            yield f"has a handler, {attribute}"
        if name in ("style", "srcdoc", "nonce"):
            yield f"has {attribute}"
        if "javascript:" in bare or re.search(r"(^|[\"'{,:])js:", bare):
            yield f"has an expression in {attribute}"
        if name.startswith("hx-trigger") and "[" in value:
            yield f"has a filter in {attribute}"
        if name.startswith("hx-config"):
            yield from _config_objections(value)


def _config_objections(config: str) -> Iterator[str]:
    # A nonce would let scripts in; another prefix would hide attributes from the checks above.
    if re.search(r"\b(inline\w*|prefix|metaCharacter)\b", config):
        yield "configures htmx to take scripts"


def _is_vendored(url: str) -> bool:
    return url.startswith(f"{settings.STATIC_URL}vendor/") and ".." not in url


def without_django(template: str) -> str:
    """The HTML of a template, of all its branches, with nothing where a value would be."""
    template = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", template, flags=re.DOTALL)
    template = re.sub(r"{% static '(.*?)' %}", rf"{settings.STATIC_URL}\1", template)
    return re.sub(r"{%.*?%}|{{.*?}}", "", template)


BAD = [
    "<script>x()</script>",
    "<script src='/static/app.js'></script>",
    "<script src='//cdn.example/static/vendor/htmx.min.js'></script>",
    "<script src='/static/vendor/../app.js'></script>",
    "<script src='/static/vendor/htmx.min.js'>x()</script>",
    "<script type='importmap'>{}</script>",
    "<script src='{{ script }}'></script>",
    "<script src=\"{% static 'app.js' %}\"></script>",
    "<link rel=preload as=script href='/static/app.js'>",
    "<link rel=modulepreload href='/static/app.mjs'>",
    "<style>p { color: red }</style>",
    "<p style='color: red'>",
    "<p style='color: {{ color }}'>",
    "<iframe srcdoc='<p>'></iframe>",
    "<p nonce='x'>",
    "<p onclick='x()'>",
    "<p {% if x %}onclick='x()'{% endif %}>",
    "<p ONLOAD=x()>",
    "<svg onload=x()></svg>",
    "<a href='javascript:x()'>",
    "<a href=' java\tscript:x()'>",
    "<a href='java{% if x %}script{% endif %}:x()'>",
    "<form action='js:x()'>",
    "<p hx-on:click='x()'>",
    "<p hx-on::after:swap='x()'>",
    "<p hx-on='click: x()'>",
    "<p hx-on-click='x()'>",
    "<p data-hx-on:click='x()'>",
    "<p hx-get='js:x()'>",
    "<p hx-vals='js:{a: x()}'>",
    "<p hx-vals='javascript:{a: x()}'>",
    "<p data-hx-vals=' js:{a: x()}'>",
    "<p hx-headers='js:{a: x()}'>",
    "<p hx-confirm='js:x()'>",
    "<p hx-trigger='click[ctrlKey]'>",
    "<p hx-trigger='load, keyup [key==\"Enter\"] from:body'>",
    "<p data-hx-trigger='click[x()]'>",
    "<p hx-trigger:inherited='click[x()]'>",
    "<meta name='htmx-config' content='inlineScriptNonce:x'>",
    "<meta name='htmx-config' content='{\"prefix\": \"x-\"}'>",
    "<meta name='htmx-config' content='history:false, metaCharacter:-'>",
    "<p hx-config='inlineScriptNonce:x'>",
]
GOOD = [
    "<script src='/static/vendor/htmx.min.1234.js'></script>",
    "<script src=\"{% static 'vendor/htmx.min.js' %}\"></script>",
    "<link rel=preload as=script href='/static/vendor/htmx.min.js'>",
    "<link rel=stylesheet href='/static/css/base.css'>",
    "<meta name='htmx-config' content='history:false, ws.reconnectDelay:300'>",
    "<p hx-get='/x/' hx-trigger='htmx:ws:close from:#room, load once' hx-vals='again:1' title='online'>",
    "{% comment %}<script>x()</script>{% endcomment %}{# <p onclick=x()> #}",
    "<p>javascript: onclick=x() style='x' &lt;script&gt;</p>",
]


@pytest.mark.parametrize("html", BAD)
def test_the_check_objects_to_scripts(html: str) -> None:
    assert objections(without_django(html))


@pytest.mark.parametrize("html", GOOD)
def test_the_check_objects_to_nothing_else(html: str) -> None:
    assert objections(without_django(html)) == []


# Files ---------------------------------------------------------------------------------


def scripts_among(folder: Path) -> list[str]:
    """The scripts in `folder`."""
    return sorted(
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if SCRIPTS.intersection(suffix.lower() for suffix in file.suffixes)
    )


def test_the_check_finds_scripts_among_files(tmp_path: Path) -> None:
    for name in ("app.js", "css/app.mjs", "deep/er/App.TS", "app.js.gz", "base.css", "js/note.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert scripts_among(tmp_path) == ["app.js", "app.js.gz", "css/app.mjs", "deep/er/App.TS"]


@pytest.mark.parametrize("folder", ["project", "rooms", "static", "templates"])
def test_no_file_is_a_script_of_ours(folder: str) -> None:
    vendored = [f"vendor/{name}" for name in sorted(VENDORED)] if folder == "static" else []
    assert scripts_among(ROOT / folder) == vendored


PICTURES = [file for folder in ("static", "docs") for file in sorted((ROOT / folder).rglob("*.svg"))]


@pytest.mark.parametrize("file", [*sorted(TEMPLATES.rglob("*.*")), *PICTURES], ids=lambda f: f.name)
def test_no_template_or_picture_holds_a_script(file: Path) -> None:
    assert objections(without_django(file.read_text())) == []


def test_htmx_is_as_its_authors_published_it() -> None:
    """The sums are those of the npm package htmx.org 4.0.1; see the README beside them."""
    sums = dict(line.split("  ")[::-1] for line in (VENDOR / "checksums.txt").read_text().splitlines())
    assert list(sums) == VENDORED
    for name, checksum in sums.items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == checksum, name
    version = re.search(r'this\.version="(.*?)"', (VENDOR / "htmx.min.js").read_text())
    assert version is not None
    assert f"htmx.org@{version[1]}" in (VENDOR / "README.md").read_text()


def test_nothing_else_is_vendored() -> None:
    about = {"LICENSE", "README.md", "checksums.txt"}
    assert {file.name for file in VENDOR.iterdir()} == {*VENDORED, *about}


@pytest.mark.parametrize("name", VENDORED)
def test_htmx_is_served_as_it_is(name: str) -> None:
    with staticfiles_storage.open(staticfiles_storage.stored_name(f"vendor/{name}")) as served:  # type: ignore[attr-defined]
        assert served.read() == (VENDOR / name).read_bytes()


# Pages ---------------------------------------------------------------------------------


def closed(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("account/", include("project.oidc_urls")),
    path("", include("project.urls")),
    path("closed/", closed),
    path("broken/", broken),
    path("often/", respond_429),
]

POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "connect-src": ["'self'"],
    "img-src": ["'self'"],
    "media-src": ["'self'"],
    "form-action": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
}
WITH_FRAME = {"frame-src": ["'self'"]}
FRAMED = WITH_FRAME | {"frame-ancestors": ["'self'"]}

ROOM, MESSAGES = "/rooms/lounge/", "/rooms/lounge/messages/"
COMPOSE, LIVE = f"{ROOM}compose/", {"HX-Request": "true"}
WRITING = {"body": "see http://a.example/", "key": "k1", "draft": "k0", "tall": "1"}
PREVIEW = {"body": "see http://a.example/", "key": "k1", "preview": "1"}
INVITATION, TOTP = "/invitations/t0ken/", "/account/2fa/totp/activate/"
EXPORT = "3xp0rt"
CHANGE = {"email": "new@example.com", "action_add": ""}
TOO_LONG = {"body": "x" * 4001, "room_name": "x" * 61, "username": "x" * 41, "bio": "x" * 301}


def with_files(client: Client) -> Any:
    """A message with a picture, which is made ready, and others that are played or taken along."""
    picture = BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    sent = {"a.png": picture.getvalue(), "a.mp3": b"ID3\3" + bytes(60), "a.html": b"<script>x()</script>"}
    sent |= {"b.png": picture.getvalue(), "a.mp4": b"\0\0\0\x18ftypisom" + bytes(60)}
    if not File.objects.exists():
        files = [SimpleUploadedFile(name, content) for name, content in sent.items()]
        assert client.post(MESSAGES, {"files": files, "caption": ["<script>"] * 5}).status_code == 302
        make_picture.func(File.objects.filter(name="a.png").latest("pk").token)
    return client.get(ROOM)


def ann() -> Person:
    return Person.objects.get(username="ann")


def today() -> str:
    return path_of_day(timezone.localdate())


def person_id(name: str) -> int:
    return Person.objects.get(username=name).pk


# Of every page: who asks, how, its status and what its policy has beside or instead of the usual.
Page = tuple[str, Callable[[Client], Any], int, dict[str, list[str]]]
PAGES: dict[str, Page] = {
    # First: as long as nobody has an account.
    "welcome": ("stranger", lambda client: client.get("/welcome/"), 200, {}),
    "welcome refused": ("stranger", lambda client: client.post("/welcome/"), 422, {}),
    "lobby": ("stranger", lambda client: client.get("/"), 200, {}),
    "lobby refused": ("stranger", lambda client: client.post("/", TOO_LONG), 422, {}),
    "lobby signed in": ("member", lambda client: client.get("/"), 200, {}),
    "lobby signed in, refused": ("member", lambda client: client.post("/", TOO_LONG), 422, {}),
    "name": ("stranger", lambda client: client.get(ROOM), 200, WITH_FRAME),
    "name refused": ("stranger", lambda client: client.post(ROOM, TOO_LONG), 422, WITH_FRAME),
    "room": ("member", lambda client: client.get(ROOM), 200, WITH_FRAME),
    "room, older": ("member", lambda client: client.get(ROOM, {"before": 30}), 200, WITH_FRAME),
    "message refused": ("member", lambda client: client.post(MESSAGES, TOO_LONG), 422, FRAMED),
    "message taken": ("member", lambda client: client.post(MESSAGES, {"body": "x"}), 302, FRAMED),
    "room, writing": ("member", lambda client: client.post(COMPOSE, WRITING), 200, WITH_FRAME),
    "room, writing live": (
        "member",
        lambda client: client.post(COMPOSE, WRITING, headers=LIVE),
        200,
        WITH_FRAME,
    ),
    "room, preview": ("member", lambda client: client.post(COMPOSE, PREVIEW, headers=LIVE), 200, WITH_FRAME),
    "older": ("member", lambda client: client.get(MESSAGES, {"before": 60}), 200, FRAMED),
    "newer": ("member", lambda client: client.get(MESSAGES, {"after": 50}), 200, FRAMED),
    "newer, none": ("member", lambda client: client.get(MESSAGES, {"after": 99}), 200, FRAMED),
    "room at a message": ("member", lambda client: client.get(f"{MESSAGES}7/"), 200, WITH_FRAME),
    "room, later": ("member", lambda client: client.get(f"{MESSAGES}5/newer/"), 200, {}),
    "room, to its end": ("member", lambda client: client.get(f"{MESSAGES}30/newer/"), 200, {}),
    "preview": ("member", lambda client: client.get(f"{MESSAGES}7/preview/"), 200, {}),
    "about a message": ("member", lambda client: client.get(f"{MESSAGES}7/about/"), 200, {}),
    "room with files": ("member", lambda client: with_files(client), 200, WITH_FRAME),
    "menu of a message": ("member", lambda client: client.get(f"{MESSAGES}7/menu/"), 200, {}),
    "edit a message": ("member", lambda client: client.get(f"{MESSAGES}7/edit/"), 200, {}),
    "edit a message, refused": (
        "member",
        lambda client: client.post(f"{MESSAGES}7/edit/", TOO_LONG),
        422,
        {},
    ),
    "edit a message, in a dialog": (
        "member",
        lambda client: client.get(f"{MESSAGES}7/edit/", headers={"HX-Request": "true"}),
        200,
        {},
    ),
    "edited a message, in a dialog": (
        "member",
        lambda client: client.post(f"{MESSAGES}7/edit/", {"body": "x"}, headers={"HX-Request": "true"}),
        200,
        {},
    ),
    "answer to a message": ("member", lambda client: client.get(f"{MESSAGES}7/reply/"), 200, {}),
    "answer to a message, in the room": (
        "member",
        lambda client: client.get(f"{MESSAGES}7/reply/", headers={"HX-Request": "true"}),
        200,
        {},
    ),
    "reactions": ("reactor", lambda client: client.get(f"{MESSAGES}7/reactions/"), 200, {}),
    "reactions, in the menu": (
        "member",
        lambda client: client.get(f"{MESSAGES}7/reactions/?q=heart", headers={"HX-Request": "true"}),
        200,
        {},
    ),
    "room, with more in it": ("reactor", lambda client: client.get(ROOM), 200, WITH_FRAME),
    "pinned": ("reactor", lambda client: client.get(f"{ROOM}pinned/"), 200, {}),
    "saved": ("reactor", lambda client: client.get("/saved/"), 200, {}),
    "threads": ("reactor", lambda client: client.get("/threads/"), 200, {}),
    "room, a thread": ("reactor", lambda client: client.get(f"{MESSAGES}7/thread/"), 200, WITH_FRAME),
    "about an edited message": ("reactor", lambda client: client.get(f"{MESSAGES}7/about/"), 200, {}),
    "about another's message": ("keeper", lambda client: client.get(f"{MESSAGES}7/about/"), 200, {}),
    "history": ("member", lambda client: client.get(f"{ROOM}history/"), 200, {}),
    "history, older": ("member", lambda client: client.get(f"{ROOM}history/?before=55"), 200, {}),
    "history, a day": ("member", lambda client: client.get(f"{ROOM}history/{today()}"), 200, {}),
    "history, an empty day": ("member", lambda client: client.get(f"{ROOM}history/2020/06/02/"), 200, {}),
    "history, a year": ("member", lambda client: client.get(f"{ROOM}history/{today()[:5]}"), 200, {}),
    "room, attach": ("member", lambda client: client.get(f"{ROOM}attach/"), 200, {}),
    "room, attach, part": ("member", lambda client: client.get(f"{ROOM}attach/?part=1"), 200, {}),
    "room, attach, refused": ("member", lambda client: client.post(MESSAGES, {"attach": "1"}), 422, FRAMED),
    "about": ("keeper", lambda client: client.get(f"{ROOM}about/"), 200, {}),
    "about, refused": ("keeper", lambda client: client.post(f"{ROOM}invite/", {"names": "x"}), 422, {}),
    "not now": ("member", lambda client: client.post(f"{ROOM}close/", {"on": "1"}), 403, {}),
    "somebody in it": ("keeper", lambda client: client.get(f"{ROOM}people/{person_id('bob')}/"), 200, {}),
    "bans": ("keeper", lambda client: client.get(f"{ROOM}bans/"), 200, {}),
    "no more mail": ("member", lambda client: client.get(f"/mail/{token_of(ann())}/"), 200, {}),
    "no more mail, done": ("member", lambda client: client.post(f"/mail/{token_of(ann())}/"), 200, {}),
    "reports": ("keeper", lambda client: client.get("/reports/"), 200, {}),
    "new private": ("member", lambda client: client.get("/new-room/"), 200, {}),
    "direct": ("member", lambda client: client.get("/direct/"), 200, {}),
    "archived": ("member", lambda client: client.get("/archived/"), 200, {}),
    "exports, none": ("member", lambda client: client.get("/exports/"), 200, {}),
    "export, row": ("exporter", lambda client: client.get(f"/exports/{EXPORT}/row/"), 200, {}),
    "blocks": ("member", lambda client: client.get("/blocks/"), 200, {}),
    "ban from the site": (
        "keeper",
        lambda client: client.post(
            "/admin/rooms/person/", {"action": "ban", "_selected_action": person_id("bob")}
        ),
        200,
        {},
    ),
    "banned": ("banned", lambda client: client.get(ROOM), 403, WITH_FRAME),
    "person": ("member", lambda client: client.get(ann().get_absolute_url()), 200, {}),
    "initials": ("member", lambda client: client.get(f"{ann().get_absolute_url()}picture/"), 200, {}),
    "how to write": ("stranger", lambda client: client.get("/help/writing/"), 200, {}),
    "search": ("member", lambda client: client.get("/search/", {"q": "see lounge"}), 200, {}),
    "search, explained": ("member", lambda client: client.get("/search/", {"q": 'in:x "++'}), 200, {}),
    "settings": ("member", lambda client: client.get("/settings/", {"saved": 1}), 200, {}),
    "settings refused": ("member", lambda client: client.post("/settings/", TOO_LONG), 422, {}),
    "picture refused": ("member", lambda client: client.post("/settings/picture/"), 422, {}),
    "style": ("member", lambda client: client.get("/me.css"), 200, {}),
    "health": ("stranger", lambda client: client.get("/healthz"), 200, {}),
    "ready": ("stranger", lambda client: client.get("/readyz"), 200, {}),
    "no metrics": ("stranger", lambda client: client.get("/metrics"), 404, {}),
    "not allowed": ("stranger", lambda client: client.delete("/"), 405, {}),
    "too old": ("checked", lambda client: client.post("/", {}), 403, {}),
    "closed": ("stranger", lambda client: client.get("/closed/"), 403, {}),
    "not there": ("stranger", lambda client: client.get("/nowhere/"), 404, {}),
    "broken": ("stranger", lambda client: client.get("/broken/"), 500, {}),
} | {
    f"part {name}": (
        "stranger",
        lambda client, name=name: client.get(f"/parts/{parts_version()}/{name}/"),
        200,
        {},
    )
    for name in NAMES
}


def got(who: str, url: str, status: int = 200, other: dict[str, list[str]] | None = None) -> Page:
    return (who, lambda client: client.get(url), status, other or {})


def sent(who: str, url: str, fields: dict[str, str], status: int = 200) -> Page:
    return (who, lambda client: client.post(url, fields), status, {})


PAGES |= {
    "too often": got("stranger", "/often/", 429),
    "from elsewhere": ("new elsewhere", lambda client: client.get("/account/3rdparty/signup/"), 200, {}),
    "invitation": got("stranger", INVITATION),
    "invitation, signed in": got("member", INVITATION),
    "no invitation": got("stranger", "/invitations/x/", 404),
    "log in": got("stranger", "/account/login/"),
    "log in refused": sent("stranger", "/account/login/", {"login": "x", "password": "x"}),
    "log in, guest": got("member", "/account/login/"),
    "sign up": got("stranger", "/account/signup/"),
    "sign up refused": sent("stranger", "/account/signup/", TOO_LONG),
    "keep the name": got("member", "/account/keep-name/"),
    "keep the name refused": sent("member", "/account/keep-name/", {}, 422),
    "mail sent": got("stranger", "/account/confirm-email/"),
    "confirm the email": ("new", lambda client: client.get(mailed_link("new@example.com")), 200, {}),
    "confirm nothing": got("stranger", "/account/confirm-email/x/"),
    "inactive": got("stranger", "/account/inactive/"),
    "reset the password": got("stranger", "/account/password/reset/"),
    "reset, sent": got("stranger", "/account/password/reset/done/"),
    "new password": ("forgetful", lambda client: client.get(reset_link(), follow=True), 200, {}),
    "new password, bad link": got("stranger", "/account/password/reset/key/1-x/"),
    "new password set": got("stranger", "/account/password/reset/key/done/"),
    "log out": got("owner", "/account/logout/"),
    "log out, guest": got("member", "/account/logout/"),
    "email": got("owner", "/account/email/"),
    "email, changing": ("owner", lambda client: client.post("/account/email/", CHANGE, follow=True), 200, {}),
    "password": got("owner", "/account/password/change/"),
    "password refused": sent("owner", "/account/password/change/", {}),
    "no password yet": got("from elsewhere", "/account/password/set/"),
    "sessions": got("owner", "/account/sessions/"),
    "close the account": got("owner", "/account/close/"),
    "is it you": got("owner", "/account/reauthenticate/"),
    "two-factor, off": got("owner", "/account/2fa/"),
    "two-factor, turn on": got("owner", TOTP, 200, {"img-src": ["'self'", "data:"]}),
    "two-factor, on": got("guarded", "/account/2fa/"),
    "two-factor, turn off": got("guarded", "/account/2fa/totp/deactivate/"),
    "is it you, by a code": got("guarded", "/account/2fa/reauthenticate/"),
    "recovery codes": got("guarded", "/account/2fa/recovery-codes/"),
    "new recovery codes": got("guarded", "/account/2fa/recovery-codes/generate/"),
    "code": got("half in", "/account/2fa/authenticate/"),
    "code refused": sent("half in", "/account/2fa/authenticate/", {"code": "x"}),
    "connected accounts": got("from elsewhere", "/account/3rdparty/"),
    "connect": got("owner", "/account/3rdparty/"),
    "elsewhere": got("stranger", "/account/oidc/oidc/login/"),
    "elsewhere, on the way": sent("stranger", "/account/oidc/oidc/login/", {}),
    "elsewhere, refused": got("stranger", "/account/3rdparty/login/error/", 401),
    "elsewhere, cancelled": got("stranger", "/account/3rdparty/login/cancelled/"),
    # Last: from here on things are different.
    "log in, banned": ("banned elsewhere", lambda client: come_back(client), 403, {}),
    "sign up closed": got("uninvited", "/account/signup/"),
}  # fmt: skip


def reset_link() -> str:
    return mailed_link("old@example.com")


def come_back(client: Client) -> Any:
    """From the provider."""
    on = client.post("/account/oidc/oidc/login/").content
    authorize = find_all(on, "a")[-1]["href"]
    state = parse_qs(urlsplit(authorize).query)["state"][0]
    return client.get("/account/oidc/oidc/login/callback/", {"code": "c", "state": state})


class Clients(dict[str, Client]):
    """Browsers by who is before them, made as they are asked for."""

    def __init__(self, ann: Person, lounge: Room) -> None:
        super().__init__()
        self.ann, self.lounge = ann, lounge

    def __missing__(self, who: str) -> Client:
        self[who] = getattr(self, who.replace(" ", "_"))()
        return self[who]

    def stranger(self) -> Client:
        return Client(raise_request_exception=False)

    def member(self) -> Client:
        for n in range(60):
            changes.post(self.lounge, self.ann, f"see http://a.example/{n}")
        client = Client()
        client.force_login(self.ann)
        return client

    def banned(self) -> Client:
        bob = Person.guest("bob")
        bob.save()
        client = Client()
        client.force_login(bob)
        moderation.report(changes.post(self.lounge, self.ann, "x"), bob, "noise")
        Ban.objects.create(room=self.lounge, person=bob, reason="noise")
        return client

    def keeper(self) -> Client:
        """Who keeps order everywhere, and has something to do."""
        assert self["member"] and self["banned"]
        client = Client(raise_request_exception=False)
        client.force_login(Person.objects.create_superuser("keeper"))
        client.get(ROOM)
        return client

    def exporter(self) -> Client:
        """Who waits for a room as a file."""
        Export.objects.create(room=self.lounge, person=self.ann, token=EXPORT)
        return self["member"]

    def reactor(self) -> Client:
        """To whom messages were edited, reacted to, answered, pinned and saved."""
        client = self["member"]
        message = Message.objects.get(room=self.lounge, seq=7)
        editing.edit(message, self.ann, "see <b>")
        if not message.extras:
            reactions.toggle(message, self.ann, "👍")
            changes.post(self.lounge, self.ann, "so I <see>", reply=7)
            changes.post(self.lounge, self.ann, "<aside>", thread=7)
        Membership.objects.filter(person=self.ann).update(role=Role.OWNER)
        pins.pin(message, self.ann, is_on=True)
        Membership.objects.filter(person=self.ann).update(role=Role.MEMBER)
        pins.save(message, self.ann, is_on=True)
        return client

    def checked(self) -> Client:
        """Its forms are checked for where they come from."""
        return Client(enforce_csrf_checks=True)

    def owner(self) -> Client:
        return logged_in(make_account("owner"))

    def guarded(self) -> Client:
        client = logged_in(make_account("guarded"))
        turn_on_two_factor(client)
        client.post("/account/reauthenticate/", {"password": PASSWORD})
        return client

    def half_in(self) -> Client:
        turn_on_two_factor(logged_in(make_account("half")))
        client = self.stranger()
        log_in(client, "half")
        return client

    def uninvited(self) -> Client:
        SiteSettings.objects.update_or_create(pk=1, defaults={"sign_up": SiteSettings.SignUp.INVITATION})
        return self.stranger()

    def new(self) -> Client:
        client = self.stranger()
        sign_up(client, "new", "new@example.com")
        return client

    def forgetful(self) -> Client:
        make_account("old")
        client = self.stranger()
        client.post("/account/password/reset/", {"email": "old@example.com"})
        return client

    def new_elsewhere(self) -> Client:
        client = self.stranger()
        come_back(client)
        return client

    def from_elsewhere(self) -> Client:
        client = self.new_elsewhere()
        fields = {"username": "Ann Lee", "email": "ann@provider.example"}
        assert client.post("/account/3rdparty/signup/", fields).status_code == 302
        return client

    def banned_elsewhere(self) -> Client:
        self.from_elsewhere()
        Person.objects.filter(username="Ann Lee").update(banned_until=timezone.now() + timedelta(days=1))
        return self.stranger()


@pytest.fixture
def clients(
    room: Callable[..., Room], person: Callable[..., Person], settings: Settings
) -> Iterator[dict[str, Client]]:
    """Browsers, and what there is to see in them."""
    ann, lounge = person("ann"), room("Lounge")
    Membership.join(lounge.pk, ann.pk)
    Invitation.objects.create(room=lounge, by=ann, token=INVITATION.split("/")[2])
    with provider() as server:
        settings.SOCIALACCOUNT_PROVIDERS = server.apps()
        yield Clients(ann, lounge)


urls = pytest.mark.urls(__name__)
WITH_SCRIPTS = ("room", "message ", "search")  # in the names of pages that load htmx


@urls
@pytest.mark.django_db
def test_no_page_holds_a_script_of_ours_and_every_page_forbids_all_but_files_of_this_site(
    clients: dict[str, Client],
) -> None:
    """All pages in one go, in their order: what takes time is what there is to see in them."""
    found, templates = {}, set()
    for page, (who, ask, status, other) in PAGES.items():
        response = ask(clients[who])
        templates |= {template.name.partition("#")[0] for template in response.templates}
        loads_none = not any(word in page for word in WITH_SCRIPTS)
        wrong = [*_wrong(response, status, POLICY | other)]
        if loads_none and find_all(response.content, "script"):
            wrong.append("it loads a script")
        if wrong:
            found[page] = wrong
    assert found == {}
    # Those of a room as a file are no pages of the site; tests/test_exports.py looks at them.
    files = {file.relative_to(TEMPLATES).as_posix() for file in TEMPLATES.rglob("*.html")}
    assert templates >= {name for name in files if not name.startswith("export/")}


def _wrong(response: Any, status: int, policy: dict[str, list[str]]) -> Iterator[str]:
    """What is not as it has to be in an answer."""
    if response.status_code != status:
        yield f"its status is {response.status_code}"
    yield from objections(response.content)
    kind = response.headers["Content-Type"].partition(";")[0]
    if kind not in ("text/html", "text/plain", "text/css", "image/svg+xml"):
        yield f"it is {kind}"  # htmx would run text/javascript
    header = response.headers.get("Content-Security-Policy", "")
    found = {name: sources for name, *sources in (part.split() for part in header.split(";") if part)}
    if found != policy or "unsafe" in header:
        yield f"its policy is {header}"


@pytest.mark.django_db
def test_the_page_of_exports_loads_htmx_while_one_waits(clients: dict[str, Client]) -> None:
    page = clients["exporter"].get("/exports/")
    assert objections(page.content) == []
    assert [script["src"] for script in find_all(page.content, "script")] == [
        staticfiles_storage.url("vendor/htmx.min.js")
    ]


@pytest.mark.django_db
def test_the_room_loads_htmx_and_its_two_extensions(clients: dict[str, Client]) -> None:
    scripts = find_all(clients["member"].get(ROOM).content, "script")
    assert [script["src"] for script in scripts] == [
        staticfiles_storage.url(f"vendor/{name}") for name in VENDORED
    ]


@pytest.mark.django_db
def test_search_loads_htmx_alone(clients: dict[str, Client]) -> None:
    scripts = find_all(clients["member"].get("/search/").content, "script")
    assert [script["src"] for script in scripts] == [staticfiles_storage.url("vendor/htmx.min.js")]


def all_fragments(lounge: Room, message: Message) -> list[str]:
    """One of each kind, of a room with this message."""
    return [
        fragments.change(message, "UTC", is_new=True),
        fragments.change(message, "UTC", is_new=False),
        fragments.start_over(lounge, newest(lounge, said_in(0)), "UTC"),
        fragments.head(lounge),
        fragments.news(lounge.pk, Entry(lounge.pk, "", "", "open", False, False, True, 2)),
        fragments.title("Lounge", 2),
        fragments.dot(message.author_id, 2),
        fragments.present([(1, "ann", 2)], 20),
        fragments.typing([(1, "ann")]),
        fragments.rooms(sidebar(message.author), lounge),
        fragments.eye(),
        fragments.farewell("because"),
        fragments.cursor(57),
        fragments.accepted(lounge, "key", "spare", "lead"),
        fragments.refused(lounge, "key", ["a problem"]),
        fragments.refused(lounge, "", ["a problem"]),
        fragments.offers(lounge, "key", [Offer("person", 7, "@ann", "@", "ann")]),
        fragments.offers(lounge, "key", []),
        fragments.notice("a notice"),
    ]


@pytest.mark.django_db(transaction=True)
def test_no_fragment_holds_a_script(person: Callable[..., Person], room: Callable[..., Room]) -> None:
    lounge = room()
    message = changes.post(lounge, person(), "see http://a.example/")
    assert Message.objects.get() == message
    for fragment in all_fragments(lounge, message):
        assert elements(fragment)
        assert objections(fragment) == []
        assert not find_all(fragment, "script")
