"""Invitations: links into a room, or to sign up at the site."""

from typing import Any

from django.db import transaction
from django.db.models import F

from rooms import access, changes
from rooms.events import Notice
from rooms.models import Invitation, Membership, Person

SESSION_KEY = "invitation"


def usable(token: str) -> Invitation | None:
    """The invitation of this token, unless it is used up, past its time, or nobody's."""
    if "\0" in token:  # PostgreSQL takes no question about it
        return None
    return Invitation.objects.usable().select_related("room", "by").filter(token=token).first()


def accept(invitation: Invitation, person: Person) -> bool:
    """Let `person` in where it leads, and count that; whoever is in already does not use it up.

    Returns whether they are in: it may have been used up, or revoked, in this very moment, and does
    not lead past a ban.
    """
    with transaction.atomic():
        if invitation.room_id:
            # The room first, as everywhere: who is removed while others are let in waits for them,
            # and not each for the other.
            theirs = access.locked(invitation.room_id, person)
            if theirs.is_banned:
                return False
            if theirs.is_member:
                return True
        # The lock orders all who accept it: neither two of them nor one twice take one use.
        Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
        uses = Invitation.objects.usable().filter(pk=invitation.pk)
        if not uses.update(uses=F("uses") + 1):
            return False
        if invitation.room_id:
            Membership.join(invitation.room_id, person.pk)
            changes.notify_after_commit(Notice(person.pk, "rooms"))
        return True


def remember(session: Any, invitation: Invitation) -> None:
    """Keep it for whoever has yet to sign up."""
    session[SESSION_KEY] = invitation.token


def remembered(session: Any) -> Invitation | None:
    token = session.get(SESSION_KEY)
    return usable(token) if token else None


def forget(session: Any) -> None:
    session.pop(SESSION_KEY, None)
