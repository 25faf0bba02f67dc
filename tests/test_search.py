"""Search: who finds what, on the page and in the index."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from rooms import changes, limits
from rooms.history_file import Line
from rooms.models import Ban, Block, Kind, Membership, Message, Person, Room
from rooms.search import index, results, upkeep
from rooms.search.index import Entry
from rooms.search.match import Match, Phrase
from rooms.search.query import parse
from rooms.search.results import RANKED, search
from rooms.search.terms import terms
from tests.html import find, find_all
from tests.texts import QUERIES, TEXTS

pytestmark = pytest.mark.django_db
NEW_YEAR = datetime(2020, 1, 1, tzinfo=UTC)


def said(text: str, person: Person, **options: Any) -> list[str]:
    """The texts of the messages that `person` finds."""
    return [hit.message.body for hit in search(text, person, **options).hits]


def in_index(text: str) -> int:
    """How many messages with these words the index knows."""
    return len(index.find(Match([[Phrase(tuple(terms(text)))]]), most=1000))


def room_of(name: str, *people: Person) -> Room:
    """A private room of this name, and with these people."""
    room = Room.hidden(name, Kind.PRIVATE)
    Membership.join(room.pk, *(person.pk for person in people))
    return room


class TestInStep:
    def test_what_is_posted_is_found_and_what_is_deleted_is_not(self, lounge: Room, ann: Person) -> None:
        changes.post(lounge, ann, "green tea")
        message = changes.post(lounge, ann, "black tea")
        assert said("tea", ann) == ["black tea", "green tea"]
        changes.delete(message, ann)
        assert said("tea", ann) == ["green tea"]
        assert in_index("black") == 0

    def test_what_is_not_committed_is_not_found(self, lounge: Room, ann: Person) -> None:
        with transaction.atomic():
            changes.post(lounge, ann, "green tea")
            transaction.set_rollback(True)
        assert in_index("tea") == 0

    def test_what_is_changed_is_found_as_it_is_now(self, lounge: Room, ann: Person) -> None:
        message = changes.post(lounge, ann, "green tea")
        message.body = "black coffee"
        message.save()
        index.put([message])
        index.put([message])
        assert said("tea", ann) == []
        assert said("coffee", ann) == ["black coffee"]
        assert in_index("coffee") == 1

    def test_what_is_removed_is_not_found(self, lounge: Room, ann: Person) -> None:
        ids = [changes.post(lounge, ann, f"tea {n}").pk for n in range(3)]
        index.remove(ids[:2])
        assert said("tea", ann) == ["tea 2"]

    def test_a_room_that_is_deleted_takes_its_messages_with_it(
        self, lounge: Room, room: Callable[..., Room], ann: Person
    ) -> None:
        changes.post(lounge, ann, "green tea")
        changes.post(room("Kitchen"), ann, "black tea")
        lounge.delete()
        assert in_index("tea") == 1
        Room.objects.all().delete()
        assert in_index("tea") == 0

    def test_what_is_there_no_more_is_not_shown(self, lounge: Room, ann: Person) -> None:
        changes.post(lounge, ann, "green tea")
        changes.post(lounge, ann, "black tea")
        Message.objects.filter(body="green tea").delete()
        assert in_index("tea") == 2
        assert said("tea", ann) == ["black tea"]

    def test_what_is_loaded_is_found_where_it_belongs(self, lounge: Room, ann: Person) -> None:
        changes.post(lounge, ann, "new tea")
        old = [Line(NEW_YEAR + timedelta(hours=n), "bob", f"old tea {n}", f"k{n}") for n in range(40)]
        assert changes.load(lounge, old[20:]) == 20
        assert changes.load(lounge, old) == 20
        assert said("tea", ann)[:3] == ["new tea", "old tea 39", "old tea 38"]
        assert in_index("tea") == 41


class TestWhoFindsWhat:
    def test_hidden_rooms_are_searched_by_their_people(
        self, lounge: Room, person: Callable[..., Person]
    ) -> None:
        ann, bob = person("ann"), person("bob")
        den = room_of("Den", ann)
        changes.post(lounge, ann, "tea in the lounge")
        changes.post(den, ann, "tea in the den")
        assert said("tea", ann) == ["tea in the den", "tea in the lounge"]
        assert said("tea", bob) == ["tea in the lounge"]
        assert said("tea in:den", ann) == said(f"tea in:{den.slug}", ann) == ["tea in the den"]
        Membership.objects.filter(person=ann).delete()
        assert said("tea", ann) == ["tea in the lounge"]

    def test_a_hidden_room_answers_as_one_that_is_not_there(self, person: Callable[..., Person]) -> None:
        ann, bob = person("ann"), person("bob")
        den = room_of("Den", ann)
        changes.post(den, ann, "tea")
        for name in ("den", den.slug):
            hidden, missing = search(f"in:{name}", bob), search("in:nowhere", bob)
            assert hidden.hits == missing.hits == []
            assert hidden.problems == [f"You know no room “{name}”."]
            assert missing.problems == ["You know no room “nowhere”."]
        assert search("den", bob).rooms == []
        assert [title for _, title in search("den", ann).rooms] == ["Den"]

    def test_not_even_site_administrators_find_what_is_said_in_private(self, ann: Person) -> None:
        boss = Person.objects.create_superuser("boss")
        changes.post(room_of("Den", ann), ann, "tea")
        assert said("tea", boss) == []

    def test_who_is_banned_finds_nothing(self, lounge: Room, person: Callable[..., Person]) -> None:
        ann, bob = person("ann"), person("bob")
        den = room_of("Den", ann, bob)
        for room in (lounge, den):
            changes.post(room, ann, "tea")
        assert len(said("tea", bob)) == 2
        for room in (lounge, den):
            Ban.objects.create(room=room, person=bob, until=timezone.now() + timedelta(hours=1))
        assert said("tea", bob) == said("tea in:lounge", bob) == said("from:ann", bob) == []
        Ban.objects.update(until=timezone.now())
        assert len(said("tea", bob)) == 2

    def test_archived_rooms_are_searched(self, lounge: Room, ann: Person) -> None:
        changes.post(lounge, ann, "tea")
        Room.objects.update(archived_at=timezone.now())
        assert said("tea in:lounge", ann) == ["tea"]

    def test_who_is_blocked_is_left_out(self, lounge: Room, person: Callable[..., Person]) -> None:
        ann, bob = person("ann"), person("bob")
        changes.post(lounge, bob, "tea")
        Block.objects.create(person=ann, blocked=bob)
        assert said("tea", ann) == []
        assert said("tea", bob) == ["tea"]

    def test_the_index_is_only_a_hint(self, lounge: Room, person: Callable[..., Person]) -> None:
        ann, bob = person("ann"), person("bob")
        changes.post(lounge, ann, "tea")
        Room.objects.update(kind=Kind.PRIVATE)
        assert said("tea", bob) == []

    def test_who_is_in_many_rooms(self, ann: Person) -> None:
        rooms = [Room.hidden(f"Den {n}", Kind.PRIVATE) for n in range(300)]
        for room in rooms:
            Membership.join(room.pk, ann.pk)
        changes.post(rooms[7], ann, "tea")
        assert said("tea", ann) == ["tea"]


class TestFilters:
    @pytest.fixture
    def talk(self, lounge: Room, person: Callable[..., Person]) -> Person:
        for author, day, text in [
            ("ann", "2020-01-31 23:50", "cup one"),
            ("Ann Lee", "2020-02-01 00:10", "cup two, see https://a.example/"),
            ("ann", "2020-02-29 12:00", "cup three"),
        ]:
            at = datetime.fromisoformat(day).replace(tzinfo=UTC)
            who = Person.objects.filter(username=author).first() or person(author)
            changes.post(lounge, who, text, at=at)
        return Person.objects.get(username="ann")

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("cup", ["three", "two", "one"]),
            ("from:ann", ["three", "one"]),
            ("from:ANN", ["three", "one"]),
            ("from:@ann", ["three", "one"]),
            ("from:me", ["three", "one"]),
            ('from:"ann lee"', ["two"]),
            ('from:ann from:"ann lee"', ["three", "two", "one"]),
            ("cup -from:ann", ["two"]),
            ("-from:nobody cup", ["three", "two", "one"]),
            ("in:Lounge -one", ["three", "two"]),
            ("in:#lounge one", ["one"]),
            ("-in:lounge", []),
            ("has:link", ["two"]),
            ("cup -has:link", ["three", "one"]),
            ("has:file", []),
            ("has:link has:file", []),
            ("before:2020-02", ["one"]),
            ("after:2020-01-31", ["three", "two"]),
            ("after:2020-01 before:2020-02-29", ["two"]),
            ("after:2020 before:2020", []),
            ("cup after:soon", ["three", "two", "one"]),
            ("-cup", []),
            ('"cup one"', ["one"]),
            ("one cup", ["one"]),
            ('"one cup"', []),
            ("thr*", ["three"]),
            ("https://a.example", ["two"]),
        ],
    )
    def test_find(self, talk: Person, text: str, found: list[str]) -> None:
        assert [re.sub("cup |, see.*", "", body) for body in said(text, talk)] == found

    def test_days_are_the_viewers(self, talk: Person) -> None:
        talk.time_zone = "Asia/Kathmandu"
        assert [body[:7] for body in said("after:2020-01", talk)] == ["cup thr", "cup two", "cup one"]
        assert said("before:2020-02", talk) == []

    def test_what_makes_no_sense_is_said(self, talk: Person) -> None:
        assert search("from:x cup", talk).problems == ["Nobody is called “x”."]
        assert search("++", talk).hits == search("", talk).hits == []

    @pytest.mark.parametrize("text", ["検", "検索", "索欄", "全文検索欄です", "言語の", "zig", '"zig 言"'])
    def test_any_script(self, lounge: Room, ann: Person, text: str) -> None:
        body = "全文検索欄です。Zig言語の本"
        changes.post(lounge, ann, body)
        changes.post(lounge, ann, "検証と索引")
        assert body in said(text, ann)
        assert said("検証と", ann) == ["検証と索引"]

    def test_a_former_address_of_a_room_will_do(self, talk: Person) -> None:
        room = Room.objects.select_for_update().get()
        changes.configure(room, name="Salon")
        assert len(said("in:lounge", talk)) == len(said("in:salon", talk)) == 3


class TestPages:
    def test_one_by_one_each_is_found_once(self, lounge: Room, ann: Person) -> None:
        lines = [Line(NEW_YEAR, "bob", f"tea {n}", f"k{n}") for n in range(100)]
        changes.load(lounge, lines)
        texts, before = [], None
        while True:
            found = search("tea", ann, before=before)
            texts += [hit.message.body for hit in found.hits]
            before = found.next_before
            if before is None:
                break
        assert texts == [f"tea {n}" for n in reversed(range(100))]

    def test_the_best_come_first(self, lounge: Room, ann: Person) -> None:
        for text in ("tea, green tea", "tea " + "and so on " * 20, "a tea"):
            changes.post(lounge, ann, text)
        found = search("tea", ann, best=True)
        assert [hit.message.body[:6] for hit in found.hits] == ["tea, g", "a tea", "tea an"]
        assert found.is_best_of == 3 <= RANKED

    def test_as_many_queries_however_many_are_found(
        self, ann: Person, django_assert_max_num_queries: DjangoAssertNumQueries
    ) -> None:
        others = [Person.objects.create_user(f"other {n}") for n in range(5)]
        for other in others:
            room = Room.hidden("", Kind.DIRECT, f"{ann.pk} {other.pk}")
            Membership.join(room.pk, ann.pk, other.pk)
            changes.post(room, other, "tea")
        with django_assert_max_num_queries(10):
            found = search("tea", ann)
        assert [hit.title for hit in found.hits] == [f"other {n}" for n in (4, 3, 2, 1, 0)]


class TestPeopleAndRooms:
    def test_are_found_by_name(self, person: Callable[..., Person], room: Callable[..., Room]) -> None:
        ann = person("Ann Lee")
        person("Änne").delete()
        closed = person("annette")
        Person.objects.filter(pk=closed.pk).update(is_active=False)
        room("Annals")
        kitchen = room("Kitchen")
        Room.objects.filter(pk=kitchen.pk).update(topic="where annoyed cooks meet")
        found = search("ANN", ann)
        assert found.people == [ann]
        assert {title for _, title in found.rooms} == {"Annals", "Kitchen"}
        assert search("ann from:ann", ann).people == [ann]
        assert search("-ann in:lounge", ann).people == []


@pytest.mark.django_db
@how(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    messages=st.lists(
        st.tuples(st.sampled_from(["lounge", "den", "cellar"]), st.sampled_from(["ann", "bob", "me"]), TEXTS),
        min_size=1,
        max_size=8,
    ),
    queries=st.lists(QUERIES, min_size=1, max_size=6),
)
def test_agrees_with_reading_everything(messages: list[tuple[str, str, str]], queries: list[str]) -> None:
    with transaction.atomic():
        reader = Person.objects.create_user("cleo")
        rooms = {"lounge": Room.named("Lounge"), "den": room_of("Den", reader), "cellar": room_of("Cellar")}
        for n, (name, author, text) in enumerate(messages):
            at = NEW_YEAR + timedelta(days=20 * n)
            body = f"{text} https://a.example" if n % 3 == 1 else text
            if author == "me":
                name, author = "den" if name == "cellar" else name, "cleo"
            changes.load(rooms[name], [Line(at, author, body or "-", f"k{n}")])
        for typed in queries:
            query = parse(typed)
            assert sorted(said(typed, reader)) == sorted(read(typed, reader)), (typed, query)
        transaction.set_rollback(True)


def read(typed: str, reader: Person) -> list[str]:
    """What `reader` finds who reads all that was said."""
    query = parse(typed)
    return [
        message.body
        for message in Message.objects.select_related("room", "author")
        if message.room.name != "Cellar" and query and _fits(message, typed, reader)
    ]


def _fits(message: Message, typed: str, reader: Person) -> bool:
    query, words = parse(typed), terms(message.body)
    authors = Person.objects.values_list("username", flat=True)
    author, room = message.author.username, message.room.name.lower()
    is_in = {"in": room, "from": author, "has": "link" if "https" in message.body else ""}
    for one in query.filters:
        value = reader.username if (one.name, one.value) == ("from", "me") else one.value
        if one.is_not and value == is_in[one.name]:
            return False
    for name, value in is_in.items():
        wanted = [
            reader.username if (name, wanted) == ("from", "me") else wanted for wanted in query.called(name)
        ]
        known = {"in": {"lounge", "den"}, "from": {*authors}, "has": {"link"}}[name]
        if wanted and (value not in wanted or not known.issuperset(wanted)):
            return False
    return (
        all(_holds(words, phrase) for phrase in query.words)
        and not any(_holds(words, phrase) for phrase in query.without)
        and (query.since is None or message.at.date() >= query.since)
        and (query.until is None or message.at.date() < query.until)
    )


def _holds(words: list[str], phrase: Phrase) -> bool:
    # A space about each: none is taken for a part of another.
    end = "" if phrase.is_open else " "
    return f" {' '.join(phrase.terms)}{end}" in f" {' '.join(words)} "


@pytest.mark.django_db
@how(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(typed=st.one_of(st.text(), QUERIES))
def test_no_query_is_an_error(typed: str) -> None:
    person = Person.objects.filter(username="ann").first() or Person.objects.create_user("ann")
    search(typed, person)
    search(typed, person, best=True, before=7)


class TestReindex:
    @pytest.fixture
    def before(self, lounge: Room, ann: Person) -> Person:
        """Five messages from before there was an index, and one that is gone."""
        sent = [changes.post(lounge, ann, f"tea {n}") for n in range(6)]
        changes.delete(sent[0], ann)
        index.remove([message.pk for message in sent])
        return ann

    def test_what_was_said_before_is_found(self, before: Person) -> None:
        assert said("tea", before) == [] and not upkeep.is_complete()
        call_command("reindex")
        assert said("tea", before) == [f"tea {n}" for n in (5, 4, 3, 2, 1)]
        assert upkeep.is_complete()

    def test_it_goes_on_where_it_was_stopped(self, before: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(upkeep, "BATCH", 2)
        put = index.backend().put
        taken: list[int] = []

        def stopped_after(most: int) -> Callable[..., None]:
            def put_some(entries: Iterable[Entry], *, are_new: bool) -> None:
                entries = list(entries)
                if len(taken) >= most:
                    raise KeyboardInterrupt
                taken.extend(entry.place for entry in entries)
                put(entries, are_new=are_new)

            return put_some

        monkeypatch.setattr(index.backend(), "put", stopped_after(2))
        with pytest.raises(CommandError, match="Stopped; run it again to go on"):
            call_command("reindex")
        assert said("tea", before) == ["tea 5", "tea 4"] and not upkeep.is_complete()
        monkeypatch.setattr(index.backend(), "put", stopped_after(100))
        call_command("reindex")
        assert len(taken) == len(set(taken)) == in_index("tea") == 5
        assert upkeep.is_complete()

    def test_all_anew(self, before: Person) -> None:
        call_command("reindex")
        Message.objects.filter(body="tea 3").update(body="coffee")
        call_command("reindex")
        assert said("coffee", before) == []
        call_command("reindex", "--all")
        assert said("coffee", before) == ["coffee"]
        assert "tea 3" not in said("tea", before)

    def test_what_is_gone_is_swept_out(self, before: Person) -> None:
        call_command("reindex")
        Message.objects.filter(body="tea 3").delete()
        Message.objects.filter(body="tea 4").update(deleted_at=timezone.now())
        assert in_index("tea") == 5
        call_command("reindex")
        assert in_index("tea") == 3


class TestPage:
    @pytest.fixture
    def client(self, lounge: Room, ann: Person) -> Client:
        changes.post(lounge, ann, "green <b>tea</b>")
        changes.post(lounge, ann, "black tea")
        client = Client()
        client.force_login(ann)
        return client

    def test_shows_what_is_found_and_leads_to_it(self, client: Client) -> None:
        page = client.get("/search/", {"q": "tea"}).content
        assert [mark.text for mark in find_all(page, "mark")] == ["tea", "tea"]
        links = [link["href"] for link in find_all(page, "a", class_="at")]
        assert links == ["/rooms/lounge/messages/2/", "/rooms/lounge/messages/1/"]
        assert all(client.get(link).status_code == 200 for link in links)
        assert find(page, "input", name="q")["value"] == "tea"
        assert find(page, "p", id="told").text == "2 messages"

    def test_is_empty_at_first(self, client: Client) -> None:
        page = client.get("/search/").content
        assert find(page, "div", id="found").text.strip() == "Messages, people and rooms appear here."

    def test_from_a_room_it_is_in_that_room(self, client: Client) -> None:
        page = client.get("/rooms/lounge/").content
        link = next(link for link in find_all(page, "a") if link.text == "Search")
        page = client.get(link["href"]).content
        assert find(page, "input", name="q")["value"] == "in:lounge "
        page = client.get("/search/", {"room": "lounge", "q": "black"}).content
        assert find(page, "input", name="q")["value"] == "in:lounge black"
        assert len(find_all(page, "li", class_="hit")) == 1

    def test_to_htmx_it_gives_the_results_alone(self, client: Client) -> None:
        part = client.get("/search/", {"q": "tea"}, headers={"HX-Request": "true"}).content
        assert find_all(part, "form") == []
        assert len(find_all(part, "li", class_="hit")) == 2
        assert find(part, "p", id="told")["hx-swap-oob"] == "true"

    def test_the_rest_is_on_further_pages(self, client: Client, lounge: Room) -> None:
        changes.load(lounge, [Line(NEW_YEAR, "bob", f"tea {n}", f"k{n}") for n in range(40)])
        page, shown = client.get("/search/", {"q": "tea"}).content, 0
        while links := [link for link in find_all(page, "a") if link.text == "Older messages"]:
            shown += len(find_all(page, "li", class_="hit"))
            page = client.get(f"/search/{links[0]['href']}").content
        assert shown + len(find_all(page, "li", class_="hit")) == 42

    @pytest.mark.parametrize("q", ['"', "from:", "-", "((", "a:b:c", "'", "\0", "*", "before:x", "x" * 5000])
    @pytest.mark.parametrize("order", ["newest", "best"])
    def test_a_malformed_query_is_explained(self, client: Client, q: str, order: str) -> None:
        response = client.get("/search/", {"q": q, "order": order, "before": "x"})
        assert response.status_code == 200
        if q.strip("\0"):
            assert (
                find_all(response.content, class_="explained")
                or "Nothing anybody" in response.content.decode()
            )

    def test_strangers_are_sent_to_come_in(self, lounge: Room) -> None:
        response = Client().get("/search/", {"q": "tea"})
        assert response.status_code == 302
        assert response["Location"].startswith("/account/login/")

    @pytest.mark.usefixtures("rate_limits")
    def test_too_many_are_refused_for_a_while(
        self, client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        monkeypatch.setattr(
            limits,
            "SEARCHES",
            limits.SEARCHES.__class__("search", "Slow down.", limits.RateLimitItemPerSecond(2, 30)),
        )
        answers = [client.get("/search/", {"q": "tea"}) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert b"Slow down. Please wait" in answers[2].content
        assert client.get("/search/").status_code == 200


@pytest.mark.django_db
def test_benchmark_queries_are_understood() -> None:
    from rooms.management.commands.bench_search import QUERIES as measured

    assert [parse(query).problems for query in measured.values()] == [[]] * len(measured)
    assert results.PAGE < RANKED


@pytest.mark.skipif("config.getoption('--postgres')", reason="PostgreSQL has an index of another kind")
@pytest.mark.django_db(transaction=True)
def test_pieces_of_the_index_are_merged_a_few_at_a_time() -> None:
    pieces = []
    with connection.cursor() as cursor:
        for place in range(300):
            index.backend().put([Entry(place, ["hello", f"word{place}"], ["=o"])], are_new=True)
            cursor.execute("SELECT count(DISTINCT segid) FROM rooms_search_idx")
            pieces.append(cursor.fetchone()[0])
        cursor.execute("SELECT v FROM rooms_search_config WHERE k = 'automerge'")
        assert cursor.fetchone()[0] == 0, "many at once would be merged, too"
    assert max(pieces) < 8  # of 16 on a level FTS5 makes one, however long it takes
