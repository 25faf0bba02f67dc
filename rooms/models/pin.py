from django.db import models


class Pin(models.Model):
    """That a message is kept at hand for everybody in its room."""

    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="pins")
    message = models.OneToOneField("Message", on_delete=models.CASCADE, related_name="pin")
    by = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.message_id}"
