"""Keeping order: what each act does, who may not, what is recorded."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone

from rooms import access, changes, joining, moderation
from rooms.access import NoRoom, Refused
from rooms.models import Act, Ban, Invitation, Kind, Membership, Message, Person, Report, Role, Room
from tests.race import overlap

MakePerson = Callable[..., Person]


@pytest.fixture
def people(person: MakePerson, lounge: Room) -> dict[str, Person]:
    """The lounge's owner, keeper (a moderator) and two members, and who is not in it."""
    people = {name: person(name) for name in ("owner", "keeper", "ann", "bob", "other", "admin")}
    for name, role in (("owner", Role.OWNER), ("keeper", Role.MODERATOR)):
        Membership.join(lounge.pk, people[name].pk, role=role)
    Membership.join(lounge.pk, people["ann"].pk, people["bob"].pk)
    Person.objects.filter(username="admin").update(is_superuser=True)
    people["admin"].refresh_from_db()
    return people


def is_in(room: Room, person: Person) -> bool:
    return Membership.objects.filter(room=room, person=person).exists()


def acts() -> list[tuple[Any, ...]]:
    """What is recorded, in order: what, by whom, of whom, why."""
    rows = Act.objects.order_by("pk").values_list("what", "by__username", "person__username", "why")
    return list(rows)


@pytest.mark.django_db
class TestRemoving:
    def test_ends_the_membership_and_what_they_invited_by(self, lounge: Room, people: Any) -> None:
        joining.make_invitation(lounge, people["ann"], None, None)
        joining.make_invitation(lounge, people["bob"], None, None)
        moderation.remove(lounge, people["ann"], people["keeper"], "Too loud")
        assert not is_in(lounge, people["ann"])
        assert [link.by for link in Invitation.objects.all()] == [people["bob"]]
        assert acts() == [("removed", "keeper", "ann", "Too loud")]

    def test_is_a_tick_of_the_clock(self, lounge: Room, people: Any) -> None:
        before = Room.objects.get().clock
        moderation.remove(lounge, people["ann"], people["keeper"])
        room = Room.objects.get()
        assert (room.clock, room.access_version) == (before + 1, before + 1)

    @pytest.mark.parametrize(
        ("by", "whom"),
        [
            ("ann", "bob"),
            ("other", "bob"),
            ("keeper", "keeper"),
            ("keeper", "owner"),
            ("owner", "owner"),
            ("owner", "admin"),
            ("keeper", "other"),
        ],
    )
    def test_is_for_who_stands_above(self, lounge: Room, people: Any, by: str, whom: str) -> None:
        Membership.join(lounge.pk, people["admin"].pk)
        with pytest.raises(Refused):
            moderation.remove(lounge, people[whom], people[by])
        assert acts() == []

    def test_an_administrator_is_above_owners_in_rooms_they_can_enter(
        self, lounge: Room, people: Any
    ) -> None:
        moderation.remove(lounge, people["owner"], people["admin"])
        assert not is_in(lounge, people["owner"])
        hidden = joining.private_room("Cellar", _keeping_name(people["ann"]))
        with pytest.raises(Refused):
            moderation.remove(hidden, people["ann"], people["admin"])


def _keeping_name(person: Person) -> Person:
    person.is_guest = False
    person.save(update_fields=["is_guest"])
    return person


@pytest.mark.django_db
class TestBanning:
    def test_keeps_out_until_it_is_over(self, lounge: Room, people: Any) -> None:
        ann = people["ann"]
        until = timezone.now() + timedelta(hours=1)
        moderation.ban(lounge, ann, people["keeper"], "Noise", until)
        theirs = access.find("lounge", ann)
        assert (theirs.is_banned, theirs.ban_reason, theirs.ban_until) == (True, "Noise", until)
        with pytest.raises(Refused, match="banned"):
            changes.post(lounge, ann, "hello")
        Ban.objects.update(until=timezone.now())
        assert access.find("lounge", ann).may_enter
        changes.post(lounge, ann, "hello")

    def test_again_is_the_newer_one(self, lounge: Room, people: Any) -> None:
        moderation.ban(lounge, people["ann"], people["keeper"], "Noise", timezone.now())
        moderation.ban(lounge, people["ann"], people["owner"], "More noise")
        ban = Ban.objects.get()
        assert (ban.reason, ban.until, ban.by) == ("More noise", None, people["owner"])

    def test_may_come_before_they_do(self, lounge: Room, people: Any) -> None:
        moderation.ban(lounge, people["other"], people["keeper"], "Known for it")
        assert access.find("lounge", people["other"]).is_banned

    def test_is_lifted(self, lounge: Room, people: Any) -> None:
        moderation.ban(lounge, people["ann"], people["keeper"], "Noise")
        with pytest.raises(Refused):
            moderation.unban(lounge, people["ann"], people["bob"])
        moderation.unban(lounge, people["ann"], people["keeper"])
        moderation.unban(lounge, people["ann"], people["keeper"])
        assert access.find("lounge", people["ann"]).may_enter
        assert [what for what, *_ in acts()] == ["banned", "unbanned"]

    @pytest.mark.parametrize("by", ["owner", "admin"])
    def test_of_an_owner_is_not_a_moderators_to_lift_or_change(
        self, lounge: Room, people: Any, by: str
    ) -> None:
        moderation.ban(lounge, people["ann"], people[by], "Noise")
        with pytest.raises(Refused, match="an owner's"):
            moderation.unban(lounge, people["ann"], people["keeper"])
        with pytest.raises(Refused, match="an owner's"):
            moderation.ban(lounge, people["ann"], people["keeper"], "Noise", timezone.now())
        assert [ban.until for ban in Ban.objects.all()] == [None]
        moderation.unban(lounge, people["ann"], people["owner"])
        assert not Ban.objects.exists()

    def test_of_who_was_an_owner_is_everybodys_to_lift(self, lounge: Room, people: Any) -> None:
        moderation.ban(lounge, people["ann"], people["owner"], "Noise")
        Membership.objects.filter(person=people["owner"]).update(role=Role.MEMBER)
        moderation.unban(lounge, people["ann"], people["keeper"])
        assert not Ban.objects.exists()

    def test_nobody_is_invited_past_it(self, lounge: Room, people: Any) -> None:
        moderation.ban(lounge, people["ann"], people["keeper"], "Noise")
        with pytest.raises(Refused, match="ann cannot be invited"):
            joining.invite(lounge, people["ann"], people["bob"])
        assert not is_in(lounge, people["ann"])

    def test_from_the_site_takes_their_invitations_too(self, lounge: Room, people: Any) -> None:
        joining.make_invitation(lounge, people["ann"], None, None)
        with pytest.raises(Refused):
            moderation.ban_from_site(people["ann"], people["owner"], "Noise")
        with pytest.raises(Refused):
            moderation.ban_from_site(people["admin"], people["admin"], "Noise")
        moderation.ban_from_site(people["ann"], people["admin"], "Noise")
        assert not Invitation.objects.exists()
        assert Person.objects.get(username="ann").banned_until == moderation.FOR_EVER
        moderation.unban_from_site(people["ann"], people["admin"])
        assert Person.objects.get(username="ann").banned_until is None
        assert acts() == [("banned", "admin", "ann", "Noise"), ("unbanned", "admin", "ann", "")]


@pytest.mark.django_db
class TestRoles:
    def test_are_given_by_owners(self, lounge: Room, people: Any) -> None:
        with pytest.raises(Refused):
            moderation.set_role(lounge, people["ann"], Role.MODERATOR, people["keeper"])
        moderation.set_role(lounge, people["ann"], Role.MODERATOR, people["owner"])
        moderation.set_role(lounge, people["ann"], Role.MODERATOR, people["owner"])
        assert acts() == [("role", "owner", "ann", "Moderator")]
        moderation.remove(lounge, people["bob"], people["ann"])

    def test_a_room_keeps_an_owner(self, lounge: Room, people: Any) -> None:
        with pytest.raises(Refused, match="needs an owner"):
            moderation.set_role(lounge, people["owner"], Role.MEMBER, people["owner"])
        moderation.set_role(lounge, people["ann"], Role.OWNER, people["owner"])
        moderation.set_role(lounge, people["owner"], Role.MEMBER, people["owner"])
        assert [member.person for member in Membership.objects.filter(role=Role.OWNER)] == [people["ann"]]

    def test_owners_take_none_from_each_other(self, lounge: Room, people: Any) -> None:
        moderation.set_role(lounge, people["ann"], Role.OWNER, people["owner"])
        with pytest.raises(Refused, match="beside you"):
            moderation.set_role(lounge, people["owner"], Role.MEMBER, people["ann"])
        moderation.set_role(lounge, people["owner"], Role.MEMBER, people["admin"])

    def test_are_for_who_is_in_the_room(self, lounge: Room, people: Any) -> None:
        with pytest.raises(Refused, match="not in this room"):
            moderation.set_role(lounge, people["other"], Role.OWNER, people["owner"])


@pytest.mark.django_db
class TestConfiguring:
    def test_moderators_set_the_pace_and_owners_the_rest(self, lounge: Room, people: Any) -> None:
        moderation.configure(lounge, people["keeper"], slow_seconds=30)
        moderation.configure(lounge, people["keeper"], is_closed=True)
        for fields in ({"topic": "Tea"}, {"name": "Attic"}, {"slow_seconds": 0, "topic": "Tea"}):
            with pytest.raises(Refused, match="owners"):
                moderation.configure(lounge, people["keeper"], **fields)
            with pytest.raises(Refused):
                moderation.configure(lounge, people["ann"], **fields)
        with pytest.raises(Refused):
            moderation.configure(lounge, people["ann"], is_closed=True)
        moderation.configure(lounge, people["owner"], name="Attic", archived_at=timezone.now())
        moderation.configure(lounge, people["owner"], archived_at=None, is_closed=False)
        assert [(what, why) for what, _, _, why in acts()] == [
            ("slowed", "30 seconds"),
            ("closed", ""),
            ("renamed", "Lounge → Attic"),
            ("archived", ""),
            ("restored", ""),
            ("opened", ""),
        ]

    def test_what_is_so_already_is_no_change(self, lounge: Room, people: Any) -> None:
        moderation.configure(lounge, people["owner"], name="Lounge", topic="", is_closed=False)
        assert acts() == []
        assert Room.objects.get().clock == 0

    def test_a_name_that_another_open_room_has(self, lounge: Room, people: Any, room: Any) -> None:
        room("Attic")
        with pytest.raises(IntegrityError):
            moderation.configure(lounge, people["owner"], name="ATTIC")
        assert Room.objects.get(pk=lounge.pk).name == "Lounge"

    def test_slow_mode_is_for_members(self, lounge: Room, people: Any) -> None:
        moderation.configure(lounge, people["owner"], slow_seconds=60)
        now = timezone.now()
        changes.post(lounge, people["ann"], "one", at=now)
        with pytest.raises(Refused, match="Please wait 30 more"):
            changes.post(lounge, people["ann"], "two", at=now + timedelta(seconds=30))
        changes.post(lounge, people["bob"], "one", at=now + timedelta(seconds=30))
        changes.post(lounge, people["ann"], "two", at=now + timedelta(seconds=60))
        for _ in range(2):
            changes.post(lounge, people["keeper"], "quick", at=now)


@pytest.mark.django_db
class TestReports:
    def test_come_before_those_who_keep_order_there(self, lounge: Room, people: Any) -> None:
        message = changes.post(lounge, people["ann"], "buy this")
        for _ in range(2):
            moderation.report(message, people["bob"], "Advertising")
        assert acts() == [("reported", "bob", "ann", "Advertising")]
        for name in ("keeper", "owner", "admin"):
            [report] = moderation.reports_for(people[name])
            assert (report.quote, report.by, report.reason) == ("buy this", people["bob"], "Advertising")
        for name in ("ann", "bob", "other"):
            assert not moderation.reports_for(people[name])

    def test_of_a_private_room_are_for_its_own_moderators(self, people: Any) -> None:
        cellar = joining.private_room("Cellar", _keeping_name(people["owner"]))
        joining.invite(cellar, people["ann"], people["owner"])
        moderation.report(changes.post(cellar, people["owner"], "hm"), people["ann"], "Rude")
        assert moderation.reports_for(people["owner"]).count() == 1
        assert not moderation.reports_for(people["admin"])
        assert not moderation.reports_for(people["keeper"])

    def test_who_was_moderator_sees_them_no_more(self, lounge: Room, people: Any) -> None:
        moderation.report(changes.post(lounge, people["ann"], "hm"), people["bob"], "Rude")
        moderation.ban(lounge, people["keeper"], people["owner"], "Asleep")
        assert not moderation.reports_for(people["keeper"])

    def test_are_dismissed_and_so_resolved(self, lounge: Room, people: Any) -> None:
        moderation.report(changes.post(lounge, people["ann"], "hm"), people["bob"], "Rude")
        report = Report.objects.get()
        with pytest.raises(Refused):
            moderation.dismiss(report, people["bob"])
        moderation.dismiss(report, people["keeper"])
        moderation.dismiss(report, people["owner"])
        report.refresh_from_db()
        assert report.resolved_by == people["keeper"]
        assert [what for what, *_ in acts()] == ["reported", "dismissed"]
        assert not moderation.reports_for(people["keeper"])

    def test_are_resolved_when_the_message_is_deleted(self, lounge: Room, people: Any) -> None:
        message = changes.post(lounge, people["ann"], "buy this")
        for name in ("bob", "keeper"):
            moderation.report(message, people[name], "Advertising")
        moderation.delete_message(message, people["keeper"], "Advertising")
        assert not Report.objects.open()
        kept = Message.objects.get()
        assert (kept.body, kept.html, kept.deleted_at is None) == ("", "", False)
        assert acts()[-1] == ("deleted", "keeper", "ann", "Advertising")

    def test_stay_open_when_the_author_deletes_the_message(self, lounge: Room, people: Any) -> None:
        message = changes.post(lounge, people["ann"], "buy this")
        moderation.report(message, people["bob"], "Advertising")
        moderation.delete_message(message, people["ann"])
        [report] = moderation.reports_for(people["keeper"])
        assert report.quote == "buy this"
        moderation.delete_message(message, people["keeper"])
        assert not Report.objects.open()

    @pytest.mark.parametrize("is_dismissed", [True, False])
    def test_quote_the_message_until_they_are_settled(
        self, lounge: Room, people: Any, is_dismissed: bool
    ) -> None:
        message = changes.post(lounge, people["ann"], "buy this")
        moderation.report(message, people["bob"], "Advertising")
        moderation.delete_message(message, people["ann"])
        assert Report.objects.get().quote == "buy this"
        if is_dismissed:
            moderation.dismiss(Report.objects.get(), people["keeper"])
        else:
            moderation.delete_message(message, people["keeper"])
        assert Report.objects.get().quote == ""

    def test_of_a_message_that_is_gone(self, lounge: Room, people: Any) -> None:
        message = changes.post(lounge, people["ann"], "hm")
        moderation.delete_message(message, people["ann"])
        assert acts() == []
        with pytest.raises(Refused, match="not there any more"):
            moderation.report(message, people["bob"], "Rude")

    def test_of_a_direct_conversation_reach_nobody(self, people: Any) -> None:
        direct = joining.direct_room(people["ann"], [people["bob"]])
        assert direct.kind == Kind.DIRECT
        message = changes.post(direct, people["ann"], "hm")
        with pytest.raises(Refused, match="Nobody keeps order"):
            moderation.report(message, people["bob"], "Rude")


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    """What was allowed when it began is not, once the other is done."""

    def test_who_is_removed_says_nothing_more(self, lounge: Room, people: Any) -> None:
        cellar = joining.private_room("Cellar", _keeping_name(people["owner"]))
        joining.invite(cellar, people["ann"], people["owner"])
        refusal = overlap(
            lambda: moderation.remove(cellar, people["ann"], people["owner"]),
            lambda: changes.post(cellar, people["ann"], "one more thing"),
        )
        assert isinstance(refusal, Refused)
        assert not Message.objects.exists()

    def test_who_is_banned_says_nothing_more(self, lounge: Room, people: Any) -> None:
        refusal = overlap(
            lambda: moderation.ban(lounge, people["ann"], people["keeper"], "Noise"),
            lambda: changes.post(lounge, people["ann"], "one more thing"),
        )
        assert isinstance(refusal, Refused)
        assert not Message.objects.exists()

    def test_who_is_banned_does_not_come_in(self, lounge: Room, people: Any) -> None:
        mine = access.find("lounge", people["other"])
        refusal = overlap(
            lambda: moderation.ban(lounge, people["other"], people["keeper"], "Known for it"),
            lambda: joining.enter(mine),
        )
        assert isinstance(refusal, NoRoom)
        assert not is_in(lounge, people["other"])

    def test_who_is_moderator_no_more_bans_nobody(self, lounge: Room, people: Any) -> None:
        refusal = overlap(
            lambda: moderation.set_role(lounge, people["keeper"], Role.MEMBER, people["owner"]),
            lambda: moderation.ban(lounge, people["ann"], people["keeper"], "Revenge"),
        )
        assert isinstance(refusal, Refused)
        assert is_in(lounge, people["ann"])

    def test_two_owners_do_not_both_step_down(self, lounge: Room, people: Any) -> None:
        moderation.set_role(lounge, people["ann"], Role.OWNER, people["owner"])
        refusal = overlap(
            lambda: moderation.set_role(lounge, people["ann"], Role.MEMBER, people["ann"]),
            lambda: moderation.set_role(lounge, people["owner"], Role.MEMBER, people["owner"]),
        )
        assert isinstance(refusal, Refused)
        assert Membership.objects.filter(role=Role.OWNER).count() == 1

    def test_a_room_that_is_closed_takes_nothing_more(self, lounge: Room, people: Any) -> None:
        refusal = overlap(
            lambda: moderation.configure(lounge, people["keeper"], is_closed=True),
            lambda: changes.post(lounge, people["ann"], "one more thing"),
        )
        assert isinstance(refusal, Refused)

    def test_a_message_is_deleted_once(self, lounge: Room, people: Any) -> None:
        message = changes.post(lounge, people["ann"], "hm")
        again = Message.objects.get()
        clock = Room.objects.get().clock
        assert (
            overlap(
                lambda: moderation.delete_message(message, people["keeper"], "Rude"),
                lambda: moderation.delete_message(again, people["owner"], "Rude"),
            )
            is None
        )
        assert Room.objects.get().clock == clock + 1
        assert acts() == [("deleted", "keeper", "ann", "Rude")]
