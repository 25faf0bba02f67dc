from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """What somebody is in a room."""

    OWNER = "owner", _("Owner")
    MODERATOR = "moderator", _("Moderator")
    MEMBER = "member", _("Member")


class Level(models.TextChoices):
    """What of a room its person is told of: by a mark or a number beside it, by mail, by a sound."""

    EVERYTHING = "everything", _("Everything")
    MENTIONS = "mentions", _("Mentions and answers")
    NOTHING = "nothing", _("Nothing")


class Membership(models.Model):
    """That a person has joined a room, what they are there, and how far they have read."""

    room = models.ForeignKey("Room", on_delete=models.CASCADE)
    person = models.ForeignKey("Person", on_delete=models.CASCADE)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(auto_now_add=True)
    is_starred = models.BooleanField(default=False)
    level = models.CharField(max_length=10, choices=Level.choices, default=Level.EVERYTHING)
    read_seq = models.PositiveBigIntegerField(default=0)  # the seq of the last message they have read
    # What opens the room's feed to a reader that has no session; none, unless they asked for it.
    feed_token = models.CharField(max_length=32, null=True, unique=True, editable=False)
    mentions = models.PositiveIntegerField(
        default=0
    )  # messages since then that name or address them, as far as the level has it
    mentioned_at = models.DateTimeField(null=True)  # when the first of these came
    mailed_at = models.DateTimeField(null=True)  # when they were last told so by mail

    class Meta:
        constraints = [models.UniqueConstraint("room", "person", name="joined_once")]
        indexes = [models.Index("person", name="mentioned", condition=models.Q(mentions__gt=0))]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.room_id}"

    @staticmethod
    def join(room_id: int, *people_ids: int, role: str = Role.MEMBER) -> None:
        """Record that these people are in the room, which is new or locked; those who were stay as they
        were. To them, what was said there before is no news."""
        from .room import Room

        latest_seq = Room.objects.filter(pk=room_id).values_list("latest_seq", flat=True).first() or 0
        Membership.objects.bulk_create(
            [
                Membership(room_id=room_id, person_id=person_id, role=role, read_seq=latest_seq)
                for person_id in people_ids
            ],
            ignore_conflicts=True,
        )
