"""Invitations: links into a room, or to sign up at the site."""

from typing import Any

from django.db import transaction
from django.db.models import F

from rooms import access, publishing
from rooms.events import Notice
from rooms.models import Invitation, Membership, Person

SESSION_KEY = "invitation"


def usable(token: str) -> Invitation | None:
    """The invitation of this token, unless it is used up, past its time, or nobody's."""
    if "\0" in token:  # PostgreSQL takes no question about it
        return None
    return Invitation.objects.usable().select_related("room", "by").filter(token=token).first()


def admits(invitation: Invitation | None) -> bool:
    """Whether one may sign up by it, where that takes an invitation. A guest's is none: whoever comes
    as a guest would make their own."""
    return invitation is not None and (invitation.room is None or _is_by_account(invitation))


def _is_by_account(invitation: Invitation) -> bool:
    return invitation.by is not None and not invitation.by.is_guest


def leads_in(invitation: Invitation, person: Person | None) -> bool:
    """Whether it leads `person`, or a stranger, where it says: as far as one can tell before they go."""
    if invitation.room_id and person is not None:
        theirs = access.of(access.seen_by(person).get(pk=invitation.room_id), person)
        if theirs.is_member or theirs.is_banned:
            return theirs.is_member and not theirs.is_banned
    return _may_bring_in(invitation)


def accept(invitation: Invitation, person: Person, signs_up: bool = False) -> bool:
    """Let `person` in where it leads, and count that; whoever is in already does not use it up,
    unless they sign up by it.

    Returns whether they are in: it may have been used up in this very moment, and it leads nowhere
    for who is banned, nor once who made it could not invite any more.
    """
    with transaction.atomic():
        if invitation.room_id:
            # The lock orders all who come into the room: nobody who comes twice at once uses it twice.
            theirs = access.locked(invitation.room_id, person)
            if theirs.is_member and not signs_up:
                return True
            if theirs.is_banned:
                return False
        if person.is_banned or not _may_bring_in(invitation):
            return False
        uses = Invitation.objects.usable().filter(pk=invitation.pk)
        if not uses.update(uses=F("uses") + 1):
            return False
        if invitation.room_id:
            Membership.join(invitation.room_id, person.pk)
            publishing.notify_after_commit(Notice(person.pk, "rooms"))
        return True


def _may_bring_in(invitation: Invitation) -> bool:
    """Whether who made it is still here, and may still invite."""
    by = invitation.by
    if by is None or not by.is_active or by.is_banned:
        return False
    return not invitation.room_id or access.of(access.seen_by(by).get(pk=invitation.room_id), by).may_invite


def remember(session: Any, invitation: Invitation) -> None:
    """Keep it for whoever has yet to sign up."""
    session[SESSION_KEY] = invitation.token


def remembered(session: Any) -> Invitation | None:
    token = session.get(SESSION_KEY)
    return usable(token) if token else None


def forget(session: Any) -> None:
    session.pop(SESSION_KEY, None)
