from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from .room import Room

GROUP_WITHIN = timedelta(minutes=5)


class MessageQuerySet(models.QuerySet["Message"]):
    def page_before(self, room: "Room", before: int | None = None, size: int = 50) -> Sequence["Message"]:
        """The newest `size` messages with a seq below `before` (of all, if None), oldest first."""
        page = self._of(room).order_by("-seq")
        if before is not None:
            page = page.filter(seq__lt=before)
        return _in(room, page[:size])[::-1]

    def changed_since(self, room: "Room", version: int, most: int) -> Sequence["Message"]:
        """Up to `most` messages whose last change came after `version`, in order of change."""
        return _in(room, self._of(room).filter(version__gt=version).order_by("version")[:most])

    def _of(self, room: "Room") -> "MessageQuerySet":
        return self.filter(room=room).select_related("author")


def _in(room: "Room", messages: Iterable["Message"]) -> list["Message"]:
    found = list(messages)
    for message in found:
        message.room = room  # each would ask the database for it
    return found


class Message(models.Model):
    """What somebody said in a room."""

    BODY_LENGTH = 4000

    room = models.ForeignKey("Room", on_delete=models.CASCADE, db_index=False)
    author = models.ForeignKey("Person", on_delete=models.PROTECT, db_index=False)
    seq = models.PositiveBigIntegerField()
    version = models.PositiveBigIntegerField()
    at = models.DateTimeField()
    body = models.TextField()
    html = models.TextField()  # the body as it is shown
    # Of the message before it in the room; what a day line and grouping go by.
    previous_at = models.DateTimeField(null=True)
    follows_author = models.BooleanField(default=False)
    # The sender's own name for this message: what is sent again under it is not said again.
    key = models.CharField(max_length=64, null=True)
    deleted_at = models.DateTimeField(null=True)  # its place is kept, and its text is gone

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("room", "seq", name="one_message_per_seq"),
            models.UniqueConstraint("room", "version", name="one_message_per_version"),
            models.UniqueConstraint(
                "room", "key", "author", name="said_once", condition=models.Q(key__isnull=False)
            ),
        ]
        indexes = [
            models.Index("author", "room", "seq", name="of_author"),
            models.Index("room", "at", name="by_time"),  # the oldest, which a room may not keep
        ]

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"

    @property
    def starts_day(self) -> bool:
        """Whether it is the first of its day, in the current time zone."""
        from django.utils.timezone import localdate

        return self.previous_at is None or localdate(self.at) != localdate(self.previous_at)

    @property
    def is_grouped(self) -> bool:
        """Whether it goes on where the same author left off a moment before."""
        return (
            self.follows_author
            and self.previous_at is not None
            and self.at - self.previous_at < GROUP_WITHIN
            and not self.starts_day
        )
