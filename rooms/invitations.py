"""Invitations: links into a room, or to sign up at the site."""

from typing import Any

from django.db import transaction
from django.db.models import F

from rooms.models import Invitation, Membership, Person

SESSION_KEY = "invitation"


def usable(token: str) -> Invitation | None:
    """The invitation of this token, unless it is used up, past its time, or nobody's."""
    if "\0" in token:  # PostgreSQL takes no question about it
        return None
    return Invitation.objects.usable().select_related("room", "by").filter(token=token).first()


def accept(invitation: Invitation, person: Person) -> bool:
    """Let `person` in where it leads, and count that; whoever is in already does not use it up.

    Returns whether they are in: it may have been used up in this very moment.
    """
    with transaction.atomic():
        # The lock orders all who accept it: neither two of them nor one twice take one use.
        Invitation.objects.select_for_update().filter(pk=invitation.pk).first()
        if invitation.room_id and _is_in(invitation.room_id, person):
            return True
        uses = Invitation.objects.usable().filter(pk=invitation.pk)
        if not uses.update(uses=F("uses") + 1):
            return False
        if invitation.room_id:
            Membership.join(invitation.room_id, person.pk)
        return True


def _is_in(room_id: int, person: Person) -> bool:
    return Membership.objects.filter(room=room_id, person=person).exists()


def remember(session: Any, invitation: Invitation) -> None:
    """Keep it for whoever has yet to sign up."""
    session[SESSION_KEY] = invitation.token


def remembered(session: Any) -> Invitation | None:
    token = session.get(SESSION_KEY)
    return usable(token) if token else None


def forget(session: Any) -> None:
    session.pop(SESSION_KEY, None)
