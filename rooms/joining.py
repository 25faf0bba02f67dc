"""Coming into rooms and leaving them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from channels.db import database_sync_to_async
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rooms import access, changes, limits, publishing
from rooms.access import Access, NoRoom, Refused
from rooms.events import Notice
from rooms.models import Block, Invitation, Kind, Level, Membership, Person, Role, Room
from rooms.models.invitation import new_token
from rooms.texts import number

MOST_PEOPLE = 10  # in a direct room
MOST_INVITATIONS = 100  # links into one room
MOST_BLOCKS = 1000  # of one person

MAY_NOT_INVITE = gettext_lazy("You cannot invite people into this room.")


def enter(mine: Access) -> None:
    """Whoever enters an open room has joined it. Raises Refused for who may not enter, NoRoom where
    by now the room is gone, or closed to them."""
    if not mine.may_enter or mine.person is None:
        raise Refused(_("You cannot enter this room."))
    if mine.is_member:
        return
    try:
        with transaction.atomic():
            # Asked again under the lock: they may have been banned since.
            if not access.locked(mine.room.pk, mine.person).may_enter:
                raise NoRoom
            Membership.join(mine.room.pk, mine.person.pk)
            publishing.notify_after_commit(Notice(mine.person.pk, "rooms"))
    except (IntegrityError, Room.DoesNotExist):
        raise NoRoom from None


aenter = database_sync_to_async(enter)


@transaction.atomic
def open_room(name: str, person: Person, address: str = "") -> Room:
    """The open room of this name, made if there is none; who makes a room owns it. Raises TooMany
    where `person`, or whoever is at `address`, has made too many."""
    room, is_new = Room.find_or_make(name)
    if is_new:
        limits.take(limits.ROOMS, person.pk, address)
        Membership.join(room.pk, person.pk, role=Role.OWNER)
        publishing.notify_after_commit(Notice(person.pk, "rooms"))
    return room


@transaction.atomic
def private_room(name: str, owner: Person, address: str = "") -> Room:
    """A new private room. Raises Refused for a guest, and TooMany."""
    if owner.is_guest:
        raise Refused(_("Guests cannot make private rooms. Keep your name first."))
    limits.take(limits.ROOMS, owner.pk, address)
    room = Room.hidden(name, Kind.PRIVATE)
    Membership.join(room.pk, owner.pk, role=Role.OWNER)
    publishing.notify_after_commit(Notice(owner.pk, "rooms"))
    return room


def direct_room(person: Person, others: Sequence[Person], address: str = "") -> Room:
    """The direct room of `person`, who is at `address`, and `others`, made if there is none.

    Raises Refused where there are too many, none, or one who does not want to hear from `person`,
    and TooMany where `person` begins too many.
    """
    ids = sorted({person.pk, *(other.pk for other in others)})
    if not 2 <= len(ids) <= MOST_PEOPLE:
        problem = ngettext(
            "A direct conversation is between two and %(most)s person.",
            "A direct conversation is between two and %(most)s people.",
            MOST_PEOPLE,
        )
        raise Refused(problem % {"most": MOST_PEOPLE})
    for other in others:
        if other.pk != person.pk and not access.may_write_to(person, other):
            raise Refused(_("You cannot write to %(name)s.") % {"name": other.username})
    key = " ".join(map(str, ids))
    if room := Room.objects.filter(people_key=key).first():
        return room
    limits.take(limits.DIRECT, person.pk, address)
    try:
        with transaction.atomic():
            room = Room.hidden("", Kind.DIRECT, key)
            Membership.join(room.pk, *ids)
            for member_id in ids:
                publishing.notify_after_commit(Notice(member_id, "rooms"))
        return room
    except IntegrityError:  # made in this very moment
        return Room.objects.get(people_key=key)


@transaction.atomic
def invite(room: Room, person: Person, by: Person) -> None:
    """Bring somebody into the room by name. Raises Refused where that cannot be."""
    mine = access.locked(room.pk, by)
    if not mine.may_invite:
        raise Refused(MAY_NOT_INVITE)
    # In one sentence, whichever it is: nobody learns here who has blocked them.
    theirs = access.of(access.seen_by(person).get(pk=room.pk), person)
    if theirs.is_banned or not access.may_write_to(by, person):
        raise Refused(_("%(name)s cannot be invited.") % {"name": person.username})
    if not theirs.is_member:
        Membership.join(room.pk, person.pk)
        publishing.notify_after_commit(Notice(person.pk, "rooms"))


def star(mine: Access, is_on: bool) -> None:
    """Have the room starred, in all tabs of the person. Raises Refused for who is not in it."""
    _prefer(mine, is_starred=is_on)


def tell(mine: Access, level: str) -> None:
    """Have the person told of what `level`, a Level, says. Raises Refused for who is not in the room."""
    _prefer(mine, level=level, **({"mentions": 0} if level == Level.NOTHING else {}))


def _prefer(mine: Access, **preferences: Any) -> None:
    if not Membership.objects.filter(room=mine.room, person=mine.person).update(**preferences):
        raise Refused(_("You are not in this room."))
    publishing.notify_after_commit(Notice(mine.person_id or 0, "rooms"))


@transaction.atomic
def make_invitation(room: Room, by: Person, expires_at: datetime | None, most_uses: int | None) -> Invitation:
    """A link into the room. Raises Refused where `by` may not invite, or the room has too many."""
    mine = access.locked(room.pk, by)
    if not mine.may_invite:
        raise Refused(MAY_NOT_INVITE)
    if Invitation.objects.usable().filter(room=room).count() >= MOST_INVITATIONS:
        problem = ngettext(
            "There is %(most)s link into this room. Revoke it first.",
            "There are %(most)s links into this room. Revoke one first.",
            MOST_INVITATIONS,
        )
        raise Refused(problem % {"most": MOST_INVITATIONS})
    Invitation.objects.filter(room=room).exclude(pk__in=Invitation.objects.usable()).delete()
    return Invitation.objects.create(room=mine.room, by=by, expires_at=expires_at, most_uses=most_uses)


def invitations_for(mine: Access) -> QuerySet[Invitation]:
    """The links into the room that still lead there, the newest first: one's own, and to whoever
    keeps order all."""
    links = Invitation.objects.usable().filter(room=mine.room)
    if not mine.keeps_order:
        links = links.filter(by=mine.person)
    return links.select_related("by").order_by("-pk")


def feed_token(mine: Access) -> str | None:
    """What the secret link to the room's feed that who asks has made holds, if they have one."""
    own = Membership.objects.filter(room=mine.room, person=mine.person)
    return own.values_list("feed_token", flat=True).first()


def open_feed(mine: Access) -> None:
    """Make a secret link to the room's feed for who asks, in place of the one they had. It ends with
    their membership. Raises Refused for who is not in the room, and in a direct one."""
    _set_feed(mine, new_token())


def close_feed(mine: Access) -> None:
    """Have the secret link lead nowhere any more. Raises as `open_feed`."""
    _set_feed(mine, None)


def _set_feed(mine: Access, token: str | None) -> None:
    own = Membership.objects.filter(room=mine.room, person=mine.person)
    if not mine.has_feed or not own.update(feed_token=token):
        raise Refused(_("You are not in this room.") if mine.has_feed else _("This room has no feed."))


@transaction.atomic
def leave(room: Room, person: Person) -> None:
    """Leave the room; the person's tabs there close. Raises Refused in a direct room, which its people
    keep, and for the only owner of a private one while others are in it. An open room can be
    without: administrators keep order there."""
    mine = access.locked(room.pk, person)
    if not mine.is_member:
        return
    if room.kind == Kind.DIRECT:
        raise Refused(_("A direct conversation stays with its people. You can have it tell you nothing."))
    others = Membership.objects.filter(room=room).exclude(person=person)
    is_last = mine.role == Role.OWNER and not others.filter(role=Role.OWNER).exists()
    if room.kind == Kind.PRIVATE and is_last and others.exists():
        raise Refused(_("A room needs an owner: make somebody else one first."))
    expel(mine.room, person, _("You left this room."))


def expel(room: Room, person: Person, why: str) -> None:
    """End the membership of `person` in `room`, a room that is locked, and with it their tabs there,
    which are told `why`, and the links they have made into it."""
    Invitation.objects.filter(room=room, by=person).delete()
    changes.expel(room, person, why)


def block(person: Person, other: Person) -> None:
    """Have `person` hear no more from `other`. Raises Refused where that makes no sense."""
    if other.pk == person.pk:
        raise Refused(_("You cannot block yourself."))
    if person.blocks.count() >= MOST_BLOCKS:
        problem = ngettext(
            "You have blocked %(most)s person. Unblock somebody first.",
            "You have blocked %(most)s people. Unblock somebody first.",
            MOST_BLOCKS,
        )
        raise Refused(problem % {"most": number(MOST_BLOCKS)})
    Block.objects.get_or_create(person=person, blocked=other)


def unblock(person: Person, other: Person) -> None:
    Block.objects.filter(person=person, blocked=other).delete()
