"""Coming into rooms and leaving them, conversations, blocks."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms import access, changes, invitations, joining, moderation, publishing
from rooms.access import NoRoom, Refused
from rooms.events import Notice
from rooms.models import Ban, Block, FormerSlug, Invitation, Kind, Membership, Person, Role, Room
from rooms.room_forms import people_named
from rooms.sidebar import sidebar
from tests.html import find, find_all
from tests.race import overlap

MakePerson = Callable[..., Person]


@pytest.fixture
def ann(person: MakePerson) -> Person:
    """Ann, who has an account."""
    ann = person("ann")
    ann.is_guest = False
    ann.save()
    return ann


@pytest.fixture
def cellar(ann: Person) -> Room:
    """A private room of ann's."""
    return joining.private_room("Cellar", ann)


def members(room: Room) -> list[str]:
    return sorted(room.membership_set.values_list("person__username", flat=True))


# Rooms ---------------------------------------------------------------------------------


@pytest.mark.django_db
class TestPrivateRoom:
    def test_belongs_to_who_made_it(self, ann: Person, cellar: Room) -> None:
        mine = access.find(cellar.slug, ann)
        assert (cellar.kind, mine.role) == (Kind.PRIVATE, Role.OWNER)

    def test_is_not_for_guests_to_make(self, person: MakePerson) -> None:
        with pytest.raises(Refused, match="Guests cannot"):
            joining.private_room("Cellar", person("bob"))

    def test_its_name_is_nobodys(self, ann: Person, cellar: Room) -> None:
        other = joining.private_room("Cellar", ann)
        assert other.slug != cellar.slug
        assert Room.named("Cellar").kind == Kind.OPEN

    def test_is_made_on_a_page(self, client: Client, ann: Person) -> None:
        client.force_login(ann)
        assert find(client.get("/new-room/").content, "input", name="name")
        refused = client.post("/new-room/", {"name": "x" * 61})
        assert refused.status_code == 422
        assert find(refused.content, "input", name="name")["value"] == "x" * 61
        made = client.post("/new-room/", {"name": " My  cellar "})
        room = Room.objects.get()
        assert (room.name, room.kind) == ("My cellar", Kind.PRIVATE)
        assert made.headers["Location"] == f"/rooms/{room.slug}/about/"

    def test_a_guest_is_told_on_that_page(self, client: Client, person: MakePerson) -> None:
        client.force_login(person("bob"))
        refused = client.post("/new-room/", {"name": "Cellar"})
        assert refused.status_code == 403
        assert "Guests cannot" in find(refused.content, class_="problem").text
        assert find(refused.content, "input", name="name")["value"] == "Cellar"

    @pytest.mark.parametrize("name", ["new", "New", "new room", "about"])
    def test_no_name_takes_its_address(self, client: Client, ann: Person, name: str) -> None:
        client.force_login(ann)
        where = client.post("/", {"room_name": name}).headers["Location"]
        page = client.get(where)
        assert page.context["room"].name == name
        assert find(client.get("/new-room/").content, "input", name="name")

    @pytest.mark.parametrize("url", ["/new-room/", "/direct/", "/archived/", "/blocks/", "/reports/"])
    def test_a_stranger_is_sent_to_where_they_can_come_in(self, client: Client, url: str) -> None:
        response = client.get(url)
        assert response.status_code == 302
        assert response.headers["Location"].endswith(f"?next={url}")


@pytest.mark.django_db
class TestInviting:
    def test_brings_somebody_in(self, ann: Person, cellar: Room, person: MakePerson) -> None:
        bob = person("bob")
        for _ in range(2):
            joining.invite(cellar, bob, ann)
        assert members(cellar) == ["ann", "bob"]

    def test_a_guest_brings_nobody_into_a_private_room(
        self, ann: Person, cellar: Room, person: MakePerson
    ) -> None:
        bob = person("bob")
        joining.invite(cellar, bob, ann)
        with pytest.raises(Refused):
            joining.invite(cellar, person("cleo"), bob)
        with pytest.raises(Refused):
            joining.make_invitation(cellar, bob, None, None)
        assert members(cellar) == ["ann", "bob"]

    def test_nobody_learns_whether_they_are_blocked_banned_or_gone(
        self, ann: Person, cellar: Room, person: MakePerson
    ) -> None:
        blocks, banned, gone = person("bob"), person("cleo"), person("dan")
        joining.block(blocks, ann)
        Ban.objects.create(room=cellar, person=banned, reason="Noise")
        gone.is_active = False
        gone.save()
        for other in (blocks, banned, gone):
            with pytest.raises(Refused) as refusal:
                joining.invite(cellar, other, ann)
            assert str(refusal.value) == f"{other.username} cannot be invited."

    def test_a_link_leads_past_no_ban(
        self, ann: Person, cellar: Room, person: MakePerson, client: Client
    ) -> None:
        bob = person("bob")
        link = joining.make_invitation(cellar, ann, None, 5)
        Ban.objects.create(room=cellar, person=bob, reason="Noise")
        client.force_login(bob)
        assert client.post(link.get_absolute_url()).status_code == 404
        assert members(cellar) == ["ann"]
        link.refresh_from_db()
        assert link.uses == 0

    def test_who_comes_by_a_link_has_the_room_in_all_tabs(
        self,
        ann: Person,
        cellar: Room,
        person: MakePerson,
        monkeypatch: pytest.MonkeyPatch,
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        told: list[Notice] = []

        async def keep(notice: Notice) -> None:
            told.append(notice)

        monkeypatch.setattr(publishing, "notify", keep)
        bob = person("bob")
        link = joining.make_invitation(cellar, ann, None, 5)
        with django_capture_on_commit_callbacks(execute=True):
            assert invitations.accept(link, bob)
        assert told == [Notice(bob.pk, "rooms")]

    def test_links_are_bounded(self, ann: Person, cellar: Room, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(joining, "MOST_INVITATIONS", 2)
        joining.make_invitation(cellar, ann, timezone.now() - timedelta(days=1), None)
        for _ in range(2):
            joining.make_invitation(cellar, ann, None, None)
        with pytest.raises(Refused, match="Revoke one"):
            joining.make_invitation(cellar, ann, None, None)
        assert Invitation.objects.count() == 2  # what is over is gone

    def test_links_are_seen_by_who_made_them_and_who_keeps_order(
        self, ann: Person, cellar: Room, person: MakePerson
    ) -> None:
        bob = person("bob")
        Person.objects.filter(pk=bob.pk).update(is_guest=False)
        bob.refresh_from_db()
        joining.invite(cellar, bob, ann)
        for by in (ann, bob):
            joining.make_invitation(cellar, by, None, 1)
        seen = {
            who.username: [link.by for link in joining.invitations_for(access.find(cellar.slug, who))]
            for who in (ann, bob)
        }
        assert seen == {"ann": [bob, ann], "bob": [bob]}


@pytest.mark.django_db
class TestLeaving:
    def test_ends_the_membership_and_ones_links(self, ann: Person, lounge: Room) -> None:
        joining.enter(access.find("lounge", ann))
        joining.make_invitation(lounge, ann, None, None)
        joining.leave(lounge, ann)
        joining.leave(lounge, ann)
        assert members(lounge) == []
        assert not Invitation.objects.exists()

    def test_the_only_owner_of_a_private_room_stays_while_others_do(
        self, ann: Person, person: MakePerson
    ) -> None:
        ann.is_guest = False
        room, bob = joining.private_room("Cellar", ann), person("bob")
        joining.invite(room, bob, ann)
        with pytest.raises(Refused, match="needs an owner"):
            joining.leave(room, ann)
        joining.leave(room, bob)
        joining.leave(room, ann)
        assert members(room) == []

    def test_a_conversation_is_not_left(self, ann: Person, person: MakePerson) -> None:
        with pytest.raises(Refused, match="You can have it tell you nothing"):
            joining.leave(joining.direct_room(ann, [person("bob")]), ann)


@pytest.mark.django_db
def test_who_makes_an_open_room_is_told_in_all_tabs(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[Notice] = []
    monkeypatch.setattr(publishing, "notify_after_commit", notices.append)
    joining.open_room("Lounge", ann)
    joining.open_room("Lounge", ann)
    assert notices == [Notice(ann.pk, "rooms")]


# Conversations -------------------------------------------------------------------------


@pytest.mark.django_db
class TestDirect:
    def test_the_same_people_share_one(self, ann: Person, person: MakePerson) -> None:
        bob, cleo = person("bob"), person("cleo")
        one = joining.direct_room(ann, [bob])
        assert joining.direct_room(bob, [ann, ann, bob]) == one
        assert joining.direct_room(cleo, [ann, bob]) != one
        assert members(one) == ["ann", "bob"]

    def test_takes_two_to_ten(self, ann: Person, person: MakePerson) -> None:
        others = [person(f"guest {n}") for n in range(10)]
        for people in ([], [ann], others):
            with pytest.raises(Refused, match="between two and 10"):
                joining.direct_room(ann, people)
        assert len(members(joining.direct_room(ann, others[:9]))) == 10

    def test_a_block_bars_it_in_both_directions(self, ann: Person, person: MakePerson) -> None:
        bob = person("bob")
        joining.block(bob, ann)
        for one, other in ((ann, bob), (bob, ann)):
            with pytest.raises(Refused, match=f"You cannot write to {other.username}."):
                joining.direct_room(one, [other])
        joining.unblock(bob, ann)
        joining.direct_room(ann, [bob])

    def test_by_name(self, client: Client, ann: Person, person: MakePerson) -> None:
        for name in ("Bob", "Smith, John"):
            person(name)
        client.force_login(ann)
        response = client.post("/direct/", {"names": "bob, Smith, John,"})
        room = Room.objects.get()
        assert response.headers["Location"] == room.get_absolute_url()
        assert members(room) == ["Bob", "Smith, John", "ann"]

    @pytest.mark.parametrize(
        ("names", "status", "said"),
        [
            ("", 422, "Please type a name."),
            (" , ,", 422, "Please type a name."),
            ("nobody, bob, <b>", 422, "There is nobody called “nobody”, “<b>”."),
            ("gone", 422, "There is nobody called “gone”."),
            ("ann", 403, "between two and 10"),
            ("blocker", 403, "You cannot write to blocker."),
            (",".join(f"guest {n}" for n in range(12)), 422, "9 people is the most."),
            ("x" * 5000, 422, "There is nobody called"),
            ("a,b" * 5000, 422, "There is nobody called"),
            ("bob\0", 302, ""),
        ],
    )
    def test_what_is_wrong_is_said_and_the_names_stay(
        self, client: Client, ann: Person, person: MakePerson, names: str, status: int, said: str
    ) -> None:
        for name in ("bob", "blocker", "gone", *(f"guest {n}" for n in range(12))):
            person(name)
        Person.objects.filter(username="gone").update(is_active=False)
        Block.objects.create(person=Person.objects.get(username="blocker"), blocked=ann)
        client.force_login(ann)
        response = client.post("/direct/", {"names": names})
        assert response.status_code == status
        if said:
            assert said in find(response.content, class_="problem").text
            assert find(response.content, "input", name="names").get("value") == names
            assert not Room.objects.exists()

    def test_by_id_as_from_a_profile(self, client: Client, ann: Person, person: MakePerson) -> None:
        client.force_login(ann)
        bob = person("Bob, the builder, and so on")
        assert client.post("/direct/", {"person": [bob.pk]}).status_code == 302
        assert members(Room.objects.get()) == ["Bob, the builder, and so on", "ann"]
        for nobody in ("", "0", "-1", "x", "9" * 30, "1" * 18):
            assert client.post("/direct/", {"person": nobody}).status_code == 422

    def test_an_id_is_not_read_as_names(self, client: Client, ann: Person, person: MakePerson) -> None:
        person("bob"), person("cleo")
        both = person("bob, cleo")
        client.force_login(ann)
        client.post("/direct/", {"person": [both.pk]})
        assert members(Room.objects.get()) == ["ann", "bob, cleo"]

    def test_separate_people_come_before_one_with_a_comma(self, person: MakePerson) -> None:
        people = {name: person(name) for name in ("bob", "cleo", "bob, cleo", "Smith", "Smith, John")}
        assert people_named("bob, cleo", 9) == ([people["bob"], people["cleo"]], [])
        assert people_named("cleo,bob,cleo", 9) == ([people["cleo"], people["bob"]], [])
        assert people_named("Smith, John, bob", 9) == ([people["Smith, John"], people["bob"]], [])
        assert people_named("bob, nobody, cleo", 9) == ([people["bob"], people["cleo"]], ["nobody"])

    def test_names_are_found_in_any_case_and_exactly_first(self, person: MakePerson) -> None:
        bob = person("Bob")
        other = Person.called(["bob"])["bob"]  # as an archive brings in
        assert people_named("bob", 9) == ([other], [])
        assert people_named("Bob,bob", 9) == ([bob, other], [])
        assert people_named("BOB", 9) == ([bob], [])

    def test_more_names_cost_no_more_queries(self, person: MakePerson) -> None:
        for n in range(9):
            person(f"guest {n}")
        with CaptureQueriesContext(connection) as queries:
            people, unknown = people_named(",".join(f"guest {n}" for n in range(18)), 18)
        assert (len(people), len(unknown), len(queries)) == (9, 9, 1)


# Blocks --------------------------------------------------------------------------------


@pytest.mark.django_db
class TestBlocks:
    def test_are_listed_and_lifted(self, client: Client, ann: Person, person: MakePerson) -> None:
        bob = person("bob")
        client.force_login(ann)
        assert "You block nobody" in client.get("/blocks/").content.decode()
        for _ in range(2):
            response = client.post(f"/people/{bob.pk}/block/", follow=True)
        assert find(response.content, class_="person").text == "bob"
        assert f'[data-author="{bob.pk}"]{{display:none}}' in client.get("/me.css").content.decode()
        response = client.post(f"/people/{bob.pk}/unblock/", follow=True)
        assert not find_all(response.content, class_="person")

    def test_are_ones_own_business(self, client: Client, ann: Person, person: MakePerson) -> None:
        bob = person("bob")
        joining.block(ann, bob)
        client.force_login(bob)
        assert not find_all(client.get("/blocks/").content, class_="person")
        client.post(f"/people/{bob.pk}/unblock/")
        assert Block.objects.count() == 1

    def test_nobody_blocks_themselves_or_nobody_or_everybody(
        self, client: Client, ann: Person, person: MakePerson, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(joining, "MOST_BLOCKS", 1)
        client.force_login(ann)
        assert client.post(f"/people/{ann.pk}/block/").status_code == 403
        assert client.post("/people/999999/block/").status_code == 404
        assert client.post(f"/people/{person('bob').pk}/block/").status_code == 302
        assert client.post(f"/people/{person('cleo').pk}/block/").status_code == 403


# Names and addresses -------------------------------------------------------------------


@pytest.mark.django_db
class TestRenaming:
    def test_the_old_address_leads_on_and_cannot_be_taken(self, lounge: Room) -> None:
        changes.configure(lounge, name="Salon")
        changes.configure(lounge, name="Parlour")
        assert [access.find(slug, None).room for slug in ("lounge", "salon", "parlour")] == [lounge] * 3
        assert Room.named("Lounge").slug == "lounge-2"

    def test_back_again(self, lounge: Room) -> None:
        changes.configure(lounge, name="Salon")
        changes.configure(lounge, name="Lounge")
        assert lounge.slug == "lounge"
        assert [former.slug for former in FormerSlug.objects.all()] == ["salon"]
        assert access.find("salon", None).room == lounge


# At the same moment --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_two_owners_do_not_both_leave(self, ann: Person, cellar: Room, person: MakePerson) -> None:
        bob, cleo = person("bob"), person("cleo")
        Membership.join(cellar.pk, bob.pk, role=Role.OWNER)
        Membership.join(cellar.pk, cleo.pk)
        refusal = overlap(lambda: joining.leave(cellar, ann), lambda: joining.leave(cellar, bob))
        assert isinstance(refusal, Refused)
        assert members(cellar) == ["bob", "cleo"]

    def test_who_was_removed_invites_nobody(self, ann: Person, cellar: Room, person: MakePerson) -> None:
        bob = person("bob")
        Person.objects.filter(pk=bob.pk).update(is_guest=False)
        bob.refresh_from_db()
        joining.invite(cellar, bob, ann)
        refusal = overlap(
            lambda: joining.leave(cellar, bob), lambda: joining.make_invitation(cellar, bob, None, None)
        )
        assert isinstance(refusal, Refused)
        assert not Invitation.objects.exists()

    def test_who_is_banned_does_not_come_in(self, ann: Person, lounge: Room, person: MakePerson) -> None:
        bob = person("bob")
        Membership.join(lounge.pk, ann.pk, role=Role.OWNER)
        mine = access.find("lounge", bob)
        refusal = overlap(
            lambda: moderation.ban(lounge, bob, ann, "Noise"),
            lambda: joining.enter(mine),
        )
        assert isinstance(refusal, NoRoom)
        assert members(lounge) == ["ann"]

    def test_nobody_is_let_in_by_a_link_that_is_revoked(
        self, ann: Person, cellar: Room, person: MakePerson
    ) -> None:
        bob, cleo = person("bob"), person("cleo")
        Person.objects.filter(pk=bob.pk).update(is_guest=False)
        bob.refresh_from_db()
        Membership.join(cellar.pk, bob.pk, role=Role.OWNER)
        link = joining.make_invitation(cellar, bob, None, None)
        let_in: list[bool] = []
        raised = overlap(
            lambda: joining.leave(cellar, bob), lambda: let_in.append(invitations.accept(link, cleo))
        )
        assert (raised, let_in) == (None, [False])
        assert members(cellar) == ["ann"]

    def test_the_last_use_is_one_persons(self, ann: Person, cellar: Room, person: MakePerson) -> None:
        bob, cleo = person("bob"), person("cleo")
        link = joining.make_invitation(cellar, ann, None, 1)
        let_in: list[bool] = []
        raised = overlap(
            lambda: let_in.append(invitations.accept(link, bob)),
            lambda: let_in.append(invitations.accept(link, cleo)),
        )
        assert (raised, let_in) == (None, [True, False])
        assert members(cellar) == ["ann", "bob"]

    def test_two_begin_one_conversation(self, ann: Person, person: MakePerson) -> None:
        bob = person("bob")
        rooms: list[Room] = []
        raised = overlap(
            lambda: rooms.append(joining.direct_room(ann, [bob])),
            lambda: rooms.append(joining.direct_room(bob, [ann])),
        )
        assert raised is None
        assert rooms[0] == rooms[1] == Room.objects.get()


# Many ----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_rooms_of_one_person_are_two_queries_however_many(ann: Person, person: MakePerson) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert sidebar(ann).entries
        return len(captured)

    joining.direct_room(ann, [person("bob")])
    with_one = queries()
    crowd = Person.objects.bulk_create(
        [Person(username=f"p{n}", folded_key=f"p{n}", written_key=f"p{n}") for n in range(2000)]
    )
    for n in range(200):
        room = Room.hidden(f"Room {n}", Kind.PRIVATE)
        Membership.join(room.pk, ann.pk)
    Membership.join(room.pk, *(other.pk for other in crowd))
    for other in crowd[:20]:
        joining.direct_room(ann, [other])
    assert queries() == with_one == 2
    assert len(sidebar(ann).entries) == 221
