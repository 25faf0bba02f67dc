"""Who is in a room, a page at a time."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q
from django.db.models.functions import Lower

from rooms.access import Access
from rooms.models import Membership, Person, Role
from rooms.names import look_alike_keys

PAGE = 100


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a room, as one of its people sees them."""

    person: Person
    role: str
    may_be_managed: bool

    @property
    def role_label(self) -> str:
        return "" if self.role == Role.MEMBER else str(Role(self.role).label)


def staff(mine: Access) -> list[Member]:
    """Its owners and moderators."""
    of_note = mine.room.membership_set.exclude(role=Role.MEMBER).select_related("person")
    return _seen(mine, of_note.order_by("-role", Lower("person__username"), "person")[:PAGE])


def page_of_members(
    mine: Access, text: str = "", after: int | None = None
) -> tuple[list[Member], int | None]:
    """Those by name who come after the person `after`, or whose names hold `text`; and after whom
    the next page begins, if there is one. Without a text, who is of note is left out."""
    members = mine.room.membership_set.select_related("person").annotate(key=Lower("person__username"))
    if text:
        folded, _ = look_alike_keys(text)
        members = members.filter(Q(person__username__icontains=text) | Q(person__folded_key__contains=folded))
    else:
        members = members.filter(role=Role.MEMBER)
    key = after and Person.objects.filter(pk=after).values_list(Lower("username"), flat=True).first()
    if key is not None:
        members = members.filter(Q(key__gt=key) | Q(key=key, person__gt=after))
    found = list(members.order_by("key", "person")[: PAGE + 1])
    return _seen(mine, found[:PAGE]), found[PAGE - 1].person_id if len(found) > PAGE else None


def _seen(mine: Access, members: Iterable[Membership]) -> list[Member]:
    return [Member(member.person, member.role, _may_manage(mine, member)) for member in members]


def _may_manage(mine: Access, member: Membership) -> bool:
    return may_give_role(mine, member) or may_remove(mine, member)


def may_give_role(mine: Access, member: Membership) -> bool:
    """Whether who asks may make something else of this member: owners of all but each other."""
    return mine.owns and (member.person_id == mine.person_id or mine.is_above(member.role))


def may_remove(mine: Access, member: Membership) -> bool:
    """Whether who asks may remove or ban this member."""
    is_other = member.person_id != mine.person_id
    return is_other and mine.is_above(member.role) and not member.person.is_superuser
