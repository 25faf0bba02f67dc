"""The feeds of rooms: what feed readers make of them, and who gets them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import pytest
from django.test import Client
from django.utils import timezone

from rooms import changes, feed, joining, moderation
from rooms.accounts import closing
from rooms.models import Kind, Membership, Person, Role, Room, SiteSettings
from tests.hostile import MADE, PAYLOADS
from tests.html import elements, find, find_all

FEED = "/rooms/lounge/feed/"
START = datetime(2020, 6, 2, 12, tzinfo=UTC)
MakePerson = Callable[..., Person]


def read(answer: Any) -> Any:
    """The feed as a feed reader has it."""
    assert answer.status_code == 200
    parsed = feedparser.parse(
        answer.content, response_headers={name.lower(): value for name, value in answer.headers.items()}
    )
    assert not parsed.bozo, parsed.bozo_exception
    assert parsed.version == "atom10"
    return parsed


@pytest.fixture
def cellar(ann: Person) -> Room:
    """A private room that ann is in."""
    cellar = Room.hidden("Cellar", Kind.PRIVATE)
    Membership.join(cellar.pk, ann.pk)
    changes.post(cellar, ann, "hush")
    return cellar


def secret_link(room: Room, person: Person) -> str:
    """The link that they make on the page about the room."""
    client = Client()
    client.force_login(person)
    about = f"/rooms/{room.slug}/about/"
    client.post(f"/rooms/{room.slug}/feed-link/", {"on": "1"})
    link = find(client.get(about).content, "code", class_="link").text
    assert link.startswith("http://testserver/")
    return link.removeprefix("http://testserver")


class TestContent:
    def test_a_reader_reads_it(self, client: Client, lounge: Room, ann: Person) -> None:
        changes.configure(lounge, topic="Tea & cake")
        changes.post(lounge, ann, "Good <b>morning</b>,\nall: http://a.example/?x=1&y=2", at=START)
        parsed = read(client.get(FEED))
        assert parsed.headers["content-type"] == "application/atom+xml; charset=utf-8"
        assert (parsed.feed.title, parsed.feed.subtitle) == ("Lounge", "Tea & cake")
        assert parsed.feed.link == "http://testserver/rooms/lounge/"
        [entry] = parsed.entries
        assert entry.title == "ann: Good <b>morning</b>, all: http://a.example/?x=1&y=2"
        assert entry.author == "ann"
        assert entry.link == "http://testserver/rooms/lounge/messages/2/"
        assert entry.published == entry.updated == "2020-06-02T12:00:00+00:00"
        assert entry.summary_detail.type == "text/html"
        assert entry.summary.startswith("<p>Good &lt;b&gt;morning&lt;/b&gt;,<br")
        assert find(entry.summary, "a")["href"] == "http://a.example/?x=1&y=2"

    def test_the_newest_come_first_and_not_all(self, client: Client, lounge: Room, ann: Person) -> None:
        for n in range(feed.SIZE + 5):
            changes.post(lounge, ann, f"n{n}")
        titles = [entry.title for entry in read(client.get(FEED)).entries]
        assert titles == [f"ann: n{n}" for n in reversed(range(5, feed.SIZE + 5))]

    def test_what_was_deleted_is_not_in_it(self, client: Client, lounge: Room, ann: Person) -> None:
        message = changes.post(lounge, ann, "taken back")
        changes.post(lounge, ann, "kept")
        changes.delete(message, ann)
        assert [entry.title for entry in read(client.get(FEED)).entries] == ["ann: kept"]

    def test_ids_outlast_the_rooms_name(self, client: Client, lounge: Room, ann: Person) -> None:
        changes.post(lounge, ann, "x")
        before = read(client.get(FEED))
        changes.configure(lounge, name="Parlour")
        answer = client.get(FEED)
        assert (answer.status_code, answer["Location"]) == (302, "/rooms/parlour/feed/")
        after = read(client.get(answer["Location"]))
        assert (before.feed.id, before.entries[0].id) == (after.feed.id, after.entries[0].id)
        assert before.entries[0].id.startswith("tag:testserver,")
        assert before.feed.id != before.entries[0].id
        assert after.entries[0].link == "http://testserver/rooms/parlour/messages/1/"

    def test_hostile_texts_are_text(
        self, client: Client, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feed, "SIZE", 2 * len(PAYLOADS))
        for payload in PAYLOADS:
            changes.post(lounge, ann, payload.replace("\0", ""))
        entries = read(client.get(FEED)).entries
        assert len(entries) == len(PAYLOADS)
        for entry in entries:
            assert {element.name for element in elements(entry.summary)} <= MADE.keys()

    @pytest.mark.parametrize("body", ["a\x0bb", "\x1b[31m", "x\ufffe", "\x00y", "]]>", "🎉", "\u2028"])
    def test_what_xml_cannot_hold(self, client: Client, lounge: Room, ann: Person, body: str) -> None:
        changes.post(lounge, ann, body.replace("\0", ""))
        assert len(read(client.get(FEED)).entries) == 1

    def test_an_empty_room(self, client: Client, lounge: Room) -> None:
        answers = [client.get(FEED).content for _ in range(2)]
        assert answers[0] == answers[1]
        assert feedparser.parse(answers[0]).entries == []


class TestConditional:
    def test_what_a_reader_has_is_not_sent_again(self, client: Client, lounge: Room, ann: Person) -> None:
        message = changes.post(lounge, ann, "x")
        for change in (lambda: changes.post(lounge, ann, "y"), lambda: changes.delete(message, ann)):
            etag = client.get(FEED)["ETag"]
            again = client.get(FEED, headers={"If-None-Match": etag})
            assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
            change()
            assert client.get(FEED, headers={"If-None-Match": etag}).status_code == 200

    def test_nobody_else_keeps_it(self, client: Client, lounge: Room) -> None:
        answer = client.get(FEED)
        assert answer["Cache-Control"] == "private, no-cache"
        assert "Cookie" in answer["Vary"]


class TestWhoMay:
    def test_where_guests_may_not_come_in_strangers_get_none(
        self, client: Client, lounge: Room, ann: Person
    ) -> None:
        Person.objects.filter(pk=ann.pk).update(is_guest=False)
        SiteSettings.objects.create(pk=1, guests_allowed=False)
        assert client.get(FEED).status_code == 302
        client.force_login(ann)
        assert client.get(FEED).status_code == 200
        Membership.join(lounge.pk, ann.pk)
        read(Client().get(secret_link(lounge, ann)))

    def test_a_secret_link_needs_no_session(self, cellar: Room, ann: Person) -> None:
        link = secret_link(cellar, ann)
        assert [entry.title for entry in read(Client().get(link)).entries] == ["ann: hush"]

    def test_it_is_ones_own_and_for_one_room(self, cellar: Room, lounge: Room, ann: Person) -> None:
        token = secret_link(cellar, ann).split("/")[-2]
        assert Client().get(f"/rooms/lounge/feed/{token}/").status_code == 404
        bob = Person.objects.create_user("bob")
        Membership.join(cellar.pk, bob.pk)
        assert secret_link(cellar, bob).split("/")[-2] != token
        other = Client()
        other.force_login(bob)
        assert token not in other.get(f"/rooms/{cellar.slug}/about/").content.decode()

    def test_it_goes_on_under_a_new_name(self, cellar: Room, ann: Person) -> None:
        link = secret_link(cellar, ann)
        changes.configure(cellar, name="Attic")
        assert read(Client().get(link, follow=True)).feed.title == "Attic"

    @pytest.mark.parametrize(
        "end",
        ["revoked", "replaced", "left", "removed", "banned", "closed", "banned from the site", "inactive"],
    )
    def test_it_ends_with_what_it_is_of(self, cellar: Room, ann: Person, end: str) -> None:
        link = secret_link(cellar, ann)
        read(Client().get(link))
        boss = Person.objects.create_superuser("boss")
        Membership.join(cellar.pk, boss.pk, role=Role.OWNER)
        client = Client()
        client.force_login(ann)
        feed_link = f"/rooms/{cellar.slug}/feed-link/"
        {
            "revoked": lambda: client.post(feed_link, {"on": ""}),
            "replaced": lambda: client.post(feed_link, {"on": "1"}),
            "left": lambda: joining.leave(cellar, ann),
            "removed": lambda: moderation.remove(cellar, ann, boss),
            "banned": lambda: moderation.ban(cellar, ann, boss, "noise"),
            "closed": lambda: closing.close(ann),
            "banned from the site": lambda: moderation.ban_from_site(
                ann, boss, "noise", timezone.now() + timedelta(days=1)
            ),
            "inactive": lambda: Person.objects.filter(pk=ann.pk).update(is_active=False),
        }[end]()
        ended, missing = Client().get(link), Client().get(f"/rooms/nowhere/feed/{'x' * 22}/")
        assert (ended.status_code, ended.content) == (missing.status_code, missing.content)
        assert ended.status_code == 404

    def test_what_is_said_directly_is_fed_to_nobody(self, ann: Person, person: MakePerson) -> None:
        room = joining.direct_room(ann, [person("bob")])
        Membership.objects.filter(person=ann).update(feed_token="t" * 22)
        assert Client().get(f"/rooms/{room.slug}/feed/{'t' * 22}/").status_code == 404


def test_the_room_tells_where_its_feed_is(
    client: Client, lounge: Room, ann: Person, person: MakePerson
) -> None:
    client.force_login(ann)
    assert find(client.get("/rooms/lounge/").content, "link", rel="alternate")["href"] == FEED
    direct = joining.direct_room(ann, [person("bob")])
    assert not find_all(client.get(f"/rooms/{direct.slug}/").content, "link", rel="alternate")
