"""A room's page: what it is, who is in it, and the forms by which that is changed."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms import joining, moderation, publishing
from rooms.events import Notice
from rooms.models import Ban, Invitation, Kind, Membership, Person, Role, Room
from tests.html import Element, find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

ABOUT = "/rooms/lounge/about/"


@pytest.fixture
def owner(client: Client, lounge: Room, person: MakePerson) -> Person:
    """Who owns the lounge, signed in."""
    owner = person("owner")
    Membership.join(lounge.pk, owner.pk, role=Role.OWNER)
    client.force_login(owner)
    return owner


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Notice]:
    """What people's tabs are told."""
    told: list[Notice] = []

    async def keep(notice: Notice) -> None:
        told.append(notice)

    monkeypatch.setattr(publishing, "notify", keep)
    return told


def listed(response: Any) -> list[str]:
    """The names in the list of people."""
    rows = [element for element in find_all(response.content, class_="person") if _is_in_list(element)]
    return [row.text.strip() for row in rows]


def _is_in_list(element: Element) -> bool:
    return any(parent.get("aria-labelledby") == "people" for parent in element.parents)


def buttons(response: Any) -> dict[str, Element]:
    """The forms that are a single button, by what it says."""
    return {form.text.strip(): form for form in find_all(response.content, "form", class_="one-button")}


def sent_to(response: Any) -> list[str]:
    """Where the page's forms about people lead, after all that is the same."""
    actions = [form.get("action") or "" for form in find_all(response.content, "form")]
    return [action.partition("/people/")[2] for action in actions if "/people/" in action]


def press(client: Client, response: Any, label: str) -> Any:
    """Send the form of that button as it is."""
    form = buttons(response)[label]
    fields = {
        field["name"]: field.get("value")
        for field in find_all(response.content, "input")
        if form in field.parents
    }
    return client.post(form["action"], fields, follow=True)


def problem(response: Any) -> str:
    return find(response.content, class_="problem").text


# What it shows -------------------------------------------------------------------------


def test_it_tells_what_the_room_is(client: Client, owner: Person, bob: Person, lounge: Room) -> None:
    moderation.configure(lounge, owner, topic="<Tea>", description="Be\nkind", slow_seconds=30)
    page = client.get(ABOUT)
    assert find(page.content, "h1").text.strip() == "Lounge"
    assert find(page.content, class_="description").text == "Be\nkind"
    text = page.content.decode()
    assert "&lt;Tea&gt;" in text
    assert "One message every 30 seconds" in text
    assert "2 people" in text
    assert listed(page) == ["owner", "bob"]


def test_who_has_not_joined_may_read_it_and_does_not_join(
    client: Client, lounge: Room, person: MakePerson
) -> None:
    client.force_login(person("ann"))
    page = client.get(ABOUT)
    assert page.status_code == 200
    assert buttons(page) == {}
    assert find(page.content, "a", class_="button").text == "Join"
    assert not lounge.membership_set.exists()


def test_a_conversation_is_named_after_its_others(client: Client, person: MakePerson) -> None:
    ann, bob = person("ann"), person("bob")
    room = joining.direct_room(ann, [bob])
    client.force_login(ann)
    page = client.get(f"/rooms/{room.slug}/about/")
    assert find(page.content, "h1").text.strip() == "bob"
    assert set(buttons(page)) == {"Star"}
    assert [heading.text for heading in find_all(page.content, "h2")] == [
        "Notifications",
        "Take it along",
        "2 people",
    ]


EVERYBODYS = ["Notifications", "Invite people", "Invitation links", "Take it along", "Feed"]


@pytest.mark.parametrize(
    ("role", "headings"),
    [
        (Role.MEMBER, EVERYBODYS),
        (Role.MODERATOR, [*EVERYBODYS, "Keeping order"]),
        (
            Role.OWNER,
            [
                *EVERYBODYS,
                "Keeping order",
                "Name and description",
                "How long messages are kept",
                "Archive the room",
            ],
        ),
    ],
)
def test_everybody_finds_what_they_may_do(
    client: Client, lounge: Room, person: MakePerson, role: str, headings: list[str]
) -> None:
    ann = person("ann")
    Membership.join(lounge.pk, ann.pk, role=role)
    client.force_login(ann)
    page = client.get(ABOUT)
    assert [heading.text for heading in find_all(page.content, "h2")] == [*headings, "1 person"]


# Its people ----------------------------------------------------------------------------


@pytest.fixture
def crowd(lounge: Room) -> list[Person]:
    """10,000 people, all in the lounge."""
    names = [f"Guest {n:05}" if n % 2 else f"guest {n:05}" for n in range(10_000)]
    people = Person.objects.bulk_create(
        [Person(username=name, folded_key=name.lower(), written_key=name, is_guest=True) for name in names]
    )
    Membership.objects.bulk_create([Membership(room=lounge, person=person) for person in people])
    return people


def test_ten_thousand_are_read_a_page_at_a_time(
    client: Client, owner: Person, bob: Person, crowd: list[Person]
) -> None:
    seen: list[str] = []
    address, pages = ABOUT, 0
    while address:
        page = client.get(address)
        pages += 1
        seen += listed(page)
        following = [link["href"] for link in find_all(page.content, "a") if link.text == "Next page"]
        address = f"{ABOUT}{following[0]}" if following else ""
    assert pages == 101  # bob's name comes first
    assert seen == ["owner", "bob", *(person.username for person in crowd)]


def test_many_people_cost_no_more_queries(
    client: Client, owner: Person, bob: Person, request: pytest.FixtureRequest
) -> None:
    def queries() -> tuple[int, int]:
        counts = []
        for url in (ABOUT, "/rooms/lounge/"):
            with CaptureQueriesContext(connection) as captured:
                assert client.get(url).status_code == 200
            counts.append(len(captured))
        return counts[0], counts[1]

    queries()
    with_two = queries()
    request.getfixturevalue("crowd")
    assert queries() == with_two


def test_who_keeps_order_stands_first(client: Client, owner: Person, bob: Person, person: MakePerson) -> None:
    lounge = Room.objects.get()
    zoe = person("Zoe")
    Membership.join(lounge.pk, zoe.pk, role=Role.MODERATOR)
    Membership.join(lounge.pk, person("Ann").pk, person("cleo").pk)
    page = client.get(ABOUT)
    assert listed(page) == ["owner", "Zoe", "Ann", "bob", "cleo"]
    badges = [badge.text for badge in find_all(page.content, class_="badge")]
    assert [badge for badge in badges if badge != "Guest"] == ["Owner", "Moderator"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BO", ["bob"]),
        ("o", ["bob", "owner", "Zoë"]),
        ("ZOË", ["Zoë"]),
        ("%", []),
        ("_", []),
        ("\0", ["owner", "bob", "Zoë"]),
        ("  ", ["owner", "bob", "Zoë"]),
        ("x" * 5000, []),
        ("<b>", []),
    ],
)
def test_people_are_found_by_name(
    client: Client, owner: Person, bob: Person, person: MakePerson, text: str, found: list[str]
) -> None:
    Membership.join(Room.objects.get().pk, person("Zoë").pk)
    assert listed(client.get(ABOUT, {"q": text})) == found


@pytest.mark.parametrize("after", ["", "x", "-1", "0", "9" * 18, "9" * 40, "٣", "%00"])
def test_any_page_of_them_gets_an_answer(client: Client, owner: Person, bob: Person, after: str) -> None:
    assert client.get(ABOUT, {"after": after}).status_code == 200


def test_a_page_goes_on_though_who_it_goes_on_from_has_left(
    client: Client, owner: Person, crowd: list[Person], lounge: Room
) -> None:
    joining.leave(lounge, crowd[50])
    assert listed(client.get(ABOUT, {"after": crowd[50].pk}))[0] == crowd[51].username


def test_one_is_led_to_those_below(client: Client, owner: Person, bob: Person, person: MakePerson) -> None:
    lounge = Room.objects.get()
    keeper = person("keeper")
    Membership.join(lounge.pk, keeper.pk, role=Role.MODERATOR)
    client.force_login(keeper)
    assert [link["href"] for link in find_all(client.get(ABOUT).content, "a", class_="manage")] == [
        f"/rooms/lounge/people/{bob.pk}/"
    ]


# For me --------------------------------------------------------------------------------


def test_a_room_is_starred_and_all_my_tabs_know(
    client: Client,
    owner: Person,
    told: list[Notice],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        page = press(client, client.get(ABOUT), "Star")
    assert Membership.objects.get(person=owner).is_starred
    assert told == [Notice(owner.pk, "rooms")]
    press(client, page, "Unstar")
    assert not Membership.objects.get(person=owner).is_starred


def test_pressed_twice_it_is_as_pressed_once(client: Client, owner: Person) -> None:
    page = client.get(ABOUT)
    for _ in range(2):
        press(client, page, "Star")
    assert Membership.objects.get(person=owner).is_starred


def test_leaving(client: Client, owner: Person, bob: Person) -> None:
    page = press(client, client.get(ABOUT), "Leave")
    assert page.request["PATH_INFO"] == "/"
    assert find(page.content, class_="notices").text.strip() == "You have left Lounge."
    assert not Membership.objects.filter(person=owner).exists()


def test_what_cannot_be_is_a_page_that_says_why(client: Client, person: MakePerson) -> None:
    ann = person("ann")
    ann.is_guest = False
    ann.save()
    cellar = joining.private_room("Cellar", ann)
    joining.invite(cellar, person("bob"), ann)
    client.force_login(ann)
    response = client.post(f"/rooms/{cellar.slug}/leave/")
    assert response.status_code == 403
    assert "A room needs an owner" in response.content.decode()


# Inviting ------------------------------------------------------------------------------


def test_people_are_brought_in_by_name(client: Client, owner: Person, person: MakePerson) -> None:
    ann, cleo = person("ann"), person("Cleo")
    page = client.post("/rooms/lounge/invite/", {"names": "Ann, cleo"}, follow=True)
    assert find(page.content, class_="notices").text.strip() == "In the room now: ann, Cleo."
    assert Membership.objects.filter(person__in=[ann, cleo]).count() == 2


def test_all_of_them_or_none(client: Client, owner: Person, person: MakePerson) -> None:
    ann, cleo = person("ann"), person("cleo")
    joining.block(cleo, owner)
    page = client.post("/rooms/lounge/invite/", {"names": "ann, cleo"})
    assert page.status_code == 403
    assert problem(page) == "cleo cannot be invited."
    assert find(page.content, "input", name="names")["value"] == "ann, cleo"
    assert not Membership.objects.filter(person=ann).exists()


def test_a_name_that_is_nobodys_stays_in_the_field(client: Client, owner: Person) -> None:
    page = client.post("/rooms/lounge/invite/", {"names": "<nobody>"})
    assert page.status_code == 422
    assert problem(page) == "There is nobody called “<nobody>”."
    assert find(page.content, "input", name="names")["value"] == "<nobody>"


def test_a_link_is_made_and_revoked(client: Client, owner: Person) -> None:
    page = client.post("/rooms/lounge/links/", {"days": "7", "most_uses": "5"}, follow=True)
    link = Invitation.objects.get()
    assert (link.by, link.most_uses) == (owner, 5)
    assert link.expires_at is not None
    assert timedelta(days=6, hours=23) < link.expires_at - timezone.now() < timedelta(days=7)
    assert "Used 0 of 5 times" in page.content.decode()
    press(client, page, "Revoke")
    assert not Invitation.objects.exists()


def test_a_link_for_ever_and_everybody(client: Client, owner: Person) -> None:
    client.post("/rooms/lounge/links/", {"days": "", "most_uses": ""})
    link = Invitation.objects.get()
    assert (link.expires_at, link.most_uses) == (None, None)


@pytest.mark.parametrize(
    "fields",
    [{"days": "2"}, {"days": "x"}, {"most_uses": "0"}, {"most_uses": "-1"}, {"most_uses": "9" * 30}],
)
def test_a_link_that_makes_no_sense(client: Client, owner: Person, fields: dict[str, str]) -> None:
    page = client.post("/rooms/lounge/links/", {"days": "7"} | fields)
    assert page.status_code == 422
    assert problem(page)
    assert not Invitation.objects.exists()


def test_others_links_are_not_mine_to_revoke(client: Client, owner: Person, bob: Person) -> None:
    lounge = Room.objects.get()
    link = joining.make_invitation(lounge, owner, None, None)
    bobs = joining.make_invitation(lounge, bob, None, None)
    page = client.get(ABOUT)
    assert len([form for form in find_all(page.content, "form") if "revoke" in form["action"]]) == 2
    client.force_login(bob)
    assert client.post(f"/rooms/lounge/links/{link.pk}/revoke/").status_code == 404
    assert client.post(f"/rooms/lounge/links/{bobs.pk}/revoke/").status_code == 302
    assert client.post("/rooms/lounge/links/99999/revoke/").status_code == 404


def test_a_link_of_another_room_is_not_revoked_from_here(client: Client, owner: Person, ann: Person) -> None:
    attic = Room.named("Attic")
    Membership.join(attic.pk, ann.pk)
    link = joining.make_invitation(attic, ann, None, None)
    assert client.post(f"/rooms/lounge/links/{link.pk}/revoke/").status_code == 404
    assert Invitation.objects.exists()


# Keeping order -------------------------------------------------------------------------


def test_somebody_is_removed_with_a_reason(client: Client, owner: Person, bob: Person) -> None:
    where = f"/rooms/lounge/people/{bob.pk}/"
    assert find(client.get(where).content, "h1").text.strip() == "bob"
    page = client.post(f"{where}remove/", {"reason": "Too  loud "}, follow=True)
    assert listed(page) == ["owner"]
    assert "bob is not in the room any more." in find(page.content, class_="notices").text
    again = client.post(f"{where}remove/", {"reason": "Too loud"})
    assert again.status_code == 403
    assert problem(again) == "bob is not in this room."
    assert find(again.content, "input", id="remove-reason")["value"] == "Too loud"


@pytest.mark.parametrize(
    ("end", "least", "most"),
    [("hour", 59, 60), ("day", 1439, 1440), ("week", 10_079, 10_080), ("month", 43_199, 43_200)],
)
def test_somebody_is_banned_for_a_while(
    client: Client, owner: Person, bob: Person, end: str, least: int, most: int
) -> None:
    page = client.post(f"/rooms/lounge/people/{bob.pk}/ban/", {"reason": "Noise", "end": end}, follow=True)
    assert page.request["PATH_INFO"] == "/rooms/lounge/bans/"
    ban = Ban.objects.get()
    assert ban.until is not None
    assert timedelta(minutes=least) < ban.until - timezone.now() < timedelta(minutes=most)
    assert "Noise" in find(page.content, class_="details").text


def test_a_ban_for_ever_is_listed_and_lifted(client: Client, owner: Person, bob: Person) -> None:
    client.post(f"/rooms/lounge/people/{bob.pk}/ban/", {"reason": "<Noise>", "end": "ever"})
    assert Ban.objects.get().until is None
    assert "Bans (1)" in client.get(ABOUT).content.decode()
    page = client.get("/rooms/lounge/bans/")
    assert "&lt;Noise&gt;" in page.content.decode()
    about_bob = client.get(f"/rooms/lounge/people/{bob.pk}/")
    assert "Lift the ban" in buttons(about_bob)
    page = press(client, page, "Lift")
    assert "bob may come back." in find(page.content, class_="notices").text
    assert "Nobody is banned." in page.content.decode()


def test_a_ban_of_an_owners_is_not_offered_to_moderators(
    client: Client, owner: Person, bob: Person, person: MakePerson, lounge: Room
) -> None:
    keeper, eve = person("keeper"), person("eve")
    Membership.join(lounge.pk, keeper.pk, role=Role.MODERATOR)
    moderation.ban(lounge, bob, owner, "Noise")
    moderation.ban(lounge, eve, keeper, "Noise")
    for who, may_lift in ((owner, [eve, bob]), (keeper, [eve])):
        client.force_login(who)
        assert sent_to(client.get("/rooms/lounge/bans/")) == [f"{other.pk}/unban/" for other in may_lift]
        offered = sent_to(client.get(f"/rooms/lounge/people/{bob.pk}/"))
        assert offered == ([f"{bob.pk}/unban/", f"{bob.pk}/ban/"] if who == owner else [])
    response = client.post(f"/rooms/lounge/people/{bob.pk}/unban/")
    assert response.status_code == 403
    assert "That ban is an owner&#x27;s." in response.content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"reason": "", "end": "day"}, "Please say why."),
        ({"reason": "x" * 301, "end": "day"}, "301 characters long"),
        ({"reason": "Noise", "end": "year"}, "Please choose one"),
        ({"reason": "Noise"}, "Please choose one"),
    ],
)
def test_a_ban_that_makes_no_sense(
    client: Client, owner: Person, bob: Person, fields: dict[str, str], said: str
) -> None:
    page = client.post(f"/rooms/lounge/people/{bob.pk}/ban/", fields)
    assert page.status_code == 422
    assert said in problem(page)
    assert find(page.content, "input", id="ban-reason").get("value") == fields["reason"]
    assert not Ban.objects.exists()


def test_bans_are_read_a_page_at_a_time(client: Client, owner: Person, person: MakePerson) -> None:
    lounge = Room.objects.get()
    for n in range(103):
        Ban.objects.create(room=lounge, person=person(f"p{n}"), reason="Noise")
    page = client.get("/rooms/lounge/bans/")
    names = [row.text.strip() for row in find_all(page.content, class_="person")]
    earlier = find(page.content, "a", href=f"?before={Ban.objects.get(person__username='p3').pk}")
    page = client.get(f"/rooms/lounge/bans/{earlier['href']}")
    names += [row.text.strip() for row in find_all(page.content, class_="person")]
    assert names == [f"p{n}" for n in reversed(range(103))]


def test_a_role_is_given(client: Client, owner: Person, bob: Person) -> None:
    where = f"/rooms/lounge/people/{bob.pk}/"
    client.post(f"{where}role/", {"role": "moderator"})
    assert Membership.objects.get(person=bob).role == Role.MODERATOR
    assert client.post(f"{where}role/", {"role": "king"}).status_code == 422
    mine = f"/rooms/lounge/people/{owner.pk}/"
    page = client.post(f"{mine}role/", {"role": "member"})
    assert page.status_code == 403
    assert "needs an owner" in problem(page)


def test_another_owner_is_not_offered_to_be_managed(
    client: Client, owner: Person, bob: Person, lounge: Room
) -> None:
    Membership.objects.filter(person=bob).update(role=Role.OWNER)
    assert [link["href"] for link in find_all(client.get(ABOUT).content, "a", class_="manage")] == [
        f"/rooms/lounge/people/{owner.pk}/"  # who may step down
    ]
    where = f"/rooms/lounge/people/{bob.pk}/"
    assert sent_to(client.get(where)) == []
    page = client.post(f"{where}role/", {"role": "member"})
    assert page.status_code == 403
    assert "above you in this room, or beside you" in problem(page)


def test_who_is_not_there_is_not_managed(client: Client, owner: Person) -> None:
    for path in ("", "remove/", "ban/", "unban/", "role/"):
        ask = client.post if path else client.get
        assert ask(f"/rooms/lounge/people/999999/{path}").status_code == 404


def test_the_pace(client: Client, owner: Person, lounge: Room) -> None:
    page = client.post("/rooms/lounge/slow/", {"seconds": "300"}, follow=True)
    assert "selected" in dict(find(page.content, "option", value="300").attributes)
    assert client.post("/rooms/lounge/slow/", {"seconds": "7"}).status_code == 422
    page = press(client, page, "Let only moderators write")
    lounge.refresh_from_db()
    assert (lounge.slow_seconds, lounge.is_closed) == (300, True)
    press(client, page, "Let everybody write")
    lounge.refresh_from_db()
    assert not lounge.is_closed


# Owning --------------------------------------------------------------------------------


def test_a_room_is_described(client: Client, owner: Person, lounge: Room) -> None:
    fields = {"name": " Salon ", "topic": "Tea\nand cake", "description": " One\r\ntwo "}
    page = client.post("/rooms/lounge/describe/", fields, follow=True)
    lounge.refresh_from_db()
    assert (lounge.name, lounge.topic, lounge.description) == ("Salon", "Tea and cake", "One\ntwo")
    assert page.request["PATH_INFO"] == "/rooms/salon/about/"
    assert client.get("/rooms/lounge/").headers["Location"] == "/rooms/salon/"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"name": ""}, 422, "Please type a name."),
        ({"name": "x" * 61}, 422, "61 characters long"),
        ({"name": "ATTIC"}, 403, "There is another room of this name."),
        ({"topic": "x" * 251}, 422, "251 characters long"),
        ({"description": "x" * 2001}, 422, "2,001 characters long"),
    ],
)
def test_a_description_that_will_not_do(
    client: Client, owner: Person, lounge: Room, fields: dict[str, str], status: int, said: str
) -> None:
    Room.named("Attic")
    typed = {"name": "Lounge", "topic": "Tea", "description": "Cake"} | fields
    page = client.post("/rooms/lounge/describe/", typed)
    assert page.status_code == status
    assert said in problem(page)
    assert find(page.content, "input", id="describe-name").get("value") == typed["name"]
    assert find(page.content, "input", id="describe-topic").get("value") == typed["topic"]
    assert find(page.content, "textarea", id="describe-description").text.strip() == typed["description"]
    lounge.refresh_from_db()
    assert (lounge.name, lounge.topic) == ("Lounge", "")


@pytest.mark.django_db(transaction=True)
def test_everybody_in_it_is_told_that_it_is_back_and_of_all_else_the_room_once(
    client: Client, owner: Person, bob: Person, lounge: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []

    class Layer:
        async def group_send_all(self, events: list[publishing.Event]) -> None:
            notices = [event for _, event in events if event["type"] == "notice"]
            assert {notice["what"] for notice in notices} <= {"rooms"}
            told.extend(notice["person_id"] for notice in notices)

    monkeypatch.setattr(publishing, "get_channel_layer", Layer)
    for fields in ({"name": "Salon"}, {"archived_at": timezone.now()}, {"topic": "Tea"}):
        moderation.configure(lounge, owner, **fields)
    assert told == []
    moderation.configure(lounge, owner, archived_at=None)
    assert sorted(told) == sorted([owner.pk, bob.pk])


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_does_not_answer_holds_nobody_up_for_long(
    client: Client, owner: Person, crowd: list[Person], lounge: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[publishing.Event]] = []

    class Layer:
        async def group_send_all(self, events: list[publishing.Event]) -> None:
            asked.append(events)
            await asyncio.Event().wait()

    Room.objects.update(archived_at=timezone.now())
    monkeypatch.setattr(publishing, "get_channel_layer", Layer)
    monkeypatch.setattr(publishing, "PUBLISH_SECONDS", 0.01)
    moderation.configure(lounge, owner, archived_at=None)
    assert len(asked) == 2  # the room once, its people once


def test_an_archived_room_leaves_the_lists_and_comes_back(
    client: Client, owner: Person, bob: Person, lounge: Room
) -> None:
    page = press(client, client.get(ABOUT), "Archive")
    assert "Archived" in [badge.text for badge in find_all(page.content, class_="badge")]
    for who in (owner, bob):
        client.force_login(who)
        assert "Lounge" not in client.get("/").content.decode()
        archived = client.get("/archived/")
        assert find(archived.content, class_="room-name").text == "Lounge"
        assert client.get("/rooms/lounge/").status_code == 200
    client.force_login(owner)
    press(client, client.get(ABOUT), "Restore")
    assert "Lounge" in client.get("/").content.decode()
    assert not find_all(client.get("/archived/").content, class_="room-name")


# The lobby -----------------------------------------------------------------------------


def test_the_lobby_lists_ones_private_and_direct_rooms(client: Client, person: MakePerson) -> None:
    ann, bob = person("ann"), person("bob")
    Person.objects.update(is_guest=False)
    ann.refresh_from_db()
    joining.private_room("Cellar", ann)
    joining.direct_room(ann, [bob])
    Room.hidden("Not mine", Kind.PRIVATE)
    client.force_login(ann)
    page = client.get("/").content
    own = [
        row.text
        for row in find_all(page, class_="room-name")
        if any(parent.get("aria-labelledby") == "own-rooms" for parent in row.parents)
    ]
    assert own == ["bob", "Cellar"]
    assert {"/new-room/", "/direct/", "/archived/", "/blocks/"} <= {
        link["href"] for link in find_all(page, "a")
    }
    client.logout()
    assert not find_all(client.get("/").content, "a", href="/new-room/")
