from django.db import models
from django.utils.translation import gettext_lazy as _


class Act(models.Model):
    """Something done to keep order: who did what to whom, where, why and when. Never changed."""

    class What(models.TextChoices):
        DELETED = "deleted", _("Deleted a message")
        REMOVED = "removed", _("Removed from the room")
        BANNED = "banned", _("Banned")
        UNBANNED = "unbanned", _("Lifted a ban")
        ROLE = "role", _("Changed a role")
        RENAMED = "renamed", _("Renamed the room")
        ARCHIVED = "archived", _("Archived the room")
        RESTORED = "restored", _("Restored the room")
        CLOSED = "closed", _("Closed the room to posting")
        OPENED = "opened", _("Opened the room to posting")
        SLOWED = "slowed", _("Set slow mode")
        KEEPS = "keeps", _("Set how long messages are kept")
        REPORTED = "reported", _("Reported a message")
        DISMISSED = "dismissed", _("Dismissed a report")
        DISABLED = "disabled", _("Closed the account")
        ENABLED = "enabled", _("Opened the account again")

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    by = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")
    what = models.CharField(max_length=10, choices=What.choices)
    room = models.ForeignKey("Room", null=True, on_delete=models.SET_NULL, related_name="+")
    person = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")  # to whom
    seq = models.PositiveBigIntegerField(null=True)  # of the message
    why = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.by_id} {self.what} {self.person_id or ''} {self.room_id or ''}".strip()
