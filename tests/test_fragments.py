"""A change -> HTML: what people write is text, and nothing else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms import changes, fragments
from rooms.history import Page
from rooms.markup import render
from rooms.markup.plain import without_folds
from rooms.models import Kind, Message, Person, Room
from rooms.names import slug_for
from rooms.sidebar import Entry, Sidebar
from tests.hostile import PAYLOADS, as_shown, escaped, is_link, is_markup, shape
from tests.html import elements, find, find_all

AT = datetime(2024, 2, 3, 12, 0, tzinfo=UTC)


def unsaved(body: str = "hello", name: str = "ann", **fields: object) -> Message:
    author = Person(pk=7, username=name)
    return Message(
        **{"room": room_called("x"), "author": author, "seq": 2, "version": 2, "at": AT, "previous_at": AT}
        | {"body": body, "html": render(body).html}
        | fields
    )


def room_called(name: str) -> Room:
    return Room(pk=1, name=name, slug=slug_for(name))


def links(body: str) -> list[str]:
    found = find_all(render(body).html, "a")
    assert all(is_link(element) for element in found)
    return [element["href"] for element in found]


def text(html: str) -> str:
    return find(f"<main>{without_folds(html)}</main>", "main").text


def in_message(body: str, *named: dict[str, Any]) -> str:
    return f'<div class="text">{render(body, *named).html}</div>'


EVERY_FRAGMENT: dict[str, Callable[[str], str]] = {
    "a body": lambda text: fragments.change(unsaved(text), "UTC", is_new=True),
    "a body, changed": lambda text: fragments.change(unsaved(text), "UTC", is_new=False),
    "an author": lambda text: fragments.change(unsaved(name=text), "UTC", is_new=True),
    "somebody who is named": lambda text: in_message(f"@{text}", {text: 7}),
    "a name between names": lambda text: in_message(f"@a {text} @b", {"a": 7, "b": 8}),
    "a room": lambda text: in_message(f"#{text}", {}, {text: "lounge"}),
    "a spoiler": lambda text: in_message(f"||{text}||"),
    "a link": lambda text: in_message(f"[x]({text})"),
    "a link in signs": lambda text: in_message(f"[x](<{text}>)"),
    "the name of a link": lambda text: in_message(f"[{text}](http://a.example)"),
    "the title of a link": lambda text: in_message(f'[x](http://a.example "{text}")'),
    "code in a text": lambda text: in_message(f"``{text}``"),
    "a block of code": lambda text: in_message(f"```html\n{text}\n```"),
    "the language of code": lambda text: in_message(f"```{text}\nx\n```"),
    "the name of an emoji": lambda text: in_message(f":{text}:"),
    "a quote": lambda text: in_message(f"> {text}"),
    "a list": lambda text: in_message(f"1. {text}"),
    "a room's name": lambda text: fragments.head(room_called(text)),
    "a topic": lambda text: fragments.head(Room(pk=1, name="x", slug="x", topic=text)),
    "a title": lambda text: fragments.title(text, 2),
    "who is here": lambda text: fragments.present([(1, text, 2), (2, text, 1)], 20),
    "who is writing": lambda text: fragments.typing([(1, text), (2, text)]),
    "the rooms of a person": lambda text: fragments.rooms(
        Sidebar([Entry(1, "x", text, kind, False, False, True, 2, (7,)) for kind in Kind]), room_called(text)
    ),
    "a farewell": fragments.farewell,
    "the whole list": lambda text: fragments.start_over(
        room_called(text), Page([unsaved(text, text)], True, False), "UTC"
    ),
    "the beginning of a room": lambda text: fragments.start_over(
        room_called(text), Page([unsaved(seq=1)], False, False), "UTC"
    ),
    "what leads the next message": lambda text: fragments.accepted(room_called("x"), "key", "spare", text),
    "a problem": lambda text: fragments.refused(room_called("x"), "key", [text]),
    "a problem of no form": lambda text: fragments.refused(room_called("x"), "", [text]),
    "a notice": fragments.notice,
}


@pytest.mark.parametrize("where", EVERY_FRAGMENT)
def test_a_text_is_a_text_wherever_it_is_shown(where: str) -> None:
    fragment = EVERY_FRAGMENT[where]
    harmless = shape(fragment("harmless"))
    assert [payload for payload in PAYLOADS if shape(fragment(payload)) != harmless] == []
    assert "harmless" in fragment("harmless") or "x" in text(fragment("harmless"))


def test_a_text_reads_as_it_was_written() -> None:
    for payload in PAYLOADS:
        message = fragments.change(unsaved(escaped(payload), payload), "UTC", is_new=True)
        assert find(message, class_="text").text == as_shown(payload)
        assert find(message, class_="author").text == payload
        assert find(message, "li")["id"] == "message-2"


def test_the_checks_above_see_what_is_not_escaped() -> None:
    assert shape("<p><b>x</b></p>") != shape("<p>x</p>")
    assert shape('<p title="" onclick="x">') != shape('<p title="x">')
    for link in [
        '<a href="http://a.example">',
        '<a href="javascript:x" target="_blank" rel="noopener noreferrer nofollow">',
        '<a href="http://a.example" target="_blank" rel="noopener noreferrer nofollow" onclick="x">',
        '<a href="http://a.example" target="_blank" rel="noopener">',
    ]:
        assert shape(link)


@pytest.mark.parametrize(
    ("body", "href"),
    [
        ("http://a.example/x", "http://a.example/x"),
        ("https://a.example", "https://a.example"),
        ("HTTPS://a.example", "HTTPS://a.example"),
        ("www.a.example", "http://www.a.example"),
        ("example.org", "http://example.org"),
        ("example.org/x?y=1", "http://example.org/x?y=1"),
        ("ann@a.example", "mailto:ann@a.example"),
        ("http://a.example/?a=1&b=2", "http://a.example/?a=1&b=2"),
        ("http://a.example:8000/", "http://a.example:8000/"),
        ("http://a.example/?a=1&param=2&copy;=3", "http://a.example/?a=1&param=2&copy%3B=3"),
        ("http://a.example/&amp;", "http://a.example/&amp"),
        ("http://a.example/ü", "http://a.example/%C3%BC"),
        ("https://a.example/wiki/A_(b)", "https://a.example/wiki/A_(b)"),
        ("https://a.example/#/x:1", "https://a.example/#/x:1"),
    ],
)
def test_an_address_becomes_a_link(body: str, href: str) -> None:
    assert links(body) in ([href], [href.replace("HTTPS", "https")])
    assert text(render(f"see {body} now").html) == f"see {body} now"


@pytest.mark.parametrize(
    ("body", "href", "after"),
    [
        ("see http://a.example.", "http://a.example", "."),
        ("http://a.example/x, and", "http://a.example/x", ", and"),
        ("(http://a.example/x)", "http://a.example/x", ")"),
        ("(see http://a.example/x).", "http://a.example/x", ")."),
        ("http://a.example/x!?", "http://a.example/x", "!?"),
        ("http://a.example/x:", "http://a.example/x", ":"),
        ("<http://a.example/x;>>", "http://a.example/x;", ">"),
        ("<see http://a.example/x>", "http://a.example/x", ">"),
        ('"http://a.example/x"', "http://a.example/x", '"'),
        ("'http://a.example/x'", "http://a.example/x", "'"),
        ("http://a.example/x\nnext", "http://a.example/x", "\nnext"),
        ("ann@a.example.", "mailto:ann@a.example", "."),
    ],
)
def test_what_follows_an_address_is_not_part_of_it(body: str, href: str, after: str) -> None:
    html = render(body).html
    assert links(body) == [href]
    assert text(html) == body.replace("<http", "http").replace(">>", ">")
    assert text(html.rpartition("</a>")[2]) == after


@pytest.mark.parametrize(
    "body",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "data:text/html;base64,eHh4",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://a.example/x",
        "//a.example/x",
        "/rooms/x/",
        "http://",
        "http:a.example",
        "tel:123",
        "a.b",
        "readme.md",
        "@ann",
        "1:2",
    ],
)
def test_nothing_else_becomes_a_link(body: str) -> None:
    assert links(body) == []
    assert text(render(body).html) == body


@pytest.mark.parametrize("body", ["javascript:alert(1)//http://a.example", "data:text/html,www.a.example"])
def test_a_link_leads_to_the_web_or_to_mail_and_nowhere_else(body: str) -> None:
    assert all(href.startswith(("http://", "https://", "mailto:")) for href in links(body))


UNITS = (
    "< & &amp; \" ' ( ) . ): ; &lt; &#x41; http:// www. a@ @ :// http://( http://[ ]( \u202e 👩\u200d é\u0301"
)
ADDRESSES = ["http://a.example/ ", "a.com ", "a@b.example ", "https://a.example/(((", "x.com/;", "\n"]


@pytest.mark.parametrize("unit", UNITS.split() + ADDRESSES)
def test_a_long_hostile_text_stays_a_text(unit: str) -> None:
    for body in [(unit * 4000)[:4000], "http://" + (unit * 4000)[:3990], (unit * 4000)[:3990] + "@a.com"]:
        html = render(body).html
        assert text(html) == as_shown(body)
        assert all(is_link(element) or is_markup(element) for element in elements(html))


@settings(deadline=None, database=None, derandomize=True, max_examples=100)
@given(
    st.text().map(escaped) | st.lists(st.sampled_from([*UNITS.split(), *ADDRESSES, " ", "!"])).map("".join),
)
def test_any_text_stays_a_text(body: str) -> None:
    html = render(body).html
    assert text(html) == as_shown(re.sub(r"\\(.)", r"\1", body))
    assert all(is_link(element) or is_markup(element) for element in elements(html))


@pytest.mark.django_db(transaction=True)
def test_a_message_looks_the_same_to_everybody_and_as_it_was_sent_out(
    person: Callable[..., Person], room: Callable[..., Room]
) -> None:
    ann, bob = person("ann"), person("bob")
    message = changes.post(room(), ann, "see http://a.example\n<b>")
    seen = []
    for viewer in (ann, bob):
        client = Client()
        client.force_login(viewer)
        page = client.get("/rooms/lounge/").content.decode()
        seen.append(page[page.index('<li class="message') : page.index("</ol>")].strip())
    assert seen[0] == seen[1]
    sent = fragments.change(Message.objects.get(pk=message.pk), "UTC", is_new=True)
    assert seen[0] in sent
    assert len(find_all(sent, "li")) == 1


@pytest.mark.parametrize(
    ("after", "same_author", "grouped"),
    [
        (timedelta(0), True, True),
        (timedelta(minutes=5) - timedelta(microseconds=1), True, True),
        (timedelta(minutes=5), True, False),
        (timedelta(minutes=1), False, False),
    ],
)
def test_a_message_goes_on_where_its_author_left_off_within_five_minutes(
    after: timedelta, same_author: bool, grouped: bool
) -> None:
    message = unsaved(at=AT + after, follows_author=same_author)
    assert ("grouped" in find(fragments.change(message, "UTC", is_new=True), "li").classes) is grouped
    assert not find_all(fragments.change(message, "UTC", is_new=True), class_="day")


def test_the_first_message_of_a_room_starts_a_day() -> None:
    fragment = fragments.change(unsaved(previous_at=None), "UTC", is_new=True)
    assert find(fragment, class_="day").text == "Saturday, 3 February 2024"
    assert "grouped" not in find(fragment, "li").classes


@pytest.mark.parametrize(
    ("time_zone", "starts_day", "hour"),
    [("UTC", False, "23:01"), ("Europe/Amsterdam", True, "00:01"), ("America/New_York", False, "18:01")],
)
def test_a_day_starts_at_midnight_of_the_time_zone(time_zone: str, starts_day: bool, hour: str) -> None:
    before = datetime(2024, 2, 3, 22, 59, tzinfo=UTC)
    message = unsaved(previous_at=before, at=before + timedelta(minutes=2), follows_author=True)
    fragment = fragments.change(message, time_zone, is_new=True)
    assert bool(find_all(fragment, class_="day")) is starts_day
    assert ("grouped" in find(fragment, "li").classes) is not starts_day
    assert find_all(fragment, "time")[-1].text == hour


@pytest.mark.django_db(transaction=True)
def test_messages_are_grouped_by_what_came_before_them_in_their_room(
    person: Callable[..., Person], room: Callable[..., Room]
) -> None:
    ann, bob = person("ann"), person("bob")

    def is_grouped(name: str, author: Person, minutes: int) -> bool:
        message = changes.post(room(name), author, "x", at=AT + timedelta(minutes=minutes))
        return "grouped" in find(fragments.change(message, "UTC", is_new=True), "li").classes

    said = [("a", ann, 0), ("a", ann, 1), ("b", bob, 2), ("a", ann, 3), ("a", bob, 4), ("a", ann, 5)]
    assert [is_grouped(*one) for one in said] == [False, True, False, True, False, False]


def test_the_cursor_takes_the_place_of_the_one_in_the_page() -> None:
    cursor = find(fragments.cursor(57), "input")
    assert (cursor["id"], cursor["name"], cursor["value"]) == ("cursor", "cursor", "57")
    assert cursor["hx-swap-oob"] == "true"
