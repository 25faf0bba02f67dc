"""What a tab sees of a room: everything, or one thread, with times in one time zone."""

from functools import lru_cache
from typing import NamedTuple


class View(NamedTuple):
    """How a room is shown."""

    zone: str = "UTC"  # the time zone
    thread: int = 0  # of which one sees a thread, by the seq of the message that it is under; 0: the room


@lru_cache(maxsize=1024)
def view(zone: str, thread: int) -> View:
    """The same object for all who see the same."""
    return View(zone, thread)
