"""The settings page: what people say of themselves, and how they want their pages."""

from collections.abc import Callable
from typing import Any
from zoneinfo import available_timezones

import pytest
from django.test import Client

from rooms.models import Person
from rooms.names import look_alike_keys
from rooms.zones import is_zone, zones_by_region
from tests.html import find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

FIELDS = {"username": "ann", "bio": "", "time_zone": "", "theme": ""}


@pytest.fixture
def ann(client: Client, person: MakePerson) -> Person:
    """Ann, a guest, signed in."""
    ann = person("ann")
    client.force_login(ann)
    return ann


def save(client: Client, **fields: Any) -> Any:
    return client.post("/settings/", FIELDS | fields)


def stored(person: Person) -> dict[str, str]:
    values = Person.objects.values("username", "folded_key", "written_key", "bio", "time_zone", "theme")
    return dict(values.get(pk=person.pk))  # type: ignore[arg-type]


def problem(html: bytes, tag: str, name: str) -> str:
    """What is said of the field `name`, where a screen reader will find it."""
    field = find(html, tag, name=name)
    assert field["aria-invalid"] == "true"
    return find(html, "p", id=field["aria-describedby"].split()[-1]).text


def chosen(html: bytes, name: str) -> list[str]:
    """What a select has chosen."""
    return [
        option["value"]
        for option in find_all(html, "option")
        if "selected" in dict(option.attributes) and any(up.get("name") == name for up in option.parents)
    ]


# The page ------------------------------------------------------------------------------


def test_a_stranger_is_led_to_where_one_signs_in(client: Client) -> None:
    for response in (client.get("/settings/"), save(client), client.post("/settings/picture/")):
        assert (response.status_code, response.headers["Location"]) == (
            302,
            "/account/login/?next=/settings/",
        )


def test_it_shows_what_is_stored(client: Client, ann: Person) -> None:
    Person.objects.filter(pk=ann.pk).update(
        bio='<b>"hi"</b>\nthere', time_zone="Asia/Tokyo", theme=Person.Theme.DARK
    )
    page = client.get("/settings/").content
    assert find(page, "input", name="username")["value"] == "ann"
    assert find(page, "textarea", name="bio").text.lstrip("\n") == '<b>"hi"</b>\nthere'
    assert chosen(page, "time_zone") == ["Asia/Tokyo"]
    assert chosen(page, "theme") == ["dark"]
    assert not find_all(page, class_="problem")


def test_every_field_has_a_name_and_its_explanation_is_found(client: Client, ann: Person) -> None:
    page = client.get("/settings/").content
    for name in ("username", "bio", "time_zone", "theme", "picture"):
        (field,) = [element for element in find_all(page, name=name) if element.name != "meta"]
        assert find(page, "label", **{"for": field["id"]}).text
        for described_by in field.get("aria-describedby").split():
            assert find(page, "p", id=described_by).text


def test_it_is_not_kept_by_a_cache(client: Client, ann: Person) -> None:
    assert "no-store" in client.get("/settings/").headers["Cache-Control"]


def test_everything_is_saved_and_said_to_be(client: Client, ann: Person) -> None:
    response = client.post(
        "/settings/",
        {"username": " bea ", "bio": " hi\r\nthere ", "time_zone": "Europe/Berlin", "theme": "dark"},
        follow=True,
    )
    assert response.redirect_chain == [("/settings/?saved=1", 302)]
    assert find(response.content, role="status").text == "Saved."
    folded, written = look_alike_keys("bea")
    assert stored(ann) == {
        "username": "bea",
        "folded_key": folded,
        "written_key": written,
        "bio": "hi\nthere",
        "time_zone": "Europe/Berlin",
        "theme": "dark",
    }
    assert save(client, username="bea").status_code == 302
    assert stored(ann)["bio"] == stored(ann)["time_zone"] == stored(ann)["theme"] == ""


def test_nobody_else_is_changed(client: Client, ann: Person, person: MakePerson) -> None:
    bob = person("bob")
    before = stored(bob)
    save(client, username="bea", bio="hi", theme="dark")
    assert stored(bob) == before


def test_a_form_of_another_site_changes_nothing(ann: Person) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    before = stored(ann)
    assert save(client, username="bea").status_code == 403
    assert client.post("/settings/picture/", {"remove": "1"}).status_code == 403
    assert stored(ann) == before
    for form in find_all(client.get("/settings/").content, "form"):
        assert form["method"] == "post"
    assert len(find_all(client.get("/settings/").content, "input", name="csrfmiddlewaretoken")) == 2


# The name ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Please type a name."),
        ("x" * 41, "41 characters long; 40 is the most"),
        ("a\u202eb", "cannot be seen"),
        ("a\0b", "cannot be seen"),
        ("a\u00a0b", "only looks like one"),
        ("x" + "\u0301" * 5, "too many accents"),
        ("bob", "Somebody is called that, or nearly. How about “bob 2”?"),
        ("ｂｏｂ", "How about “ｂｏｂ 2”?"),
        ("BOB", "How about “BOB 2”?"),
    ],
)
def test_a_name_that_will_not_do_is_explained_and_nothing_is_saved(
    client: Client, ann: Person, person: MakePerson, typed: str, said: str
) -> None:
    person("bob")
    before = stored(ann)
    response = save(client, username=typed, bio="<hi>", time_zone="Asia/Tokyo", theme="dark")
    assert response.status_code == 422
    page = response.content
    assert said in problem(page, "input", "username")
    assert len(find_all(page, class_="problem")) == 1
    name = find(page, "input", name="username")
    assert name["value"] == typed if typed else "value" not in dict(name.attributes)
    assert find(page, "textarea", name="bio").text.lstrip("\n") == "<hi>"
    assert chosen(page, "time_zone") == ["Asia/Tokyo"]
    assert chosen(page, "theme") == ["dark"]
    assert stored(ann) == before
    assert not find_all(page, role="status")


@pytest.mark.parametrize("name", ["Ann", "ANN", "аnn", "ann\u200d"])
def test_ones_own_name_may_be_written_otherwise(client: Client, ann: Person, name: str) -> None:
    assert save(client, username=name).status_code == 302
    assert stored(ann)["username"] == name
    assert (stored(ann)["folded_key"], stored(ann)["written_key"]) == look_alike_keys(name)


def test_a_name_that_was_given_up_is_free(client: Client, ann: Person, person: MakePerson) -> None:
    save(client, username="bea")
    person("ann")
    other = Client()
    other.force_login(person("cat"))
    assert save(other, username="BEA").status_code == 422
    assert save(other, username="dan").status_code == 302


def test_who_looks_like_somebody_else_may_keep_the_name(client: Client, person: MakePerson) -> None:
    """People whom an archive brought in do."""
    person("ann")
    other = Person.called(["Ann"])["Ann"]
    client.force_login(other)
    before = stored(other)
    assert save(client, username="Ann", bio="hi").status_code == 302
    assert stored(other) == before | {"bio": "hi"}
    assert save(client, username="ANN").status_code == 422


@pytest.mark.parametrize("taken", ["bob", "BOB"])
def test_a_name_somebody_takes_in_this_very_moment_is_refused(
    client: Client, ann: Person, person: MakePerson, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    person("bob")
    before = stored(ann)

    def nobody_yet(name: str) -> object:
        monkeypatch.undo()
        return Person.objects.none()

    monkeypatch.setattr(Person, "looking_like", nobody_yet)
    response = save(client, username=taken, bio="hi")
    assert response.status_code == 422
    assert f"“{taken} 2”" in problem(response.content, "input", "username")
    assert stored(ann) == before


# The rest ------------------------------------------------------------------------------


def test_a_bio_is_as_long_as_it_may_be_and_no_longer(client: Client, ann: Person) -> None:
    most = "é\r\n" * 149 + "éé"  # a line break is one character, however it is sent
    assert save(client, bio=most).status_code == 302
    assert len(stored(ann)["bio"]) == 300
    response = save(client, bio=most + "é", username="bea")
    assert response.status_code == 422
    assert "It is 301 characters long; 300 is the most." in problem(response.content, "textarea", "bio")
    assert find(response.content, "textarea", name="bio").text.strip() == (most + "é").strip()
    assert find(response.content, "input", name="username")["value"] == "bea"
    assert stored(ann)["username"] == "ann"


def test_a_bio_may_hold_anything_that_can_be_stored(client: Client, ann: Person) -> None:
    assert save(client, bio="<script>\0\u202e 👩\u200d👩").status_code == 302
    assert stored(ann)["bio"] == "<script>\u202e 👩\u200d👩"
    assert not find_all(client.get("/settings/").content, "script")


@pytest.mark.parametrize("name", ["time_zone", "theme"])
@pytest.mark.parametrize("value", ["Europe", "nowhere", "../../etc/passwd", "\0", "Etc/GMT+5", "x" * 5000])
def test_only_what_can_be_chosen_is_taken(client: Client, ann: Person, name: str, value: str) -> None:
    response = save(client, **{name: value}, bio="hi")
    assert response.status_code == 422
    assert problem(response.content, "select", name) == "Please choose one of these."
    assert find(response.content, "textarea", name="bio").text.strip() == "hi"
    assert stored(ann)[name] == ""


@pytest.mark.parametrize("missing", ["bio", "time_zone", "theme"])
def test_what_is_not_sent_is_empty(client: Client, ann: Person, missing: str) -> None:
    fields = FIELDS | {"bio": "hi", "time_zone": "Asia/Tokyo", "theme": "dark"}
    client.post("/settings/", fields)
    assert stored(ann)[missing]
    del fields[missing]
    assert client.post("/settings/", fields).status_code == 302
    assert stored(ann)[missing] == ""


def test_the_sites_own_time_zone_is_the_first_choice(client: Client, ann: Person, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Paris"
    options = find_all(client.get("/settings/").content, "option")
    assert (options[0]["value"], options[0].text) == ("", "As the site has it (Europe/Paris)")
    assert chosen(client.get("/settings/").content, "time_zone") == [""]


def test_time_zones_are_places_by_region() -> None:
    groups = dict(zones_by_region())
    assert {"Europe", "America", "Asia", "Pacific Ocean"} <= set(groups)
    assert ("Europe/Berlin", "Berlin") in groups["Europe"]
    assert ("America/Argentina/Buenos_Aires", "Argentina, Buenos Aires") in groups["America"]
    names = [name for choices in groups.values() for name, _ in choices]
    assert len(names) == len(set(names))
    assert all(is_zone(name) for name in names)
    assert not [name for name in names if name.startswith(("posix", "right", "Etc", "SystemV", "US/"))]
    # As many as tables of time zones have, without which the list would be empty.
    assert len(names) > 400
    assert set(names) <= available_timezones()


def test_every_time_zone_that_is_offered_can_be_kept(client: Client, ann: Person) -> None:
    longest = max((name for _, zones in zones_by_region() for name, _ in zones), key=len)
    assert save(client, time_zone=longest).status_code == 302
    assert stored(ann)["time_zone"] == longest


def test_a_time_zone_that_is_no_longer_offered_is_kept(client: Client, ann: Person) -> None:
    Person.objects.filter(pk=ann.pk).update(time_zone="US/Eastern")
    assert chosen(client.get("/settings/").content, "time_zone") == ["US/Eastern"]
    assert save(client, time_zone="US/Eastern").status_code == 302
    assert stored(ann)["time_zone"] == "US/Eastern"


def test_a_time_zone_that_is_none_is_forgotten(client: Client, ann: Person) -> None:
    Person.objects.filter(pk=ann.pk).update(time_zone="Europe/Nowhere")
    assert chosen(client.get("/settings/").content, "time_zone") == []
    assert save(client).status_code == 302
    assert stored(ann)["time_zone"] == ""
