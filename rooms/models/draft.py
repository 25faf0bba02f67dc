from django.db import models


class Draft(models.Model):
    """What a person has begun to write in a room, and not sent yet."""

    person = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="drafts")
    room = models.ForeignKey("Room", on_delete=models.CASCADE, related_name="+")
    thread_seq = models.PositiveBigIntegerField(default=0)  # of the thread; 0: the room itself
    key = models.CharField(max_length=64)  # under which it would be said
    body = models.TextField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint("person", "room", "thread_seq", name="one_draft")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.room_id}"
