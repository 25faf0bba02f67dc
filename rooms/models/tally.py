from datetime import datetime

from django.db import models

QUARTER = 900  # seconds; the clocks of all time zones differ by whole quarters of an hour


def quarter_of(at: datetime) -> int:
    """The quarter of an hour that `at` is in, counted from 1970 in UTC."""
    return int(at.timestamp() // QUARTER)


class Tally(models.Model):
    """How many messages in a row were said in one quarter of an hour.

    Where a room's messages come in the order of their times, each quarter has one tally; one that
    was brought in from elsewhere among others has its own. So whatever the order: the messages
    from `first_seq` to `last_seq` are all of this quarter, and a day is read by seq alone.
    """

    room = models.ForeignKey("Room", on_delete=models.CASCADE, db_index=False)
    quarter = models.BigIntegerField()
    first_seq = models.PositiveBigIntegerField()
    last_seq = models.PositiveBigIntegerField()
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint("room", "quarter", "first_seq", name="one_tally")]

    def __str__(self) -> str:
        return f"{self.room_id}/{self.first_seq}–{self.last_seq}"
