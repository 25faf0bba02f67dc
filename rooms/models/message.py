from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.formats import get_format, time_format
from django.utils.timezone import get_current_timezone, localdate, localtime
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from .room import Room

MOST_NAMED = 10  # people of a reaction
GROUP_WITHIN = timedelta(minutes=5)
SHOWN = [
    "room",
    "author__username",
    "seq",
    "version",
    "at",
    "html",
    "previous_at",
    "follows_author",
    "deleted_at",
    "edited_at",
    "thread_seq",
    "extras",
]


class MessageQuerySet(models.QuerySet["Message"]):
    def page_before(self, room: "Room", before: int | None = None, size: int = 50) -> Sequence["Message"]:
        """The newest `size` messages with a seq below `before` (of all, if None), oldest first."""
        page = self._shown_in(room).order_by("-seq")
        if before is not None:
            page = page.filter(seq__lt=before)
        return apart(in_room(room, page[:size])[::-1])

    def page_after(self, room: "Room", after: int, size: int = 50) -> Sequence["Message"]:
        """The oldest `size` messages with a seq above `after`, oldest first."""
        return apart(in_room(room, self._shown_in(room).filter(seq__gt=after).order_by("seq")[:size]))

    def of_thread(self, seq: int) -> "MessageQuerySet":
        """Those in the thread under the message with that seq; with 0, those that are in none."""
        return self.filter(thread_seq=seq or None)

    def changed_since(self, room: "Room", version: int, most: int) -> Sequence["Message"]:
        """Up to `most` messages whose last change came after `version`, in order of change."""
        return in_room(room, self._of(room).filter(version__gt=version).order_by("version")[:most])

    def to_show(self) -> "MessageQuerySet":
        """With their authors, and no more than it takes to show them."""
        return self.select_related("author").only(*SHOWN)

    def _shown_in(self, room: "Room") -> "MessageQuerySet":
        return self.filter(room=room).to_show()

    def _of(self, room: "Room") -> "MessageQuerySet":
        return self.filter(room=room).select_related("author")


def apart(messages: list["Message"]) -> list["Message"]:
    """`messages`, which are shown one after another, the oldest first: where one thread, or the room itself,
    goes on after another, the next goes by what stands above it, not by what was said before it there."""
    if any(message.thread_seq for message in messages):
        for before, message in pairwise(messages):
            if before.thread_seq != message.thread_seq:
                message.previous_at, message.follows_author = before.at, False
    return messages


def in_room(room: "Room", messages: Iterable["Message"]) -> list["Message"]:
    """`messages`, which are of `room`: each would ask the database for it, and for whom it answers."""
    found = list(messages)
    for message in found:
        message.room = room
    name_people(found)
    return found


def name_people(messages: Iterable["Message"]) -> None:
    """Have each message know the names of those whom it shows beside its author; one query for every 500
    of them, and none where there are none."""
    from .person import Person

    shown = [(message, message.people) for message in messages if message.extras]
    ids = sorted({pk for _, people in shown for pk in people})
    names: dict[int, str] = {}
    for start in range(0, len(ids), 500):
        some = Person.objects.filter(pk__in=ids[start : start + 500])
        names.update(some.values_list("pk", "username"))
    for message, people in shown:
        message.names = {pk: names[pk] for pk in people if pk in names}


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
    # The version of rooms.markup that made it so; 0: of a time when bodies were plain text.
    markup = models.PositiveSmallIntegerField(default=0)
    # Of the message before it in the room, or in its thread; what a day line and grouping go by.
    previous_at = models.DateTimeField(null=True)
    follows_author = models.BooleanField(default=False)
    # The sender's own name for this message: what is sent again under it is not said again.
    key = models.CharField(max_length=64, null=True)
    deleted_at = models.DateTimeField(null=True)  # its place is kept, and its text is gone
    edited_at = models.DateTimeField(null=True)
    reply_seq = models.PositiveBigIntegerField(null=True)  # of the message in the same room that it answers
    thread_seq = models.PositiveBigIntegerField(null=True)  # of the message in the same room that it is under
    extras = models.JSONField(null=True)  # what hangs on it, ready to be shown: see rooms.extras

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
            models.Index("room", "reply_seq", name="replies_to", condition=models.Q(reply_seq__isnull=False)),
            models.Index(
                "room", "thread_seq", "seq", name="in_thread", condition=models.Q(thread_seq__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"

    # Set on the message that a page is about, and on one above which a page shows nothing.
    is_here = False
    is_topmost = False
    names: Mapping[int, str] = MappingProxyType({})  # of its `people`, by id

    @property
    def starts_day(self) -> bool:
        """Whether it is the first of its day, in the current time zone, or on its page."""
        return self.starts_day_in(get_current_timezone())

    def starts_day_in(self, zone: tzinfo) -> bool:
        if self.is_topmost or self.previous_at is None:
            return True
        return self.at.astimezone(zone).date() != self.previous_at.astimezone(zone).date()

    @property
    def is_grouped(self) -> bool:
        """Whether it goes on, on the same day, where the same author left off a moment before."""
        return self.goes_on and not self.starts_day

    @property
    def goes_on(self) -> bool:
        """Whether it goes on where the same author left off a moment before, be it the day before."""
        return (
            self.follows_author
            and self.previous_at is not None
            and self.at - self.previous_at < GROUP_WITHIN
            and not self.answered
        )

    @property
    def shown(self) -> tuple[object, ...]:
        """All that its HTML is made of, beside the time zone."""
        return (
            self.room.slug,
            self.seq,
            self.author_id,
            self.author.username,
            self.at,
            self.previous_at,
            self.follows_author,
            self.deleted_at is None,
            self.edited_at is None,
            self.html,
            self.thread_seq,
            self.extras and repr(self.extras),
            tuple(self.names.items()),
            self.is_here,
            self.is_topmost,
        )

    # As text, which costs a template far less than its own filters do.

    @property
    def time(self) -> str:
        return clock(localtime(self.at))

    @property
    def isotime(self) -> str:
        return localtime(self.at).isoformat()

    @property
    def tint(self) -> str:
        return str(self.author_id)[-1]

    @property
    def day_url(self) -> str:
        """Of the page with all of its day, in the current time zone."""
        return reverse("day", args=[self.room.slug, localdate(self.at)])

    @property
    def answered(self) -> dict[str, Any]:
        """The message that it answers, as it is quoted; empty, if it answers none."""
        return (self.extras or {}).get("reply", {})

    @property
    def answered_url(self) -> str:
        return f"{_messages_url(self.room.slug)}{self.answered['seq']}/"

    @property
    def thread_url(self) -> str:
        """Of the thread that is under it, or that it is in."""
        return f"{_messages_url(self.room.slug)}{self.thread_seq or self.seq}/thread/"

    @property
    def thread_at(self) -> datetime | None:
        """When something was last said under it, in the current time zone; None if nothing was."""
        thread = (self.extras or {}).get("thread")
        return localtime(datetime.fromisoformat(thread["at"])) if thread else None

    @property
    def answered_name(self) -> str:
        return self.names.get(self.answered["author"], "")

    @property
    def reacted(self) -> list[tuple[str, int, str, str]]:
        """The reactions as they are shown: each emoji, how many people, the first of their ids, and of
        their names."""
        return [
            (emoji, count, " ".join(map(str, ids)), self._names_of(ids, count))
            for emoji, count, ids in self._reactions
        ]

    @property
    def people(self) -> list[int]:
        """The ids of those whom it shows beside its author: whom it answers, and who reacted first."""
        answered = [self.answered["author"]] if self.answered else []
        return answered + [pk for _, _, ids in self._reactions for pk in ids[:MOST_NAMED]]

    @property
    def _reactions(self) -> list[tuple[str, int, list[int]]]:
        return (self.extras or {}).get("reactions", [])

    def _names_of(self, ids: Sequence[int], count: int) -> str:
        names = [self.names[pk] for pk in ids[:MOST_NAMED] if pk in self.names]
        listed, more = ", ".join(names), count - len(names)
        return _("%(names)s and %(count)s more") % {"names": listed, "count": more} if more else listed

    def get_absolute_url(self) -> str:
        return f"{_messages_url(self.room.slug)}{self.seq}/"


def clock(at: datetime) -> str:
    """The time of the day, as it is written in the language of the site."""
    return _clock(settings.LANGUAGE_CODE, at.hour, at.minute)


@lru_cache(maxsize=24 * 60)
def _clock(language: str, hour: int, minute: int) -> str:
    return time_format(time(hour, minute), get_format("TIME_FORMAT", language))


@lru_cache(maxsize=1024)
def _messages_url(slug: str) -> str:
    return reverse("message", args=[slug, 0]).removesuffix("0/")
