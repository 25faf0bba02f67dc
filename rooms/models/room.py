from django.db import IntegrityError, models, transaction
from django.db.models.functions import Coalesce
from django.utils import timezone

from rooms.names import same_name_key, slug_for


class RoomQuerySet(models.QuerySet["Room"]):
    def at(self, slug: str) -> "RoomQuerySet":
        """The room at this part of an address, if there is one."""
        # No slug holds a NUL, and PostgreSQL takes no question about one.
        return self.filter(slug=slug.replace("\0", " "))

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

    name = models.CharField(max_length=NAME_LENGTH)
    name_key = models.CharField(max_length=NAME_LENGTH * 4, unique=True, editable=False)
    slug = models.CharField(max_length=100, unique=True)
    clock = models.PositiveBigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    # Of its last message, so that the next is grouped, and the lobby listed, without looking it up.
    last_at = models.DateTimeField(default=timezone.now)  # until there is one, when it was made
    last_author = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")

    objects = RoomQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["-last_at", "name"], name="liveliest_first")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("room", args=[self.slug])

    @classmethod
    def named(cls, name: str) -> "Room":
        """The room of this name, made if there is none. `name` is as `clean_name` returns it;
        names that differ only in case or width are the same room."""
        key = same_name_key(name)
        attempts = 5
        while True:
            room = cls.objects.filter(name_key=key).first()
            if room is not None:
                return room
            try:
                with transaction.atomic():
                    return cls.objects.create(name=name, name_key=key, slug=cls._free_slug(name))
            except IntegrityError:
                # Another process made it, or took the slug, in this very moment.
                attempts -= 1
                if not attempts:
                    raise

    @classmethod
    def _free_slug(cls, name: str) -> str:
        slug = slug_for(name)
        taken = set(cls.objects.filter(slug__startswith=slug).values_list("slug", flat=True))
        candidates = (slug if n == 1 else f"{slug}-{n}" for n in range(1, len(taken) + 2))
        return next(candidate for candidate in candidates if candidate not in taken)


def group_of(room_id: int) -> str:
    """The name of a room's Redis group."""
    return f"room-{room_id}"
