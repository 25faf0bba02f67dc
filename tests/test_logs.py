"""What the log tells, and what it never does."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from channels.layers import get_channel_layer
from channels.routing import get_default_application
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import get_resolver
from psycopg.errors import NotNullViolation
from pytest_django import Settings

from project import discreet
from project.logs import LineFormatter, ObjectFormatter, logging_config
from rooms import consumers, context, presence
from rooms.hub import Hub
from rooms.mailing import token_of
from rooms.models import Export, Invitation, Membership, Message, Person, Room
from tests import test_socket
from tests.accounts import PASSWORD, mailed_link, make_account
from tests.test_headers import PARTS, addresses
from tests.waiting import until

connect = test_socket.connect
pytestmark = pytest.mark.django_db(transaction=True)

MARKER = "xyzzyplughplover"
HOSTILE = "a\r\n2026-01-01 00:00:00,000 ERROR rooms: forged\u2028\x1b[2J\x85\u202eb"


class Log:
    """All that is logged from INFO on, in both formats."""

    def __init__(self) -> None:
        self.plain, self.objects = io.StringIO(), io.StringIO()

    @property
    def lines(self) -> list[str]:
        return self.plain.getvalue().split("\n")[:-1]

    @property
    def found(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.objects.getvalue().split("\n")[:-1]]

    def of(self, logger: str) -> list[dict[str, Any]]:
        return [record for record in self.found if record["logger"] == logger]


@pytest.fixture
def log() -> Iterator[Log]:
    get_default_application()  # which sets up the log, once
    log, root = Log(), logging.getLogger()
    before = {root: root.level}
    for name in ("project.requests", "channels_redis", "daphne", "uvicorn", "django_tasks"):
        before[logging.getLogger(name)] = logging.getLogger(name).level
    handlers: list[tuple[io.StringIO, logging.Formatter]] = [
        (log.plain, LineFormatter()),
        (log.objects, ObjectFormatter()),
    ]
    added = []
    for stream, formatter in handlers:
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        root.addHandler(handler)
        added.append(handler)
    for logger in before:
        logger.setLevel(logging.INFO)
    context.nobody()
    yield log
    for logger, level in before.items():
        logger.setLevel(level)
    for handler in added:
        root.removeHandler(handler)
    context.nobody()


# Lines ---------------------------------------------------------------------------------------


def test_nobody_can_forge_a_line(log: Log) -> None:
    told = logging.getLogger("rooms.x")
    told.warning("somebody said %s, %r, %s", HOSTILE, HOSTILE, ValueError(HOSTILE))
    context.begin(request="1")
    context.note(room=HOSTILE)
    told.info(HOSTILE)
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        told.exception("%s", HOSTILE)
    first, second, third, *rest = log.lines
    for line in (first, second, third):
        assert line.startswith("20")
        assert line.isprintable()
    assert rest
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert all(line.isascii() for line in log.objects.getvalue().split("\n"))
    assert [record["logger"] for record in log.found] == ["rooms.x"] * 3
    assert log.found[1]["message"] == HOSTILE


def test_what_no_text_may_hold_is_written_all_the_same() -> None:
    record = logging.makeLogRecord({"msg": "half of a pair: \ud800", "levelname": "INFO", "name": "rooms.x"})
    for formatter in (LineFormatter(), ObjectFormatter()):
        assert formatter.format(record).encode("utf-8")


def test_an_object_tells_all_that_is_known(log: Log) -> None:
    context.begin(request="1f")
    context.note(room=3, person=7)
    context.note(room=4)  # a page may look at others
    logging.getLogger("rooms.x").warning(
        "hello %s", "world", extra={"request": HttpRequest(), "other": MARKER}
    )
    (record,) = log.found
    assert record.pop("time").startswith("20")
    assert record == {
        "level": "WARNING",
        "logger": "rooms.x",
        "message": "hello world",
        "request": "1f",
        "room": 3,
        "person": 7,
    }
    assert log.lines[0].endswith(" WARNING rooms.x: hello world (request=1f room=3 person=7)")


def test_without_anything_served_nothing_is_told_of_it(log: Log) -> None:
    logging.getLogger("rooms.x").warning("hello")
    assert log.found[0].keys() == {"time", "level", "logger", "message"}
    assert log.lines[0].endswith("rooms.x: hello")


def test_an_error_is_told_with_where_it_came_from(log: Log) -> None:
    try:
        try:
            int(MARKER)
        except ValueError as error:
            raise TypeError("second\nand more") from error
    except TypeError as error:
        logging.getLogger("rooms.x").exception("broken: %s, %r, %r", error, error, error.__cause__)
    (record,) = log.found
    assert record["message"] == "broken: second, TypeError('second'), ValueError('…')"
    trace = record["exception"]
    assert trace.count("Traceback (most recent call last):\n") == 2  # as other tests look for
    assert trace.index("int(MARKER)\n") < trace.index("ValueError: …\n") < trace.index("TypeError: second")
    assert trace in "\n".join(line.removeprefix("    ") for line in log.lines[1:])
    assert MARKER not in log.plain.getvalue()


def test_what_a_database_did_not_take_is_not_told(log: Log) -> None:
    said = f'null value in column "at"\nDETAIL:  Failing row contains (1, {MARKER}).'
    try:
        try:
            raise NotNullViolation(said)
        except NotNullViolation as error:
            raise IntegrityError(said) from error
    except IntegrityError as error:
        logging.getLogger("rooms.x").exception("the database failed: %s, %r", error, error)
    logging.getLogger("rooms.x").warning("%s", NotNullViolation(f'invalid input: "{MARKER}"'))
    assert 'null value in column "at"' in log.lines[0]
    assert MARKER not in log.plain.getvalue() + log.objects.getvalue()


@pytest.mark.parametrize("log_format", ["plain", "json"])
@pytest.mark.parametrize("is_on", [True, False])
def test_the_settings_choose_the_format(log_format: str, is_on: bool) -> None:
    config = logging_config(log_format, is_access_logged=is_on)
    made = logging.config.DictConfigurator(config).configure_formatter(config["formatters"]["site"])  # type: ignore[attr-defined]
    assert isinstance(made, {"plain": LineFormatter, "json": ObjectFormatter}[log_format])
    assert config["loggers"]["project.requests"]["level"] == ("INFO" if is_on else "WARNING")


def test_there_is_no_other_format() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT has to be one of: plain, json"):
        logging_config("xml", is_access_logged=False)


# Addresses -----------------------------------------------------------------------------------

HARMLESS = {
    "app_label",
    "content_type_id",
    "day",
    "id",
    "name",
    "object_id",
    "pk",
    "provider_id",
    "seq",
    "slug",
    "url",
    "version",
    "year",
}


def test_secrets_in_addresses_are_left_out() -> None:
    found, parts = 0, {**PARTS, "token": "s3cret", "key": "k3y-x", "uidb36": "u1d"}
    for address, _ in addresses():
        url = address.replace("t0ken", "s3cret").replace("1-1-x", "u1d-k3y-x").replace("/1-x/", "/k3y-x/")
        kwargs = get_resolver().resolve(url).kwargs
        for name in discreet.SECRETS & kwargs.keys():
            assert kwargs[name] == parts[name], url
            assert parts[name] not in discreet.path(f"{url}?x={parts[name]}#{parts[name]}")
            found += 1
    assert found >= 10


def test_every_part_of_an_address_is_known_to_be_a_secret_or_none() -> None:
    names: set[str] = set()
    for address, _ in addresses():
        names |= get_resolver().resolve(address).kwargs.keys() - {"is_small"}
    assert names - discreet.SECRETS <= HARMLESS | {"final_catch_all_view"}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/rooms/lounge/messages/5/", "/rooms/lounge/messages/5/"),
        ("/search/?q=words", "/search/"),
        ("/invitation/Zm9vYmFyYmF6cXV4cXV1eA/", "/invitation/…/"),
        ("/nowhere/", "/nowhere/"),
    ],
)
def test_an_address_is_told_as_far_as_it_is_no_secret(address: str, told: str) -> None:
    assert discreet.path(address) == told
    assert discreet.addresses(f"see https://parlor.example{address}, please") == (
        f"see https://parlor.example{told}, please"
        if "?" not in address
        else "see https://parlor.example/search/ please"
    )


# Requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ("0af7651916cd43dd-8448eb211c80319c.1_x", True),
        ("", False),
        ("x" * 65, False),
        ("a b", False),
        ('a"b', False),
    ],
)
def test_a_request_has_an_id(client: Client, log: Log, given: str, is_taken: bool) -> None:
    response = client.get("/nowhere/", headers={"X-Request-ID": given})
    name = response.headers["X-Request-ID"]
    assert (name == given) == is_taken
    assert discreet.on_one_line(name) == name != ""
    assert {record["request"] for record in log.found} == {name}
    assert [record["logger"] for record in log.found] == ["project.requests", "django.request"]


async def test_it_has_one_under_asgi(log: Log) -> None:
    for given in ("first", "second"):
        await AsyncClient().get("/nowhere/", headers={"X-Request-ID": given})
    assert [record["request"] for record in log.of("django.request")] == ["first", "second"]
    assert context.now() == {"request": "second"}  # of this task, as no server has it


def test_a_request_is_logged_with_what_it_was(client: Client, log: Log, lounge: Room, ann: Person) -> None:
    client.force_login(ann)
    client.get("/rooms/lounge/?x=1")
    client.generic("NONSENSE", "/rooms/lounge/")
    first, second = log.of("project.requests")
    assert first.pop("ms") >= 0
    for name in ("time", "request"):
        first.pop(name)
    message = first.pop("message")
    assert message.startswith("GET room: 200 in ")
    assert first == {
        "level": "INFO",
        "logger": "project.requests",
        "room": lounge.pk,
        "person": ann.pk,
        "view": "room",
        "method": "GET",
        "status": 200,
    }
    assert (second["method"], second["status"]) == ("other", 405)


def test_it_is_not_unless_that_is_wanted(client: Client, log: Log) -> None:
    logging.getLogger("project.requests").setLevel(logging.WARNING)
    client.get("/")
    assert log.of("project.requests") == []


# Tabs ----------------------------------------------------------------------------------------


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "BEAT_SECONDS", 3600)


async def test_what_is_logged_for_a_tab_says_which(
    quiet: None, log: Log, connect: Any, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell(self: Any, frame: Any) -> None:
        logging.getLogger("rooms.x").warning("hello")
        raise IndexError(MARKER * 100)

    monkeypatch.setattr(consumers.TabConsumer, "typing", tell)
    tabs = [await connect(ann), await connect(ann)]
    for tab in tabs:
        await tab.say(action="typing")
        assert await tab.close_code() == 1011
    told = log.of("rooms.x")
    assert len({record["tab"] for record in told}) == 2
    assert {(record["room"], record["person"]) for record in told} == {(lounge.pk, ann.pk)}
    broken = log.of("project.sockets")
    assert [record["tab"] for record in broken] == [record["tab"] for record in told]
    assert "IndexError" in broken[0]["exception"]
    assert len(broken[0]["exception"]) < 5000


async def test_the_hub_serves_nobody_in_particular(
    quiet: None, log: Log, connect: Any, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await connect(ann)
    hub = Hub.here()
    await until(lambda: hub.channel)
    await get_channel_layer().send(hub.channel, {"type": "change", "nonsense": 1})
    await until(lambda: log.of("rooms.hub"))
    assert "tab" not in log.of("rooms.hub")[0]


# What nobody says ----------------------------------------------------------------------------


@pytest.fixture
def ann() -> Person:
    return make_account("ann")


@pytest.fixture
def secrets(lounge: Room, ann: Person) -> dict[str, str]:
    """What lets in whoever knows it, of ann's."""
    Membership.join(lounge.pk, ann.pk)
    Membership.objects.update(feed_token="feedtoken0123456789")
    invitation = Invitation.objects.create(room=lounge, by=ann)
    export = Export.objects.create(room=lounge, person=ann)
    return {
        "feed": "feedtoken0123456789",
        "invitation": invitation.token,
        "export": export.token,
        "mail": token_of(ann),
    }


def drive(client: Client, ann: Person, secrets: dict[str, str]) -> set[int]:
    """Go about the site, and say MARKER everywhere. Returns the statuses there were."""
    room, statuses = "/rooms/lounge/", set()

    def go(url: str, form: dict[str, Any] | None = None, **headers: str) -> Any:
        ask = client.get if form is None else client.post
        response = ask(url, form, headers=headers)
        statuses.add(response.status_code)
        return response

    go("/account/login/", {"login": MARKER, "password": MARKER})
    go("/account/signup/", {"username": MARKER, "email": f"{MARKER}@example.com", "password1": MARKER})
    go("/account/password/reset/", {"email": "ann@example.com"})
    secrets["reset"] = mailed_link("ann@example.com").rstrip("/").rsplit("/1-", 1)[-1]
    client.force_login(ann)
    secrets["session"] = client.cookies["sessionid"].value
    for url in (room, f"{room}messages/"):
        go(url, {"body": MARKER})
    seq = Message.objects.latest("seq").seq
    said = f"{room}messages/{seq}/"
    go(f"{room}messages/", {"body": f"{MARKER} " * 5000})
    go(f"{room}messages/", {"body": MARKER, "attach": "1", "caption-x": MARKER})
    go(f"{said}edit/", {"body": f"{MARKER}, {MARKER}"})
    go(f"{said}report/", {"reason": MARKER})
    go(f"{said}react/", {"emoji": MARKER})
    go(f"{said}delete/", {})
    for url in ("/search/", room, f"{room}history/", "/nowhere/", "/"):
        go(f"{url}?q={MARKER}&room={MARKER}&name={MARKER}")
    go("/settings/", {"username": "ann", "bio": MARKER, "time_zone": MARKER})
    go("/new-room/", {"name": MARKER, "topic": MARKER})
    go("/direct/", {"names": MARKER})
    go(f"{room}describe/", {"name": MARKER, "topic": MARKER})
    go("/account/password/change/", {"oldpassword": MARKER, "password1": MARKER})
    for kind, url in {
        "feed": "/rooms/lounge/feed/{}/",
        "invitation": "/invitations/{}/",
        "export": "/exports/{}/",
        "mail": "/mail/{}/",
        "reset": "/account/password/reset/key/1-{}/",
    }.items():
        if secrets[kind]:
            for address in (url, url.rstrip("/"), f"{url}more/", url.replace("lounge", "cellar")):
                go(f"{address.format(secrets[kind])}?q={MARKER}")
            go(url.format(secrets[kind]), {"body": MARKER})
            client.generic("NONSENSE", url.format(secrets[kind]))
    checked = Client(enforce_csrf_checks=True)
    for url in (f"{room}messages/", f"/invitations/{secrets['invitation']}/"):
        referer = f"https://other.example/search/?q={MARKER}"
        statuses.add(
            checked.post(url, {"body": MARKER}, headers={"referer": referer}, secure=True).status_code
        )
        statuses.add(
            checked.post(url, {"body": MARKER}, headers={"origin": "https://evil.example"}).status_code
        )
    return statuses


def test_nothing_that_people_write_or_keep_secret_is_logged(
    log: Log, ann: Person, secrets: dict[str, str], client: Client, settings: Settings
) -> None:
    client.raise_request_exception = False
    statuses = drive(client, ann, secrets)
    assert statuses >= {200, 302, 403, 404, 422}
    assert Message.objects.filter(author=ann).count() >= 1
    assert log.of("django.request")
    assert log.of("django.security.csrf")
    for what, secret in {**secrets, "what is written": MARKER, "the password": PASSWORD}.items():
        for line in [*log.lines, *map(str, log.found)]:
            assert not secret or secret not in line, f"{what}: {line}"


def test_nor_when_pages_break(
    log: Log, ann: Person, secrets: dict[str, str], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False

    def fail(*args: Any, **kwargs: Any) -> None:
        said = MARKER
        raise IntegrityError(f"null value\nDETAIL: Failing row contains ({said}, {args}).")

    monkeypatch.setattr("django.forms.Form.is_valid", fail)
    monkeypatch.setattr("rooms.access.find", fail)
    assert 500 in drive_broken(client, ann, secrets)
    assert "null value" in log.plain.getvalue()
    for secret in [*secrets.values(), MARKER]:
        assert not secret or secret not in log.plain.getvalue() + log.objects.getvalue()


def drive_broken(client: Client, ann: Person, secrets: dict[str, str]) -> set[int]:
    client.force_login(ann)
    asked = [
        client.post("/rooms/lounge/messages/", {"body": MARKER}),
        client.get("/search/", {"q": MARKER}),
        client.get(f"/rooms/lounge/feed/{secrets['feed']}/"),
        client.post("/new-room/", {"name": MARKER}),
    ]
    return {response.status_code for response in asked}


async def test_nor_by_sockets(
    quiet: None, log: Log, connect: Any, ann: Person, lounge: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await connect(ann)
    await tab.say(action="resume", cursor="0")
    await tab.frame_with("cursor")
    await tab.say(body=MARKER, key="abcdefghijkl")
    await tab.frame_with(MARKER)
    await tab.say(action="draft", body=f"{MARKER} draft", key="abcdefghijkm")
    await tab.say(action="suggest", body=f"@{MARKER}", key="abcdefghijkm")
    await tab.say(action=MARKER)
    await tab.send_to(text_data=f'{{"{MARKER}')

    def fail(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError(f"null value\nDETAIL: Failing row contains ({MARKER}).")

    monkeypatch.setattr("rooms.recording.record", fail)
    await tab.say(body=MARKER, key="abcdefghijkn")
    assert await tab.close_code() == 1011
    assert "the database failed: null value" in log.plain.getvalue()
    assert MARKER not in log.plain.getvalue() + log.objects.getvalue()


def test_the_check_sees_what_is_logged(log: Log) -> None:
    logging.getLogger("rooms.x").info("somebody said %s", MARKER)
    assert MARKER in log.plain.getvalue()
    assert MARKER in log.objects.getvalue()
