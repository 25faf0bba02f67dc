"""Who may see and do what. Every road asks here: pages, sockets, commands, the admin.

    access = find(slug, person)     # raises NoRoom for one that is hidden, as for one that is not there
    if access.keeps_order: …

An open room can be entered by anyone signed in; a private one and a direct one by its members,
and to everybody else they do not exist. Entering an open room is joining it, so whoever has a
tab in a room is a member. Site administrators keep order in every room they can enter; into a
private one they have to be invited like everybody else.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, FilteredRelation, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from rooms import context
from rooms.models import Ban, Block, Kind, Level, Membership, Message, Person, Role, Room, SiteSettings
from rooms.models.room import people_of
from rooms.prepared import SOME_TIME, first, prepared
from rooms.statements import locked_room

RANKS = {Role.MEMBER: 1, Role.MODERATOR: 2, Role.OWNER: 3}


class NoRoom(Http404):
    """There is no such room, or none that this person may know of."""

    def __init__(self) -> None:
        super().__init__(_("There is no such room."))


class Refused(Exception):
    """Somebody may not do what they tried; the text tells them why."""

    status = 403


@dataclass(frozen=True, slots=True)
class Access:
    """What `person` is in `room`, and may do there."""

    room: Room
    person: Person | None
    role: str | None  # None: no member
    read_seq: int
    mentions: int
    is_starred: bool
    level: str  # of what the person is told, see rooms.models.Level
    ban_reason: str | None  # None: not banned
    ban_until: datetime | None

    @property
    def person_id(self) -> int | None:
        return None if self.person is None else self.person.pk

    @property
    def is_member(self) -> bool:
        return self.role is not None

    @property
    def is_banned(self) -> bool:
        return self.ban_reason is not None

    @property
    def may_enter(self) -> bool:
        """May read it, and have a tab there."""
        return not self.is_banned and (self.is_member or self.room.kind == Kind.OPEN)

    @property
    def rank(self) -> int:
        """Above whom the person stands in the room: 0 for who is nothing there, 4 for a site's
        administrator. Between the people of a direct room there is no rank."""
        if self.room.kind == Kind.DIRECT or not self.may_enter or self.person is None:
            return 0
        return 4 if self.person.is_superuser else RANKS.get(Role(self.role), 0) if self.role else 0

    @property
    def keeps_order(self) -> bool:
        """May delete messages, remove and ban, close and slow the room, and work through reports."""
        return self.rank >= RANKS[Role.MODERATOR]

    @property
    def owns(self) -> bool:
        """May rename and archive the room, describe it, and give roles."""
        return self.rank >= RANKS[Role.OWNER]

    @property
    def may_invite(self) -> bool:
        """May bring others in, by name or with a link; into a private room guests may not."""
        is_of_note = self.room.kind == Kind.OPEN or (self.person is not None and not self.person.is_guest)
        is_in = self.may_enter and self.is_member and self.room.kind != Kind.DIRECT
        return is_in and is_of_note and self.room.archived_at is None

    @property
    def has_feed(self) -> bool:
        """May have the room's feed: whoever may read it. What is said directly is fed to nobody."""
        return self.may_enter and self.room.kind != Kind.DIRECT

    def may_edit(self, message: Message) -> bool:
        is_own = self.person is not None and message.author_id == self.person.pk
        return is_own and not self.why_not_post()

    def may_read_earlier(self, message: Message) -> bool:
        """Whether the person may read what an edited message said before."""
        is_own = self.person is not None and message.author_id == self.person.pk
        return self.may_enter and (is_own or self.keeps_order)

    @property
    def may_pin(self) -> bool:
        """In a room of many those who keep order; in a direct one, each."""
        is_ones_own = self.room.kind == Kind.DIRECT and self.is_member
        return not self.why_not_post() and (self.keeps_order or is_ones_own)

    def why_not_react(self, message: Message) -> str:
        """Why the person may not react to a message; nothing, if they may: also where only moderators
        write."""
        if message.deleted_at is not None:
            return _("This message was deleted.")
        if not self.is_member:
            return _("You are not in this room.")
        return "" if self.room.is_closed and self.room.archived_at is None else self.why_not_post()

    def may_delete(self, message: Message) -> bool:
        is_own = self.person is not None and message.author_id == self.person.pk
        return self.may_enter and (is_own or self.keeps_order)

    def is_above(self, role: str) -> bool:
        """Whether the person may remove, ban or change the role of one who has this role."""
        return self.keeps_order and self.rank > RANKS[Role(role)]

    def why_not_post(self) -> str:
        """Why the person may not write in the room; nothing, if they may."""
        if self.person is None or not self.person.is_active:
            return _("This account is closed.")
        if self.person is None or not self.person.is_active or self.person.is_banned:
            return _("You are signed out.")
        if self.is_banned:
            return _("You are banned from this room.")
        if not self.may_enter:
            return _("You are not in this room.")
        if self.room.archived_at is not None:
            return _("This room is archived: it can be read, and nothing is added.")
        if self.room.is_closed and not self.keeps_order:
            return _("Only moderators write in this room at the moment.")
        return ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Rooms, without a list of them all: the open ones, but for those that are `barred`, and the
    `hidden` ones that are named here. By id."""

    hidden: frozenset[int]
    barred: frozenset[int]

    def holds(self, room: Room) -> bool:
        return room.pk not in self.barred if room.kind == Kind.OPEN else room.pk in self.hidden


def seen_by(person: Person | None) -> Any:
    """All rooms, hidden ones too, each with what `of` needs to tell what `person` may do there."""
    return _seen_by((person and person.pk) or 0, timezone.now())


def _seen_by(person_id: int, now: datetime) -> Any:
    return Room.objects.annotate(
        mine=FilteredRelation("membership", condition=Q(membership__person=person_id)),
        my_ban=FilteredRelation(
            "bans",
            condition=Q(bans__person=person_id) & (Q(bans__until=None) | Q(bans__until__gt=now)),
        ),
        my_role=F("mine__role"),
        my_read_seq=F("mine__read_seq"),
        my_mentions=F("mine__mentions"),
        my_star=F("mine__is_starred"),
        my_level=F("mine__level"),
        ban_reason=F("my_ban__reason"),
        ban_until=F("my_ban__until"),
    )


def of(room: Any, person: Person | None) -> Access:
    """What `person` may do in `room`, a room of `seen_by(person)`."""
    return Access(
        room=room,
        person=person,
        role=room.my_role,
        read_seq=room.my_read_seq or 0,
        mentions=room.my_mentions or 0,
        is_starred=bool(room.my_star),
        level=room.my_level or Level.EVERYTHING,
        ban_reason=room.ban_reason,
        ban_until=room.ban_until,
    )


def find(slug: str, person: Person | None) -> Access:
    """The room at `slug`, which it may have now or have had, and what `person` may do there.

    Raises NoRoom where there is none and where it is hidden from them: after the same, single
    query. Who is banned is told so, and may not enter.
    """
    room = first(_at(slug.replace("\0", " "), (person and person.pk) or 0, timezone.now()))
    if room is None:
        raise NoRoom
    context.note(room=room.pk)
    return of(room, person)


def _known_at(slug: str, person_id: int, now: datetime) -> Any:
    # Left to the database: a hidden room is not even made an object of, which takes time.
    may_know = Q(kind=Kind.OPEN) | Q(mine__pk__isnull=False) | Q(my_ban__pk__isnull=False)
    return _seen_by(person_id, now).at(slug).filter(may_know)


_at = prepared(_known_at, "\n", -1, SOME_TIME)


def find_feed(slug: str, token: str) -> Access:
    """The room at `slug` for whoever this feed token is of, as long as they may enter it. Raises NoRoom
    where it is nobody's, or not for that room."""
    own = Membership.objects.filter(feed_token=token.replace("\0", " "), person__in=welcome())
    theirs = own.select_related("person").first()
    if theirs is None:
        raise NoRoom
    mine = find(slug, theirs.person)
    if mine.room.pk != theirs.room_id or not mine.has_feed:
        raise NoRoom
    return mine


def locked(room_id: int, person: Person, known: Access | None = None) -> Access:
    """What `person` may do in the room, which is locked until the transaction ends. What is `known`
    from before still holds where nobody's access has changed since, and saves a query. Raises
    Room.DoesNotExist."""
    return within(locked_room(room_id), person, known)


def within(room: Room, person: Person, known: Access | None = None) -> Access:
    """As `locked`, of a room that is locked already."""
    # Locked first, and read then: a statement that has to wait for the lock finds the room as it
    # is by then, but roles and bans as they were when it began.
    if known is not None and known.room.access_version == room.access_version:
        return replace(known, room=room)
    # What was loaded with a tab may be old by now. The room itself may be ahead of what is kept of it.
    mine = of(seen_by(person).get(pk=room.pk), Person.objects.get(pk=person.pk))
    return replace(mine, room=room)


def rooms_of(person: Person) -> Any:
    """The rooms that `person` is in and may read, with what `of` needs."""
    return rooms_in(person.pk, timezone.now())


def rooms_in(person_id: int, now: datetime) -> Any:
    """The same of the person of this id at this moment, for what is `prepared`."""
    return _seen_by(person_id, now).filter(mine__pk__isnull=False, ban_reason=None)


def visible_to(person: Person | None) -> Any:
    """The rooms that `person` may read: what a list, a search or a feed may hold."""
    return seen_by(person).filter(Q(kind=Kind.OPEN) | Q(mine__pk__isnull=False), ban_reason=None)


def scope_of(person: Person) -> Scope:
    """The rooms that `person` may read: those of `visible_to`, for an index of what is said."""
    is_hidden = ~Q(kind=Kind.OPEN)
    apart = seen_by(person).filter(
        Q(is_hidden, mine__pk__isnull=False, ban_reason=None) | Q(~is_hidden, ban_reason__isnull=False)
    )
    rooms = list(apart.values_list("pk", "kind"))
    return Scope(
        hidden=frozenset(pk for pk, kind in rooms if kind != Kind.OPEN),
        barred=frozenset(pk for pk, kind in rooms if kind == Kind.OPEN),
    )


def members_among(room_id: int, people_ids: set[int]) -> set[int]:
    """Those of these people who are in the room, and not banned from it."""
    found: set[int] = set()
    ids = sorted(people_ids)
    for start in range(0, len(ids), 500):
        members = Membership.objects.filter(room=room_id, person__in=ids[start : start + 500])
        members = members.exclude(person__in=Ban.objects.in_force().filter(room=room_id).values("person"))
        found.update(members.values_list("person_id", flat=True))
    return found


def welcome() -> QuerySet[Person]:
    """The people who may be on this site now: not those whose account is closed, or who are banned
    from it, nor guests where its owner wants none."""
    return _welcome(timezone.now())


def _welcome(now: datetime) -> QuerySet[Person]:
    no_guests = SiteSettings.objects.filter(pk=1, guests_allowed=False)
    is_free = Q(banned_until=None) | Q(banned_until__lte=now)
    return Person.objects.filter(is_free, Q(is_guest=False) | ~Exists(no_guests), is_active=True)


def welcome_person(person_id: Any) -> Person | None:
    """The person of this id, if they are welcome."""
    return first(_of_id(person_id, timezone.now()))


_of_id = prepared(lambda pk, now: _welcome(now).filter(pk=pk), -1, SOME_TIME)


def may_write_to(person: Person, other: Person) -> bool:
    """Whether `person` may begin a direct room with `other`, or bring them into one."""
    if other.pk == person.pk or not other.is_active:
        return False
    between = Q(person=other, blocked=person) | Q(person=person, blocked=other)
    return not Block.objects.filter(between).exists()


def check_not_blocked(room: Room) -> None:
    """Raises Refused where one of two people does not want to hear from the other. Among more, it is
    their own stylesheet that hides somebody."""
    ids = people_of(room.people_key)
    if len(ids) == 2 and Block.objects.filter(person__in=ids, blocked__in=ids).exists():
        raise Refused(_("You cannot write to each other."))
