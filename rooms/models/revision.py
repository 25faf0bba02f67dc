from django.db import models


class Revision(models.Model):
    """What a message said before it was edited."""

    message = models.ForeignKey("Message", on_delete=models.CASCADE, related_name="revisions")
    at = models.DateTimeField()  # from when on it said so
    body = models.TextField()

    def __str__(self) -> str:
        return f"{self.message_id} from {self.at}"
