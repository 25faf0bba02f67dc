"""Links to messages of this site, and what is shown below a message that holds one."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings

from rooms import changes
from rooms.markup import render
from rooms.models import Block, Kind, Membership, Message, Person, Room
from rooms.quotes import MOST
from rooms.views.preview import LENGTH
from tests.html import find, find_all

PREVIEW = "/rooms/lounge/messages/1/preview/"


def places(body: str) -> list[str]:
    return [place["hx-get"] for place in find_all(render(body).html, class_="quote")]


@pytest.mark.parametrize(
    "link",
    [
        "http://localhost/rooms/lounge/messages/1/",
        "see (https://localhost:8000/rooms/lounge/messages/1/).",
        "http://127.0.0.1/rooms/lounge/messages/1",
        "http://LOCALHOST/rooms/lounge/messages/1/#message-1",
        "http://localhost/rooms/lounge/messages/1/ http://localhost:8000/rooms/lounge/messages/1/",
    ],
)
def test_a_link_to_a_message_of_this_site(link: str) -> None:
    assert places(link) == [PREVIEW]
    assert "<a href=" in render(link).html


@pytest.mark.parametrize(
    "link",
    [
        "http://a.example/rooms/lounge/messages/1/",
        "http://localhost.a.example/rooms/lounge/messages/1/",
        "http://a.example@localhost@a.example/rooms/lounge/messages/1/",
        "http://localhost/rooms/lounge/",
        "http://localhost/rooms/lounge/messages/x/",
        "http://localhost/rooms/lounge/messages/1/delete/",
        "http://localhost/rooms/lo%2Funge/messages/1/",
        'http://localhost/rooms/lo"unge/messages/1/',
        "http://localhost/rooms/%22%3E%3Cb%3E/messages/1/",
        f"http://localhost/rooms/lounge/messages/{'9' * 30}/",
        "/rooms/lounge/messages/1/",
    ],
)
def test_any_other_link(link: str) -> None:
    assert places(link) == []


def test_a_site_that_goes_by_any_name_knows_none_as_its_own(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert places("http://localhost/rooms/lounge/messages/1/") == []


def test_names_in_any_writing() -> None:
    found = places("http://localhost/rooms/кухня/messages/1/ http://localhost/rooms/%D0%BA/messages/2/")
    assert found == [
        "/rooms/%D0%BA%D1%83%D1%85%D0%BD%D1%8F/messages/1/preview/",
        "/rooms/%D0%BA/messages/2/preview/",
    ]


def test_a_few_of_many() -> None:
    links = " ".join(f"http://localhost/rooms/lounge/messages/{n}/" for n in range(1, 20))
    assert len(places(links)) == MOST


@pytest.mark.django_db
class TestPreview:
    @pytest.fixture
    def said(self, lounge: Room, ann: Person) -> Message:
        return changes.post(lounge, ann, "<b>tea</b>?\nor coffee")

    @pytest.fixture
    def bob(self, person: Callable[..., Person], client: Client) -> Person:
        bob = person("bob")
        client.force_login(bob)
        return bob

    def test_who_may_see_it_is_shown_its_first_line(self, client: Client, bob: Person, said: Message) -> None:
        page = client.get(PREVIEW).content
        quote = find(page, "a", class_="quote")
        assert quote["href"] == "/rooms/lounge/messages/1/"
        assert find(page, "span", class_="line").text == "<b>tea</b>?"
        assert "ann in Lounge" in quote.text
        assert not Membership.objects.filter(person=bob).exists()

    def test_a_long_line_is_cut(self, client: Client, bob: Person, said: Message) -> None:
        Message.objects.update(html=f"<p>{'x' * 1000}</p>")
        assert find(client.get(PREVIEW).content, class_="line").text == "x" * (LENGTH - 1) + "…"

    def test_what_was_deleted_is_not_quoted(
        self, client: Client, bob: Person, said: Message, ann: Person
    ) -> None:
        changes.delete(said, ann)
        assert find(client.get(PREVIEW).content, class_="line").text == "This message was deleted."

    def test_nothing_is_all_that_others_get(self, client: Client, bob: Person, said: Message) -> None:
        nothing = client.get("/rooms/lounge/messages/99/preview/")
        Room.objects.update(kind=Kind.PRIVATE)
        hidden = client.get(PREVIEW)
        for answer in (nothing, hidden, client.get("/rooms/x/messages/1/preview/"), Client().get(PREVIEW)):
            assert (answer.status_code, answer.content) == (404, b"")

    def test_nor_who_has_blocked_its_author(
        self, client: Client, bob: Person, said: Message, ann: Person
    ) -> None:
        Block.objects.create(person=bob, blocked=ann)
        assert client.get(PREVIEW).status_code == 404
