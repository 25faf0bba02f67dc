"""Bringing the index up to date with the messages, where it is not: those that are older than it, and
what other programs have done to the database."""

from collections.abc import Iterator

from django.db import transaction

from rooms import statements
from rooms.models import Message
from rooms.search import index

BATCH = 500  # messages a transaction; who wants to write waits for that long


def is_complete() -> bool:
    """Whether all messages are in the index. It is filled from the newest back, so the oldest tells."""
    oldest = Message.objects.filter(deleted_at=None).order_by("pk").first()
    return oldest is None or bool(index.backend().among([index.place_of(oldest.at, oldest.pk)]))


def fill(*, anew: bool = False) -> Iterator[int]:
    """Put in what is missing or, `anew`, everything, from the newest message back; how many messages
    were looked at comes after each batch, which is then committed."""
    before = index.LAST
    while True:
        with transaction.atomic():
            newest = list(
                Message.objects.filter(pk__lt=before).order_by("-pk").values_list("pk", "room")[:BATCH]
            )
            # Locked: who changes one of them now waits, and then puts it in or takes it out.
            rooms = statements.locked_rooms({room_id for _, room_id in newest})
            messages = list(Message.objects.filter(pk__in=[pk for pk, _ in newest]))
            for message in messages:
                message.room = rooms[message.room_id]
            there = set() if anew else index.backend().among([_place(message) for message in messages])
            index.put(message for message in messages if _place(message) not in there)
        if not newest:
            break
        yield len(newest)
        before = newest[-1][0]


def sweep() -> Iterator[int]:
    """Take out what is no message any more; how much that was comes after each batch."""
    place = -1
    while places := index.backend().next_places(place, BATCH):
        with transaction.atomic():
            ids = [index.message_at(place) for place in places]
            said = Message.objects.filter(pk__in=ids, deleted_at=None)
            there = {index.place_of(at, pk) for at, pk in said.values_list("at", "pk")}
            gone = [place for place in places if place not in there]
            index.backend().remove(gone)
        yield len(gone)
        place = places[-1]


def _place(message: Message) -> int:
    return index.place_of(message.at, message.pk)
