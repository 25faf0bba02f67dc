from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .invitation import new_token


class ExportQuerySet(models.QuerySet["Export"]):
    def unfinished(self) -> "ExportQuerySet":
        return self.filter(state__in=[Export.State.WAITING, Export.State.RUNNING])


class Export(models.Model):
    """A room as a file, made for one person: waited for, being made, there to be taken, or failed."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Being made")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    room = models.ForeignKey("Room", on_delete=models.CASCADE)
    person = models.ForeignKey("Person", on_delete=models.CASCADE)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    done = models.PositiveBigIntegerField(default=0)  # ticks of the room's clock that are in it
    total = models.PositiveBigIntegerField(default=0)  # ticks that are to be
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)  # when it was made, or failed
    size = models.PositiveBigIntegerField(default=0)  # bytes
    why = models.CharField(max_length=200, blank=True)  # it failed

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "room",
                "person",
                name="exported_once_at_a_time",
                condition=models.Q(state__in=["waiting", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room_id} for {self.person_id}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def percent(self) -> int:
        return 100 * min(self.done, self.total) // self.total if self.total else 0

    @property
    def path(self) -> Path:
        """Where the file is, once it is made."""
        return Path(settings.EXPORTS_DIR) / f"{self.token}.zip"
