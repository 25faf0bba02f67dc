"""A room that is deleted, as in the admin, takes its messages out of the index: no foreign key does."""

from typing import Any

from django.db.models.signals import pre_delete
from django.dispatch import receiver

from rooms.models import Room
from rooms.search import index


@receiver(pre_delete, sender=Room)
def forget(instance: Room, **kwargs: Any) -> None:
    index.remove_room(instance)
