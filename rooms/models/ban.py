from django.db import models
from django.utils import timezone


class BanQuerySet(models.QuerySet["Ban"]):
    def in_force(self) -> "BanQuerySet":
        return self.filter(models.Q(until=None) | models.Q(until__gt=timezone.now()))


class Ban(models.Model):
    """That a person may not enter a room or, where no room is named, this site."""

    room = models.ForeignKey("Room", null=True, on_delete=models.CASCADE, related_name="bans")
    person = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="bans")
    by = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField(null=True, blank=True)  # for ever, if it is not said

    objects = BanQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("room", "person", name="banned_once"),
            models.UniqueConstraint(
                "person", name="banned_from_site_once", condition=models.Q(room__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} from {self.room_id or 'the site'}"
