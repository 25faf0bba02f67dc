from django.db import models


class Act(models.Model):
    """Something done to keep order: who did what to whom, where, why and when. Never changed."""

    class What(models.TextChoices):
        DELETED = "deleted", "Deleted a message"
        REMOVED = "removed", "Removed from the room"
        BANNED = "banned", "Banned"
        UNBANNED = "unbanned", "Lifted a ban"
        ROLE = "role", "Changed a role"
        RENAMED = "renamed", "Renamed the room"
        ARCHIVED = "archived", "Archived the room"
        RESTORED = "restored", "Restored the room"
        CLOSED = "closed", "Closed the room to posting"
        OPENED = "opened", "Opened the room to posting"
        SLOWED = "slowed", "Set slow mode"
        KEEPS = "keeps", "Set how long messages are kept"
        REPORTED = "reported", "Reported a message"
        DISMISSED = "dismissed", "Dismissed a report"
        DISABLED = "disabled", "Closed the account"
        ENABLED = "enabled", "Opened the account again"

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    by = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")
    what = models.CharField(max_length=10, choices=What.choices)
    room = models.ForeignKey("Room", null=True, on_delete=models.SET_NULL, related_name="+")
    person = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")  # to whom
    seq = models.PositiveBigIntegerField(null=True)  # of the message
    why = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"{self.by_id} {self.what} {self.person_id or ''} {self.room_id or ''}".strip()
