"""The room opened at a message of the past, and the way from there to its live end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from rooms import changes
from rooms.history_file import Line
from rooms.models import Membership, Message, Person, Room
from tests.html import find, find_all

pytestmark = pytest.mark.django_db

MESSAGES = "/rooms/lounge/messages/"
START = datetime(2020, 6, 2, 12, tzinfo=UTC)


@pytest.fixture
def reader(client: Client, lounge: Room, ann: Person) -> Client:
    """Ann's browser; in the lounge others have said 180 things, and she is not in it."""
    lines = [Line(START + n * timedelta(minutes=1), "bob", f"line {n}", f"key {n}") for n in range(1, 181)]
    changes.load(lounge, lines)
    client.force_login(ann)
    return client


def seqs(response: Any) -> list[int]:
    return [int(message["data-seq"]) for message in find_all(response.content, "li", class_="message")]


def test_the_message_is_among_what_was_said_around_it(reader: Client) -> None:
    page = reader.get(f"{MESSAGES}100/")
    assert seqs(page) == list(range(75, 125))
    here = find(page.content, "li", class_="here")
    assert (here["id"], here["tabindex"]) == ("message-100", "-1")
    assert "autofocus" in dict(here.attributes)
    assert find(page.content, "p", class_="acts")
    assert find_all(page.content, "a", href=f"{MESSAGES}100/about/")


def test_it_is_not_live_while_there_are_newer_ones(reader: Client, lounge: Room) -> None:
    page = reader.get(f"{MESSAGES}100/").content
    assert find(page, "main")["hx-trigger"] == "live-end once"
    assert not find_all(page, "form", class_="send")
    assert not find_all(page, id="eye")
    # And whatever changes from here on is what it asks for once it is.
    lounge.refresh_from_db()
    assert find(page, "input", id="cursor")["value"] == str(lounge.clock)


def test_without_javascript_links_lead_on(reader: Client) -> None:
    page = reader.get(f"{MESSAGES}100/").content
    links = {link.text: link["href"] for link in find_all(page, "a")}
    assert links["Earlier"] == "/rooms/lounge/history/?before=75"
    assert links["Later"] == "/rooms/lounge/history/?after=124"
    assert links["Go to now"] == "/rooms/lounge/"


def test_page_by_page_it_comes_to_the_live_end(reader: Client) -> None:
    answer = reader.get(f"{MESSAGES}40/")
    seen = seqs(answer)
    while "HX-Trigger" not in answer.headers:
        assert not find_all(answer.content, "form", class_="send")
        [on] = [item for item in find_all(answer.content, "li", class_="older") if "newer" in item["hx-get"]]
        assert on["hx-get"] == f"{MESSAGES}{seen[-1]}/newer/"
        answer = reader.get(on["hx-get"])
        seen += seqs(answer)
    assert seen == list(range(15, 181))
    assert answer.headers["HX-Trigger"] == '{"live-end": {"target": "#room"}}'
    assert find_all(answer.content, "form", class_="send")[0]["action"] == MESSAGES
    assert find_all(answer.content, "input", name="csrfmiddlewaretoken")
    assert find(answer.content, "i", id="eye")
    assert not find_all(answer.content, "li", class_="older")


def test_who_is_at_its_end_already_is_told_so(reader: Client) -> None:
    answer = reader.get(f"{MESSAGES}180/newer/")
    assert seqs(answer) == []
    assert "HX-Trigger" in answer.headers


def test_the_past_alone_is_neither_entered_nor_read(reader: Client, ann: Person) -> None:
    reader.get(f"{MESSAGES}100/")
    reader.get(f"{MESSAGES}40/newer/")
    assert not Membership.objects.filter(person=ann).exists()
    reader.get(f"{MESSAGES}170/")  # the newest are on the page: it is the live room
    assert Membership.objects.filter(person=ann).exists()


def test_a_recent_message_is_in_the_live_room(reader: Client) -> None:
    page = reader.get(f"{MESSAGES}170/").content
    assert "hx-trigger" not in dict(find(page, "main").attributes)
    assert find_all(page, "form", class_="send")
    assert find(page, "li", class_="here")["id"] == "message-170"


@pytest.mark.parametrize("seq", ["0", "181", "9" * 18, "9" * 30])
def test_a_message_that_is_not_there(reader: Client, seq: str) -> None:
    assert reader.get(f"{MESSAGES}{seq}/").status_code == 404
    assert reader.get(f"{MESSAGES}{seq}/newer/").status_code == 200


def test_an_archived_room_is_read_to_its_end_and_nothing_written(reader: Client, lounge: Room) -> None:
    Room.objects.update(archived_at=START)
    answer = reader.get(f"{MESSAGES}150/newer/")
    assert seqs(answer) == list(range(151, 181))
    assert "archived" in find(answer.content, "p", id="composer").text


def test_messages_are_deleted_where_they_were_said(reader: Client, ann: Person, lounge: Room) -> None:
    message = changes.post(lounge, ann, "oops")
    page = reader.post(f"{MESSAGES}{message.seq}/delete/", follow=True)
    assert page.request["PATH_INFO"] == f"{MESSAGES}{message.seq}/"
    assert find(page.content, "li", class_="here").text.count("This message was deleted.") == 1
    assert Message.objects.get(pk=message.pk).body == ""
