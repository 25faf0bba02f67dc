"""The live room's page, and what it is without JavaScript and without a socket."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rooms import changes, joining, moderation
from rooms.models import Membership, Message, Person, Room
from rooms.views.room import SPARES
from tests.html import find, find_all

MakePerson = Callable[..., Person]
MakeRoom = Callable[..., Room]
pytestmark = pytest.mark.django_db

PAGE = "/rooms/lounge/"
MESSAGES = "/rooms/lounge/messages/"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt; &amp; {{ 7 }}",
    "' onfocus='x",
]
NO_SEQ = [
    "",
    "-1",
    "0",
    "1.5",
    "1e3",
    "abc",
    "٣",
    "²",
    "①",
    "0x10",
    " 1",
    "1 ",
    "+1",
    "1_0",
    "%00",
    "9" * 18,
    "9" * 5000,
]


@pytest.fixture
def ann(client: Client, room: MakeRoom, person: MakePerson) -> Person:
    """Ann, signed in, and the room there is."""
    room("Lounge")
    ann = person("ann")
    client.force_login(ann)
    return ann


def say(author: Person, *bodies: str) -> list[Message]:
    return [changes.post(Room.objects.get(slug="lounge"), author, body) for body in bodies]


def seqs(response: Any) -> list[int]:
    return [int(message["data-seq"]) for message in find_all(response.content, "li", class_="message")]


def field(response: Any) -> str:
    """What is in the field a message is written in."""
    return find(response.content, "input", name="body")["value"]


# A stranger ----------------------------------------------------------------------------


def test_a_stranger_is_asked_for_a_name_and_lands_in_that_room(client: Client, room: MakeRoom) -> None:
    room("Lounge")
    asked = client.get(PAGE)
    assert asked.status_code == 200
    assert find(asked.content, "h1").text == "Join Lounge"
    assert find(asked.content, "input", name="username")
    assert not find_all(asked.content, "li", class_="message")
    response = client.post(PAGE, {"username": "ann"}, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    assert find(response.content, "main")["id"] == "room"
    guest = Person.objects.get()
    assert (guest.username, guest.is_guest, guest.has_usable_password()) == ("ann", True, False)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Please type a name."),
        ("x" * 41, "41 characters"),
        ("АNN", "How about “АNN 2”?"),
        ("a\u202eb", "cannot"),
    ],
)
def test_a_name_that_will_not_do_is_asked_for_again(
    client: Client, room: MakeRoom, person: MakePerson, typed: str, said: str
) -> None:
    room("Lounge")
    person("ann")
    response = client.post(PAGE, {"username": typed})
    assert response.status_code == 422
    name = find(response.content, "input", name="username")
    assert name["value"] == typed if typed else "value" not in dict(name.attributes)
    assert said in find(response.content, "p", id=name["aria-describedby"]).text
    assert Person.objects.count() == 1


def test_nothing_at_all_is_no_name(client: Client, room: MakeRoom) -> None:
    room("Lounge")
    response = client.post(PAGE)
    assert response.status_code == 422
    assert find(response.content, class_="problem").text == "Please type a name."


@pytest.mark.django_db(transaction=True)
def test_two_who_come_by_one_name_at_once_do_not_share_it(
    client: Client, room: MakeRoom, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    room("Lounge")
    person("ann")

    def nobody_yet(name: str) -> object:
        monkeypatch.undo()
        return Person.objects.none()

    monkeypatch.setattr(Person, "looking_like", nobody_yet)
    response = client.post(PAGE, {"username": "ann"})
    assert response.status_code == 422
    assert "“ann 2”" in find(response.content, class_="problem").text
    assert Person.objects.count() == 1


def test_a_stranger_can_neither_read_nor_write(client: Client, room: MakeRoom, person: MakePerson) -> None:
    room("Lounge")
    say(person("ann"), "secret")
    for response in [
        client.get(MESSAGES),
        client.get(MESSAGES, {"before": 9}),
        client.get(MESSAGES, {"after": 0}),
        client.post(MESSAGES, {"body": "hello"}),
    ]:
        assert response.status_code == 302
        assert response.headers["Location"] == PAGE
        assert response.content == b""
    assert Message.objects.count() == 1


# The page ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "slug", ["nowhere", "Lounge", "..", "%00", "%ff", "%ED%A0%80", "%F0%9F%98%80", "x" * 5000]
)
@pytest.mark.parametrize("page", ["/rooms/{}/", "/rooms/{}/messages/"])
def test_a_room_that_is_not_there_is_not_found_in_our_own_style(
    client: Client, ann: Person, slug: str, page: str
) -> None:
    response = client.get(page.format(slug))
    assert response.status_code == 404
    assert find(response.content, "h1").text == "There is no such page"
    assert find(response.content, "a", class_="button")["href"] == "/"


def test_it_shows_the_newest_fifty_messages_in_order(client: Client, ann: Person) -> None:
    say(ann, *map(str, range(1, 61)))
    response = client.get(PAGE)
    assert seqs(response) == list(range(11, 61))
    assert [text.text for text in find_all(response.content, class_="text")] == list(map(str, range(11, 61)))
    older = find(response.content, "li", class_="older")
    assert older["hx-get"] == f"{MESSAGES}?before=11"
    assert older["data-seq"] == "0"
    assert find(response.content, "a", href=f"{PAGE}?before=11").text == "Older messages"


def test_its_cursor_is_the_clock_of_the_room(client: Client, ann: Person) -> None:
    assert find(client.get(PAGE).content, "input", id="cursor")["value"] == "0"
    say(ann, "one", "two")
    cursor = find(client.get(PAGE).content, "input", id="cursor")
    assert (cursor["name"], cursor["value"]) == ("cursor", "2")
    assert "resume" in [parent.get("id") for parent in cursor.parents]


def test_every_form_for_a_message_has_a_key_of_its_own(client: Client, ann: Person) -> None:
    pages = [client.get(PAGE).content for _ in range(2)]
    keys = [key["value"] for page in pages for key in find_all(page, "input", name="key")]
    assert len(keys) == 2 * (1 + SPARES)
    assert len(set(keys)) == len(keys)
    forms = find_all(pages[0], "form", class_="send")
    assert [form["id"] for form in forms] == [f"send-{key}" for key in keys[: 1 + SPARES]]
    assert {(form["method"], form["action"]) for form in forms} == {("post", MESSAGES)}
    tokens = find_all(pages[0], "input", name="csrfmiddlewaretoken")
    assert [token for token in tokens if forms[0] in token.parents]
    assert forms[0] in find(pages[0], "input", name="body").parents


def test_whoever_opens_it_has_joined(client: Client, ann: Person) -> None:
    for _ in range(2):
        client.get(PAGE)
    assert [person.username for person in Person.objects.filter(membership__room__slug="lounge")] == ["ann"]


def test_it_says_where_the_room_begins(client: Client, ann: Person) -> None:
    assert not find_all(client.get(PAGE).content, class_="beginning")
    say(ann, "one")
    response = client.get(PAGE)
    assert "Lounge begins" in find(response.content, "li", class_="beginning").text
    assert not find_all(response.content, class_="older")


def test_more_messages_cost_no_more_queries(client: Client, ann: Person, person: MakePerson) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(PAGE)
        return len(captured)

    say(ann, "one")
    client.get(PAGE)  # joins
    with_one = queries()
    for n in range(49):
        say(person(f"guest {n}"), "hello")
    client.get(PAGE)  # reads them
    assert queries() == with_one
    assert len(seqs(client.get(PAGE))) == 50


def test_it_is_never_kept_by_a_browser(client: Client, ann: Person) -> None:
    for url in (PAGE, MESSAGES):
        assert "no-store" in client.get(url).headers["Cache-Control"]


# Older and newer -----------------------------------------------------------------------


def test_older_messages_come_as_a_fragment_that_asks_for_those_before_them(
    client: Client, ann: Person
) -> None:
    say(ann, *map(str, range(1, 121)))
    response = client.get(MESSAGES, {"before": 71})
    assert seqs(response) == list(range(21, 71))
    assert not find_all(response.content, "html")
    assert find(response.content, "li", class_="older")["hx-get"] == f"{MESSAGES}?before=21"
    response = client.get(MESSAGES, {"before": 21})
    assert seqs(response) == list(range(1, 21))
    assert not find_all(response.content, "li", class_="older")
    assert find(response.content, "li", class_="beginning")["data-seq"] == "0"


def test_where_the_room_was_changed_before_anything_was_said_nothing_is_older(
    client: Client, ann: Person, lounge: Room
) -> None:
    moderation.configure(lounge, Person.objects.create(username="admin", is_superuser=True), topic="Tea")
    changes.post(lounge, ann, "hello")
    client.force_login(ann)
    for page in (PAGE, f"{MESSAGES}?before=9"):
        response = client.get(page)
        assert find(response.content, "li", class_="message")["data-seq"] == "2"
        assert not find_all(response.content, class_="older")
        assert find(response.content, "li", class_="beginning")


def test_a_conversation_begins_too(client: Client, ann: Person, person: Callable[..., Person]) -> None:
    room = joining.direct_room(ann, [person("bob")])
    changes.post(room, ann, "hello")
    client.force_login(ann)
    page = client.get(room.get_absolute_url())
    assert find(page.content, "li", class_="beginning").text == "This is where this conversation begins."


def test_without_javascript_older_messages_are_a_page(client: Client, ann: Person) -> None:
    say(ann, *map(str, range(1, 61)))
    assert seqs(client.get(PAGE, {"before": 11})) == list(range(1, 11))


def test_without_javascript_newer_messages_are_a_frame_that_refreshes_itself(
    client: Client, ann: Person
) -> None:
    say(ann, "one", "two", "three")
    page = client.get(PAGE).content
    frame = find(page, "iframe")
    assert frame["src"] == f"{MESSAGES}?after=3"
    assert "noscript" in [parent.name for parent in frame.parents]
    response = client.get(MESSAGES, {"after": 1})
    assert seqs(response) == [2, 3]
    assert int(find(response.content, "meta", **{"http-equiv": "refresh"})["content"]) > 0
    assert find(response.content, "a", target="_top")["href"] == PAGE
    nothing = client.get(frame["src"])
    assert seqs(nothing) == []
    assert "Nothing new" in find(nothing.content, class_="hint").text


def test_only_this_site_may_frame_what_is_newer_and_nobody_anything_else(client: Client, ann: Person) -> None:
    def framing(url: str) -> tuple[str, str]:
        response = client.get(url)
        policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
        return policy["frame-ancestors"], response.headers["X-Frame-Options"]

    assert framing(f"{MESSAGES}?after=0") == ("'self'", "SAMEORIGIN")
    for url in (PAGE, "/", "/nowhere/", "/healthz", "/me.css", "/parts/x/field/"):
        assert framing(url) == ("'none'", "DENY")


@pytest.mark.parametrize("seq", NO_SEQ)
def test_any_seq_in_the_address_gets_an_answer(client: Client, ann: Person, seq: str) -> None:
    say(ann, "one", "two", "three")
    assert seqs(client.get(PAGE, {"before": seq})) == [1, 2, 3]
    assert seqs(client.get(MESSAGES, {"before": seq})) == ([] if seq == "0" else [1, 2, 3])
    assert client.get(MESSAGES, {"after": seq}).status_code == 200


# Saying something without a socket -----------------------------------------------------


def test_a_message_is_kept_and_the_page_shown_again(client: Client, ann: Person) -> None:
    response = client.post(MESSAGES, {"body": "  hello\r\nyou  ", "key": "k1"}, follow=True)
    assert response.redirect_chain == [(PAGE, 302)]
    message = Message.objects.get()
    assert (message.body, message.author, message.key, message.seq) == ("hello\nyou", ann, "k1", 1)
    assert find(response.content, "div", class_="text").text == "hello\nyou"
    assert field(response) == ""


def test_a_form_sent_twice_says_it_once(client: Client, ann: Person) -> None:
    for _ in range(2):
        assert client.post(MESSAGES, {"body": "hello", "key": "k1"}).status_code == 302
    assert Message.objects.count() == 1
    assert Room.objects.get().clock == 1


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "<script>", "é", "k\n"])
def test_a_key_that_is_none_is_no_reason_to_lose_a_message(client: Client, ann: Person, key: str) -> None:
    for _ in range(2):
        client.post(MESSAGES, {"body": "hello", "key": key})
    assert [message.key for message in Message.objects.all()] == [None, None]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "There is nothing in it."),
        ("   ", "There is nothing in it."),
        ("\u3000\u00a0", "There is nothing in it."),
        ("x" * 4001, "It is 4,001 characters long; 4,000 is the most."),
        ("<b>\"'&" * 1000, "It is 6,000 characters long"),
    ],
)
def test_a_message_that_will_not_do_comes_back_whole(
    client: Client, ann: Person, body: str, said: str
) -> None:
    response = client.post(MESSAGES, {"body": body, "key": "k1"})
    assert response.status_code == 422
    assert field(response) == body
    problem = find(response.content, class_="problem", role="alert")
    assert said in problem.text
    form = find(response.content, "form", id="send-k1")
    assert form in problem.parents
    assert form in find(response.content, "input", name="body").parents
    assert not Message.objects.exists()


def test_nothing_at_all_is_no_message(client: Client, ann: Person) -> None:
    response = client.post(MESSAGES)
    assert response.status_code == 422
    assert "There is nothing in it." in find(response.content, class_="problem").text


def test_a_message_may_be_as_long_as_the_limit(client: Client, ann: Person) -> None:
    assert client.post(MESSAGES, {"body": f" {'é' * 4000} "}).status_code == 302
    assert Message.objects.get().body == "é" * 4000


def test_who_writes_in_an_open_room_without_a_page_of_it_has_joined_it(
    client: Client, ann: Person, lounge: Room
) -> None:
    client.force_login(ann)
    assert client.post("/rooms/lounge/messages/", {"body": "hello"}).status_code == 302
    assert lounge.membership_set.get().person == ann
    assert lounge.message_set.get().body == "hello"


def test_who_writes_too_fast_keeps_the_text(client: Client, ann: Person, rate_limits: None) -> None:
    for n in range(20):
        assert client.post(MESSAGES, {"body": str(n)}).status_code == 302
    response = client.post(MESSAGES, {"body": "one more"})
    assert response.status_code == 429
    assert field(response) == "one more"
    said = find(response.content, class_="problem").text
    assert re.search(r"faster than others can read. Please wait \d+ seconds? and try again", said)
    assert Message.objects.count() == 20


@pytest.mark.parametrize("body", HOSTILE)
def test_a_hostile_text_is_shown_as_it_was_written(client: Client, ann: Person, body: str) -> None:
    harmless = client.get(PAGE)
    response = client.post(MESSAGES, {"body": body}, follow=True)
    assert find(response.content, "div", class_="text").text == body
    for name in ("script", "img"):
        assert len(find_all(response.content, name)) == len(find_all(harmless.content, name))


@pytest.mark.parametrize("url", [PAGE, MESSAGES])
def test_a_form_of_another_site_says_nothing(ann: Person, url: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    fields = {"body": "hello", "username": "bob"}
    assert client.post(url, fields).status_code == 403
    assert not Message.objects.exists()


def test_a_form_of_the_page_is_heard(ann: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    token = find_all(client.get(PAGE).content, "input", name="csrfmiddlewaretoken")[0]["value"]
    response = client.post(MESSAGES, {"body": "hello", "csrfmiddlewaretoken": token})
    assert response.status_code == 302
    assert Message.objects.get().body == "hello"


# What was read ------------------------------------------------------------------------


def test_a_line_marks_where_one_stopped_reading(client: Client, ann: Person, person: MakePerson) -> None:
    bob = person("bob")
    client.get(PAGE)
    say(bob, "one", "two")
    for marks in (1, 0):
        html = client.get(PAGE).content
        assert len(find_all(html, class_="mark")) == marks
    say(ann, "mine")
    assert not find_all(client.get(PAGE).content, class_="mark")
    say(bob, "three")
    texts = [item.get("id") for item in find_all(client.get(PAGE).content, "li") if item.get("data-seq")]
    assert texts[-2:] == ["mark", "message-4"]


def test_who_enters_for_the_first_time_has_nothing_to_catch_up_with(
    client: Client, ann: Person, person: MakePerson
) -> None:
    say(person("bob"), "one", "@ann")
    assert not find_all(client.get(PAGE).content, class_="mark")
    assert Membership.objects.get(person=ann).read_seq == 2


def test_all_rooms_are_marked_as_read_at_once(client: Client, ann: Person, person: MakePerson) -> None:
    client.get(PAGE)
    say(person("bob"), "@ann")
    assert Membership.objects.get(person=ann).mentions == 1
    assert client.post("/read/").status_code == 302
    assert client.post("/read/", headers={"HX-Request": "true"}).status_code == 204
    mine = Membership.objects.get(person=ann)
    assert (mine.read_seq, mine.mentions) == (1, 0)
    assert Client().post("/read/").status_code == 302
