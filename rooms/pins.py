"""Messages that are kept at hand: for everybody in a room, and for oneself."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rooms import access, changes
from rooms.access import Access, Refused
from rooms.events import Change
from rooms.models import Message, Person, Pin, Room, Saved
from rooms.models.message import in_room, name_people

MOST_PINNED = 100  # in one room
MOST_SAVED = 500  # of one person


def pin(message: Message, by: Person, *, is_on: bool) -> Change | None:
    """Keep `message` at hand in its room, or no longer. Returns the change, if it is one. Raises Refused."""

    def pin_or_not(mine: Access, message: Message) -> list[str] | None:
        if message.deleted_at is not None or not mine.may_pin:
            raise Refused(_("You cannot pin this message."))
        pinned = Pin.objects.filter(room=message.room)
        if is_on == pinned.filter(message=message).exists():
            return None
        if not is_on:
            pinned.filter(message=message).delete()
        elif pinned.count() >= MOST_PINNED:
            problem = ngettext(
                "%(most)s pinned message is the most in one room.",
                "%(most)s pinned messages are the most in one room.",
                MOST_PINNED,
            )
            raise Refused(problem % {"most": MOST_PINNED})
        else:
            Pin.objects.create(room=message.room, message=message, by=by)
        return []

    return changes.alter(message, by, pin_or_not)


def pinned(room: Room) -> Sequence[Message]:
    """What is pinned in `room`, the newest pin first."""
    return in_room(room, Message.objects.filter(room=room, pin__isnull=False).to_show().order_by("-pin__pk"))


def save(message: Message, by: Person, *, is_on: bool) -> None:
    """Keep `message`, which `by` may see, at hand for them alone, or no longer. Raises Refused."""
    own = Saved.objects.filter(person=by)
    if not is_on:
        own.filter(message=message).delete()
    elif message.deleted_at is not None:
        raise Refused(_("This message was deleted."))
    elif own.count() >= MOST_SAVED:
        problem = ngettext(
            "You have saved %(most)s message: please let some go first.",
            "You have saved %(most)s messages: please let some go first.",
            MOST_SAVED,
        )
        raise Refused(problem % {"most": MOST_SAVED})
    else:
        try:
            with transaction.atomic():
                Saved.objects.create(person=by, message=message)
        except IntegrityError:
            pass  # it is saved already


def saved(person: Person) -> Sequence[Message]:
    """What `person` has saved and may still see, the newest first."""
    visible = access.visible_to(person).values("pk")
    kept = Saved.objects.filter(person=person, message__room__in=visible, message__deleted_at=None)
    found = kept.select_related("message__author", "message__room").order_by("-pk")
    messages = [one.message for one in found]
    name_people(messages)
    return messages
