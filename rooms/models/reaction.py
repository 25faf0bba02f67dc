from django.db import models


class Reaction(models.Model):
    """That a person answers a message with an emoji."""

    message = models.ForeignKey("Message", on_delete=models.CASCADE, related_name="reactions", db_index=False)
    person = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="+")
    emoji = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint("message", "emoji", "person", name="reacted_once")]

    def __str__(self) -> str:
        return f"{self.emoji} by {self.person_id}"
