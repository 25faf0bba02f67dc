from django.db import models


class Block(models.Model):
    """That a person does not want to hear from another."""

    person = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="blocks")
    blocked = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="blocked_by")

    class Meta:
        constraints = [models.UniqueConstraint("person", "blocked", name="blocked_once")]

    def __str__(self) -> str:
        return f"{self.blocked_id} by {self.person_id}"
