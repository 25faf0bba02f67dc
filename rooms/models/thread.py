from django.db import models
from django.utils import timezone


class Thread(models.Model):
    """A side conversation under one message of a room."""

    room = models.ForeignKey("Room", on_delete=models.CASCADE, db_index=False, related_name="threads")
    seq = models.PositiveBigIntegerField()  # of the message that it is under
    count = models.PositiveIntegerField(default=0)  # of messages in it, those deleted left out
    # Of its last message, as a room has them; until there is one, when that above it was said.
    last_seq = models.PositiveBigIntegerField(default=0)
    last_at = models.DateTimeField(default=timezone.now)
    last_author = models.ForeignKey("Person", null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint("room", "seq", name="one_thread")]

    def __str__(self) -> str:
        return f"{self.room_id}/{self.seq}"


class Following(models.Model):
    """That a person follows a thread, and how far they have read it."""

    person = models.ForeignKey("Person", on_delete=models.CASCADE, related_name="followed")
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="followings")
    read_seq = models.PositiveBigIntegerField(default=0)
    mentions = models.PositiveIntegerField(default=0)  # messages since then that name or address them

    class Meta:
        constraints = [models.UniqueConstraint("thread", "person", name="followed_once")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.thread_id}"

    @property
    def is_new(self) -> bool:
        """Whether anything was said in the thread since they read it."""
        return self.thread.last_seq > self.read_seq
