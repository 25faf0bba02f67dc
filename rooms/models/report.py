from django.db import models


class ReportQuerySet(models.QuerySet["Report"]):
    def open(self) -> "ReportQuerySet":
        return self.filter(resolved_at=None)


class Report(models.Model):
    """That somebody finds a message out of order, until a moderator has seen to it."""

    REASON_LENGTH = 300

    message = models.ForeignKey("Message", on_delete=models.CASCADE, related_name="reports")
    by = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="+")
    reason = models.CharField(max_length=REASON_LENGTH)
    at = models.DateTimeField(auto_now_add=True)
    quote = models.TextField()  # the message as it was then, until that is seen to
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")

    objects = ReportQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint("message", "by", name="reported_once")]
        indexes = [
            models.Index("at", name="open_reports", condition=models.Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} by {self.by_id}"
