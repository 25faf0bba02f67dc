from django.db import models


class Membership(models.Model):
    """That a person has joined a room."""

    room = models.ForeignKey("Room", on_delete=models.CASCADE)
    person = models.ForeignKey("Person", on_delete=models.CASCADE)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint("room", "person", name="joined_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.room_id}"

    @staticmethod
    def join(room_id: int, *people_ids: int) -> None:
        """Record that these people are in the room; those who were stay as they were."""
        Membership.objects.bulk_create(
            [Membership(room_id=room_id, person_id=person_id) for person_id in people_ids],
            ignore_conflicts=True,
        )
