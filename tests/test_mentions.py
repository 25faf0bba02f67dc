"""Who is named in a message."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries

from rooms.markup import render
from rooms.mentions import people_in
from rooms.models import Membership, Person, Room
from tests.html import find, find_all

pytestmark = pytest.mark.django_db

NAMES = ["ann", "Ann Lee", "bob", "王小明", "🦀", "O'Neil", "x.y"]


@pytest.fixture
def people(person: Callable[..., Person], lounge: Room) -> dict[int, str]:
    """The members of the lounge, and one who is none."""
    members = [person(name) for name in NAMES]
    Membership.join(lounge.pk, *(member.pk for member in members))
    person("stranger")
    return {member.pk: member.username for member in members}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("@ann", ["ann"]),
        ("@ANN and @Bob!", ["ann", "bob"]),
        ("hello @ann, how are you?", ["ann"]),
        ("(@bob)", ["bob"]),
        ("@ann lee is here", ["Ann Lee"]),
        ("@ann leek is here", ["ann"]),
        ("@王小明 你好", ["王小明"]),
        ("@🦀", ["🦀"]),
        ("@O'Neil's", ["O'Neil"]),
        ("@x.y.", ["x.y"]),
        ("@bob@ann", ["bob"]),
        ("@@bob", []),
        ("ann@bob.example", []),
        ("@ ann", []),
        ("@annabel", []),
        ("@stranger", []),
        ("@nobody at all", []),
        ("@", []),
        ("bob", []),
        ("@bob\n@ann", ["bob", "ann"]),
    ],
)
def test_who_is_named(lounge: Room, people: dict[int, str], body: str, named: list[str]) -> None:
    mentioned = render(body, people_in(body, lounge.pk)).mentioned
    assert [people[person_id] for person_id in mentioned] == named


def test_many_signs_cost_one_query_and_none_without(
    lounge: Room, people: dict[int, str], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert people_in("@bob " * 20, lounge.pk)
    with django_assert_num_queries(0):
        assert not people_in("no sign of anybody", lounge.pk)


def test_a_mention_is_marked_and_nothing_else_changes(lounge: Room, people: dict[int, str]) -> None:
    body = "see http://a.example/ <b> @bob & @O'Neil www.b.example"
    html = render(body, people_in(body, lounge.pk)).html
    assert find(html, "p").text == body
    marks = find_all(html, class_="mention")
    assert [(people[int(mark["data-person"])], mark.text) for mark in marks] == [
        ("bob", "@bob"),
        ("O'Neil", "@O'Neil"),
    ]
    assert [link["href"] for link in find_all(html, "a")] == ["http://a.example/", "http://www.b.example"]
    assert len(find_all(html, "b")) == 2
    assert html.count("&lt;b&gt;") == 1
