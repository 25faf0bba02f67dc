from django.db import IntegrityError, models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from rooms.names import same_name_key, slug_for


class Kind(models.TextChoices):
    """Who may be in a room."""

    OPEN = "open", _("Open")  # listed; anyone signed in may enter
    PRIVATE = "private", _("Private")  # by invitation; nobody else knows of it
    DIRECT = "direct", _("Direct")  # between a few people; it has no name


class RoomQuerySet(models.QuerySet["Room"]):
    def at(self, slug: str) -> "RoomQuerySet":
        """The room at this part of an address, if there is one, or was before it was renamed."""
        from .former_slug import FormerSlug

        slug = slug.replace("\0", " ")  # no slug holds one, and PostgreSQL takes no question about it
        now = Room.objects.filter(slug=slug).order_by().values("pk")
        before = FormerSlug.objects.filter(slug=slug).values("room_id")
        # In one query: a room that is there and hidden costs no more time than one that is not.
        return self.filter(pk=Coalesce(models.Subquery(now), models.Subquery(before)))

    def with_people(self) -> "RoomQuerySet":
        """Each with `people`: how many have joined it."""
        from .membership import Membership

        joined = Membership.objects.filter(room=models.OuterRef("pk")).order_by().values("room")
        return self.annotate(people=Coalesce(models.Subquery(joined.values(n=models.Count("pk"))), 0))

    def liveliest_first(self) -> "RoomQuerySet":
        return self.order_by("-last_at", "name")


class Room(models.Model):
    """Where people talk. Its clock counts its changes: 1, 2, 3 …"""

    NAME_LENGTH = 60
    TOPIC_LENGTH = 250
    DESCRIPTION_LENGTH = 2000

    name = models.CharField(max_length=NAME_LENGTH)
    name_key = models.CharField(max_length=NAME_LENGTH * 4, editable=False)
    slug = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.OPEN)
    topic = models.CharField(max_length=TOPIC_LENGTH, blank=True)
    description = models.TextField(max_length=DESCRIPTION_LENGTH, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    is_closed = models.BooleanField(default=False)  # only those who keep order may post
    slow_seconds = models.PositiveIntegerField(default=0)  # between two messages of one person
    keep_days = models.PositiveIntegerField(
        null=True, blank=True
    )  # what is older is deleted; for ever, if none
    # Of a direct room: the ids of its people, in order. The same people share one room.
    people_key = models.CharField(max_length=200, null=True, unique=True, editable=False)
    clock = models.PositiveBigIntegerField(default=0)
    last_seq = models.PositiveBigIntegerField(default=0)  # of its last message that is not in a thread
    latest_seq = models.PositiveBigIntegerField(default=0)  # of its last message, in a thread or not
    access_version = models.PositiveBigIntegerField(default=0)  # the tick at which somebody last lost access
    head_version = models.PositiveBigIntegerField(default=0)  # the tick at which its head last changed
    purge_version = models.PositiveBigIntegerField(default=0)  # the tick at which messages last went
    created_at = models.DateTimeField(auto_now_add=True)
    # Of its last message, so that the next is grouped, and the lobby listed, without looking it up.
    last_at = models.DateTimeField(default=timezone.now)  # until there is one, when it was made
    last_author = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")

    objects = RoomQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-last_at", "name"], name="liveliest_first")]
        constraints = [
            # Of open rooms alone: that a name is taken would tell of a private room.
            models.UniqueConstraint("name_key", name="open_name_once", condition=models.Q(kind="open")),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("room", args=[self.slug])

    @classmethod
    def named(cls, name: str) -> "Room":
        """The open room of this name, made if there is none."""
        return cls.find_or_make(name)[0]

    @classmethod
    def find_or_make(cls, name: str) -> tuple["Room", bool]:
        """The open room of this name, made if there is none, and whether it was. `name` is as
        `clean_name` returns it; names that differ only in case or width are the same room."""
        key = same_name_key(name)
        attempts = 5
        while True:
            room = cls.objects.filter(name_key=key, kind=Kind.OPEN).first()
            if room is not None:
                return room, False
            try:
                with transaction.atomic():
                    slug = cls._free_slug(name)
                    return cls.objects.create(name=name, name_key=key, slug=slug), True
            except IntegrityError:
                # Another process made it, or took the slug, in this very moment.
                attempts -= 1
                if not attempts:
                    raise

    @classmethod
    def hidden(cls, name: str, kind: str, people_key: str | None = None) -> "Room":
        """A new private or direct room. Nothing of it can be guessed: others may have its name,
        and its address holds 60 random bits."""
        return cls.objects.create(
            name=name,
            name_key=same_name_key(name),
            slug=cls._hidden_slug(name),
            kind=kind,
            people_key=people_key,
        )

    def rename(self, name: str) -> None:
        """Take `name`, clean, and an address that goes with it; does not save."""
        self.name, self.name_key = name, same_name_key(name)
        if self.kind != Kind.OPEN:
            self.slug = self._hidden_slug(name)
        elif slug_for(name) != slug_for(self.slug):
            self.slug = self._free_slug(name, self)

    @staticmethod
    def _hidden_slug(name: str) -> str:
        return f"{slug_for(name)[:60]}-{get_random_string(10)}" if name else get_random_string(16)

    @classmethod
    def _free_slug(cls, name: str, room: "Room | None" = None) -> str:
        from .former_slug import FormerSlug

        slug = slug_for(name)
        taken = set(cls.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
        former = FormerSlug.objects.filter(slug__startswith=slug).exclude(room=room)
        taken.update(former.values_list("slug", flat=True))
        candidates = (slug if n == 1 else f"{slug}-{n}" for n in range(1, len(taken) + 2))
        return next(candidate for candidate in candidates if candidate not in taken)


def group_of(room_id: int) -> str:
    """The name of a room's Redis group."""
    return f"room-{room_id}"


def people_of(people_key: str | None) -> list[int]:
    """The ids of the people of the direct room that has this `people_key`; no other room has one."""
    return [int(pk) for pk in (people_key or "").split()]
