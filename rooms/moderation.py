"""Keeping order: what moderators, owners and administrators do. Each act is recorded for good.

Every function raises Refused where `by` may not do it, and takes `why` for the record: what
was said as the reason, at most 300 characters.
"""

from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rooms import access, changes, members, publishing, statements
from rooms.access import Access, Refused
from rooms.events import Notice
from rooms.files_shown import said_in
from rooms.joining import expel
from rooms.models import Act, Ban, Invitation, Kind, Membership, Message, Person, Report, Role, Room

NOT_YOURS = gettext_lazy("Only the room's moderators may do that.")
NOT_OWNER = gettext_lazy("Only the room's owners may do that.")
FOR_EVER = datetime(9999, 1, 1, tzinfo=UTC)
What = Act.What


def record(what: str, by: Person, **details: Any) -> None:
    """Keep that `by` did `what`; details are the fields of Act."""
    Act.objects.create(what=what, by=by, **details)


@transaction.atomic
def delete_message(message: Message, by: Person, why: str = "") -> None:
    """Take back a message. One's own is nobody else's business, and not recorded; what was reported
    of it stays open, for a moderator to judge."""
    is_new = changes.delete(message, by) is not None
    if message.author_id == by.pk:
        return
    if is_new:
        record(What.DELETED, by, room=message.room, person=message.author, seq=message.seq, why=why)
    _resolve(Report.objects.filter(message=message), by)


@transaction.atomic
def remove(room: Room, person: Person, by: Person, why: str = "") -> None:
    """End somebody's membership. Into an open room they may come back; a ban keeps them out."""
    mine = _above(room, person, by)
    if not Membership.objects.filter(room=room, person=person).exists():
        raise Refused(_("%(name)s is not in this room.") % {"name": person.username})
    expel(
        mine.room,
        person,
        _told(_("You were removed from this room."), _("You were removed from this room: %(reason)s"), why),
    )
    record(What.REMOVED, by, room=mine.room, person=person, why=why)


@transaction.atomic
def ban(room: Room, person: Person, by: Person, why: str, until: datetime | None = None) -> None:
    """Keep somebody out of the room until then, or for ever."""
    mine = _above(room, person, by)
    _may_lift_any(mine, person)
    Ban.objects.update_or_create(
        room=mine.room, person=person, defaults={"by": by, "reason": why, "until": until}
    )
    expel(
        mine.room,
        person,
        _told(_("You were banned from this room."), _("You were banned from this room: %(reason)s"), why),
    )
    record(What.BANNED, by, room=mine.room, person=person, why=why)


@transaction.atomic
def unban(room: Room, person: Person, by: Person) -> None:
    mine = _keeping_order(room, by)
    _may_lift_any(mine, person)
    if Ban.objects.filter(room=mine.room, person=person).delete()[0]:
        record(What.UNBANNED, by, room=mine.room, person=person)


def bans_of(room: Room) -> Any:
    """The bans from the room that are in force, each with what `may_lift` needs."""
    theirs = Membership.objects.filter(room=room, person=OuterRef("by"))
    in_force = Ban.objects.in_force().filter(room=room).select_related("by")
    return in_force.annotate(by_role=Subquery(theirs.values("role")))


def may_lift(mine: Access, ban: Any) -> bool:
    """Whether who keeps order may lift `ban`, one of `bans_of`: an owner's or an administrator's is
    for owners."""
    is_owners = ban.by_role == Role.OWNER or (ban.by is not None and ban.by.is_superuser)
    return mine.keeps_order and (mine.owns or not is_owners)


def _may_lift_any(mine: Access, person: Person) -> None:
    if not all(may_lift(mine, ban) for ban in bans_of(mine.room).filter(person=person)):
        raise Refused(_("That ban is an owner's. Only owners lift it, or set it anew."))


@transaction.atomic
def ban_from_site(person: Person, by: Person, why: str, until: datetime | None = None) -> None:
    """Sign somebody out everywhere and let them in no more, until then or for ever."""
    if not by.is_superuser or person.is_superuser:
        raise Refused(_("Only administrators ban from the site, and not each other."))
    Ban.objects.update_or_create(room=None, person=person, defaults={"by": by, "reason": why, "until": until})
    Person.objects.filter(pk=person.pk).update(banned_until=until or FOR_EVER)
    Invitation.objects.filter(by=person).delete()
    sign_out(
        person,
        _told(_("You were banned from this site."), _("You were banned from this site: %(reason)s"), why),
    )
    record(What.BANNED, by, person=person, why=why)


@transaction.atomic
def unban_from_site(person: Person, by: Person) -> None:
    if not by.is_superuser:
        raise Refused(_("Only administrators lift a ban from the site."))
    if Ban.objects.filter(room=None, person=person).delete()[0]:
        Person.objects.filter(pk=person.pk).update(banned_until=None)
        record(What.UNBANNED, by, person=person)


def sign_out(person: Person, why: str) -> None:
    """Close every tab of `person`, as soon as what is being done is committed. In each of their rooms
    that is a tick of the clock, so that no tab is given what comes later; they stay members."""
    publishing.notify_after_commit(Notice(person.pk, "ended", why=why))
    transaction.on_commit(lambda: _tick_rooms_of(person, why))


def _tick_rooms_of(person: Person, why: str) -> None:
    # One after the other: nobody in one room waits for hundreds of others.
    for room_id in list(
        Membership.objects.filter(person=person).order_by("room").values_list("room", flat=True)
    ):
        with transaction.atomic():
            changes.access_changed(statements.locked_room(room_id), person, why=why)


@transaction.atomic
def set_role(room: Room, person: Person, role: str, by: Person) -> None:
    """Make a member an owner, a moderator or a member; owners change their own role, and not each
    other's. A room keeps an owner if it has one."""
    mine = access.locked(room.pk, by)
    if not mine.owns:
        raise Refused(NOT_OWNER)
    theirs = Membership.objects.filter(room=room, person=person).first()
    if theirs is None:
        raise Refused(_("%(name)s is not in this room.") % {"name": person.username})
    if not members.may_give_role(mine, theirs):
        raise Refused(_beside(person))
    owners = Membership.objects.filter(room=room, role=Role.OWNER).exclude(person=person)
    if theirs.role == Role.OWNER and role != Role.OWNER and not owners.exists():
        raise Refused(_("A room needs an owner: make somebody else one first."))
    if theirs.role != role:
        theirs.role = role
        theirs.save(update_fields=["role"])
        changes.access_changed(mine.room)
        record(What.ROLE, by, room=room, person=person, why=Role(role).label)


@transaction.atomic
def configure(room: Room, by: Person, **fields: Any) -> None:
    """Change the room, as `changes.configure`; what moderators may change is `is_closed` and
    `slow_seconds`, the rest is for owners."""
    mine = access.locked(room.pk, by)
    if not (mine.owns if fields.keys() - {"is_closed", "slow_seconds"} else mine.keeps_order):
        raise Refused(NOT_OWNER if mine.keeps_order else NOT_YOURS)
    changed = {name: value for name, value in fields.items() if getattr(mine.room, name) != value}
    if not changed:
        return
    was = mine.room.name
    changes.configure(mine.room, **changed)
    if "archived_at" in changed and mine.room.archived_at is None:
        # A new name, and an end, are shown in the sidebars of all who hear of the change.
        publishing.tell_members_after_commit(mine.room)
    acts = {
        "name": (What.RENAMED, f"{was} → {mine.room.name}"),
        "archived_at": (What.ARCHIVED if mine.room.archived_at else What.RESTORED, ""),
        "is_closed": (What.CLOSED if mine.room.is_closed else What.OPENED, ""),
        "slow_seconds": (What.SLOWED, _seconds(mine.room.slow_seconds)),
        "keep_days": (What.KEEPS, _days(mine.room.keep_days) if mine.room.keep_days else _("For ever")),
    }
    for name, (what, details) in acts.items():
        if name in changed:
            record(what, by, room=mine.room, why=details)


@transaction.atomic
def report(message: Message, by: Person, reason: str) -> None:
    """Bring a message before the room's moderators."""
    mine = access.locked(message.room_id, by)
    message.refresh_from_db()
    if mine.room.kind == Kind.DIRECT:
        raise Refused(_("Nobody keeps order in a direct conversation. You can block who wrote it."))
    if not mine.may_enter or message.deleted_at is not None:
        raise Refused(_("This message is not there any more."))
    _report, is_new = Report.objects.get_or_create(
        message=message, by=by, defaults={"reason": reason, "quote": said_in(message)}
    )
    if is_new:
        record(What.REPORTED, by, room=mine.room, person=message.author, seq=message.seq, why=reason)


@transaction.atomic
def dismiss(report: Report, by: Person) -> None:
    """Close a report: nothing is wrong with the message, or it has been seen to."""
    message = report.message
    _keeping_order(message.room, by)
    if _resolve(Report.objects.filter(pk=report.pk), by):
        record(What.DISMISSED, by, room=message.room, person=message.author, seq=message.seq)


def reports_for(by: Person) -> QuerySet[Report]:
    """The open reports that `by` may work through, the oldest first."""
    rooms = access.visible_to(by)
    if not by.is_superuser:
        rooms = rooms.filter(mine__role__in=[Role.OWNER, Role.MODERATOR])
    reports = Report.objects.open().filter(message__room__in=rooms.values("pk"))
    return reports.select_related("message__author", "message__room", "by").order_by("at", "pk")


def _resolve(reports: Any, by: Person) -> int:
    # What was said is evidence until then, and from then on the message's author's again.
    return reports.open().update(resolved_at=timezone.now(), resolved_by=by, quote="")


def _keeping_order(room: Room, by: Person) -> Access:
    mine = access.locked(room.pk, by)
    if not mine.keeps_order:
        raise Refused(NOT_YOURS)
    return mine


def _above(room: Room, person: Person, by: Person) -> Access:
    mine = _keeping_order(room, by)
    theirs = Membership.objects.filter(room=room, person=person).first()
    if person.pk == by.pk:
        raise Refused(_("To leave a room, leave it."))
    if person.is_superuser or (theirs is not None and not mine.is_above(theirs.role)):
        raise Refused(_beside(person))
    return mine


def _beside(person: Person) -> str:
    return _("%(name)s is above you in this room, or beside you.") % {"name": person.username}


def _told(said: str, with_reason: str, reason: str) -> str:
    return with_reason % {"reason": reason} if reason else said


def _seconds(count: int) -> str:
    return ngettext("%(count)s second", "%(count)s seconds", count) % {"count": count}


def _days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}
