from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .invitation import new_token

UNSENT_KEPT = timedelta(hours=6)  # for who is still writing what goes with it


class FileQuerySet(models.QuerySet["File"]):
    def unsent_of(self, person_id: int) -> "FileQuerySet":
        """Those that this person has sent up, and no message has yet."""
        return self.filter(person=person_id, message=None, dropped_at=None)

    def nobodys(self) -> "FileQuerySet":
        """Those that no message has any more, or will have."""
        is_old = models.Q(at__lt=timezone.now() - UNSENT_KEPT)
        return self.filter(is_old | models.Q(dropped_at__isnull=False), message=None)

    def unmade(self) -> "FileQuerySet":
        """Pictures that are still to be made, of those that a message has."""
        return self.filter(state=File.State.WAITING, message__isnull=False)


class File(models.Model):
    """A file that hangs on a message. While it has no message it is not sent yet, or is to be deleted:
    what there is of it in the storage goes first, this record of it last."""

    NAME_LENGTH, CAPTION_LENGTH = 120, 300

    class Kind(models.TextChoices):
        PICTURE = "picture", _("Picture")
        AUDIO = "audio", _("Audio")
        VIDEO = "video", _("Video")
        OTHER = "other", _("Other")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")  # for what is shown of it to be made
        READY = "ready", _("Ready")

    token = models.CharField(max_length=32, unique=True, default=new_token, editable=False)
    # Where its message goes, for good or with its room, the file is found and deleted by that.
    message = models.ForeignKey("Message", null=True, on_delete=models.SET_NULL, related_name="files")
    person = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")
    place = models.PositiveSmallIntegerField(default=0)  # among the files of its message
    name = models.CharField(max_length=NAME_LENGTH)
    caption = models.CharField(max_length=CAPTION_LENGTH, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    type = models.CharField(max_length=50)  # its media type, as it is handed out
    size = models.PositiveBigIntegerField()  # bytes
    width = models.PositiveIntegerField(default=0)  # pixels of a picture
    height = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    attempts = models.PositiveSmallIntegerField(default=0)  # to make what is shown of it
    at = models.DateTimeField(default=timezone.now)
    dropped_at = models.DateTimeField(null=True)  # from when on it is to be deleted

    objects = FileQuerySet.as_manager()

    class Meta:
        indexes = [models.Index("at", name="files_nobodys", condition=models.Q(message=None))]

    def __str__(self) -> str:
        return self.token

    # In the storage. By its token alone: whatever became of the record, what is there can be deleted.

    @property
    def stored(self) -> str:
        return f"files/{self.token[:2]}/{self.token}"

    @property
    def large(self) -> str:
        return f"{self.stored}.large.webp"

    @property
    def small(self) -> str:
        return f"{self.stored}.small.webp"
