"""The field a message is written in: one line or several, its preview, and what its last word may become."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rooms import access, suggest
from rooms.access import Access
from rooms.emoji import emoji_named
from rooms.models import Kind, Membership, Message, Person, Room
from tests.html import find, find_all

pytestmark = pytest.mark.django_db

PAGE, COMPOSE = "/rooms/lounge/", "/rooms/lounge/compose/"
LIVE = {"HX-Request": "true"}


@pytest.fixture
def page(client: Client, lounge: Room, ann: Person) -> Client:
    Membership.join(lounge.pk, ann.pk)
    client.force_login(ann)
    return client


def compose(client: Client, headers: dict[str, str] = LIVE, **fields: Any) -> str:
    response = client.post(COMPOSE, {"key": "k1"} | fields, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


# One line or several -------------------------------------------------------------------


def test_the_choice_is_remembered_for_the_next_page(page: Client) -> None:
    assert find(page.get(PAGE).content, "input", name="body")
    html = compose(page, tall="1", body="one\ntwo")
    assert find_all(html, "textarea", name="body")[-1].text == "\none\ntwo"
    assert "/tall-field/?slug=lounge" in html
    assert find(page.get(PAGE).content, "textarea", name="body")
    assert not find_all(page.get(PAGE).content, "input", name="body")
    html = compose(page, tall="0", body="one")
    assert find_all(html, "input", name="body")[-1]["value"] == "one"
    assert find(page.get(PAGE).content, "input", name="body")


def test_nothing_goes_but_into_the_form_that_asked_while_it_is_not_sent(page: Client) -> None:
    for key, named in (("k1", "k1"), ("", ""), ("x, #room", ""), ("#room", "")):
        html = compose(page, key=key, tall="1", body="</textarea><hx-partial hx-target='#room'>")
        found = [element["hx-target"] for element in find_all(html, "hx-partial")]
        assert found
        assert all(target.startswith(f"#send-{named}:not(:has(> .resend)) ") for target in found)


def test_without_htmx_the_page_has_the_text(page: Client) -> None:
    html = compose(page, headers={}, tall="1", body="<b>one", draft="k0")
    assert find(html, "textarea", name="body").text == "\n<b>one"
    assert find(html, "input", name="draft")["value"] == "k0"
    assert find_all(html, "input", name="key")[0]["value"] == "k1"
    assert not Message.objects.exists()


def test_its_address_alone_leads_to_the_room(page: Client) -> None:
    assert page.get(COMPOSE).headers["Location"] == PAGE


def test_the_field_names_the_room_and_knows_its_own(client: Client) -> None:
    for kind, element in (("field", "input"), ("tall-field", "textarea")):
        html = client.get(f"/parts/x/{kind}/", {"slug": "a/b", "name": '"><i>'}).content
        assert find(html, element, name="body")["placeholder"] == 'Write in "><i>'
        assert find(html, "button", name="tall")["formaction"] == "/rooms/ab/compose/"
        assert f"/{kind}/" in find(html, "i", class_="next")["hx-get"]
        bare = client.get(f"/parts/x/{kind}/").content
        assert find(bare, element, name="body")["placeholder"] == "Write a message"


def test_enter_sends_without_a_script_too(page: Client) -> None:
    """A browser presses the first button of a form."""
    form = find_all(page.get(PAGE).content, "form", class_="send")[0]
    assert form["action"] == "/rooms/lounge/messages/"
    html = page.get(PAGE).content.decode()
    field = html[html.index('class="field"') :]
    assert field.index('<button class="go">Send') == field.index("<button")


# Preview -------------------------------------------------------------------------------


def test_the_preview_is_what_the_message_will_look_like(page: Client, person: Callable[..., Person]) -> None:
    bob = person("bob")
    Membership.join(Room.objects.get().pk, bob.pk)
    body = "see http://a.example/ <b>@bob</b>"
    shown = compose(page, preview="1", body=body)
    page.post("/rooms/lounge/messages/", {"body": body})
    assert Message.objects.get().html in shown
    assert 'name="shown"' in shown
    assert f'data-person="{bob.pk}"' in shown


def test_the_button_that_shows_it_hides_it_and_typing_does_not(page: Client) -> None:
    assert 'class="text"' not in compose(page, preview="1", shown="1", body="x")
    assert 'class="text"' in compose(page, preview="again", shown="1", body="x")
    assert 'class="text"' in compose(page, headers={}, preview="1", body="x")


# What is offered -----------------------------------------------------------------------


@pytest.fixture
def mine(lounge: Room, ann: Person) -> Access:
    Membership.join(lounge.pk, ann.pk)
    return access.find("lounge", ann)


@pytest.fixture
def people(lounge: Room, person: Callable[..., Person]) -> dict[str, Person]:
    people = {name: person(name) for name in ("bob", "Bobby Tables", "Élodie", "Robert", "gone", "<i>x")}
    Membership.join(lounge.pk, *(one.pk for one in people.values()))
    Person.objects.filter(username="gone").update(is_active=False)
    person("bobtail")  # who is elsewhere
    return people


def labels(mine: Access, text: str) -> list[str]:
    return [offer.label for offer in suggest.offers(mine, text)]


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("hi @bo", ["Bobby Tables", "bob"]),
        ("@BOB", ["Bobby Tables", "bob"]),
        ("@tab", ["Bobby Tables"]),
        ("@Bobby T", ["Bobby Tables"]),
        ("@élo", ["Élodie"]),
        ("(@rob", ["Robert"]),
        ("@bob", ["Bobby Tables"]),  # bob is there already
        ("@<i>", ["<i>x"]),
        ("@gone", []),
        ("@ann", []),
        ("@bobt", []),
        ("me@bo", []),
        ("@bob ", []),
        ("@bo and so on and on", []),
        ("bo", []),
        ("", []),
        ("@%", []),
        ("@" + "b" * 300, []),
    ],
)
def test_people_of_this_room(mine: Access, people: dict[str, Person], text: str, offered: list[str]) -> None:
    assert labels(mine, text) == offered


def test_no_more_than_a_few(mine: Access, lounge: Room, person: Callable[..., Person]) -> None:
    Membership.join(lounge.pk, *(person(f"dot {n}").pk for n in range(20)))
    assert len(labels(mine, "@")) == len(labels(mine, "@dot")) == suggest.MOST


def test_rooms_that_one_may_know_of_ones_own_first(
    mine: Access, ann: Person, room: Callable[..., Room]
) -> None:
    room("Attic")
    own, other = Room.hidden("Attic stairs", Kind.PRIVATE), Room.hidden("Attic door", Kind.PRIVATE)
    Membership.join(own.pk, ann.pk)
    direct = Room.hidden("", Kind.DIRECT, f"{ann.pk} 0")
    Membership.join(direct.pk, ann.pk)
    assert labels(mine, "in #att") == ["Attic stairs", "Attic"]
    assert "" not in labels(mine, "#")
    assert suggest.completed(mine, "in #att", "room", str(other.pk)) is None
    assert suggest.completed(mine, "#", "room", str(direct.pk)) is None
    assert suggest.completed(mine, "in #ATT", "room", str(own.pk)) == f"in #{own.slug} "


def test_emoji(mine: Access) -> None:
    assert emoji_named("tad") == [("tada", "🎉")]
    assert labels(mine, "yes :tad") == ["tada"]
    assert labels(mine, ":+1") == ["+1"]
    for text in (":t", "12:30", "a:tad", "::tad", ":Tad"):
        assert labels(mine, text) == []
    assert suggest.completed(mine, "yes :tad", "emoji", "tada") == "yes 🎉 "


def test_what_is_chosen_stands_in_place_of_the_last_word(
    page: Client, mine: Access, people: dict[str, Person]
) -> None:
    def chosen(body: str, **choice: Any) -> str:
        html = compose(page, body=body, **choice)
        return find_all(html, "input", name="body")[-1]["value"]

    bob, tables = people["bob"].pk, people["Bobby Tables"].pk
    assert chosen("hi @bo", person=bob) == "hi @bob "
    assert chosen("hi @bo", person=tables) == "hi @Bobby Tables "
    assert chosen("@<i", person=people["<i>x"].pk) == "@<i>x "
    for body, value in [
        ("hi @bo and more", bob),  # which was typed after it was offered
        ("hi @bo", people["gone"].pk),
        ("hi @bo", Person.objects.get(username="bobtail").pk),
        ("hi @bo", "1; --"),
        ("hi @bo", "9" * 30),
        ("hi @bo", "²"),
    ]:
        assert chosen(body, person=value) == body
