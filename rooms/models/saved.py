from django.db import models


class Saved(models.Model):
    """That a person keeps a message at hand for themselves."""

    person = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="saved")
    message = models.ForeignKey("Message", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint("person", "message", name="saved_once")]

    def __str__(self) -> str:
        return f"{self.message_id} by {self.person_id}"
