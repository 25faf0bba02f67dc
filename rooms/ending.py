"""Whether this process is to end. What takes long asks between its steps, and leaves the rest to be
taken up again."""

from threading import Event

asked_to_end = Event()


class Ended(Exception):
    """The work was left off; nothing is lost by doing it again."""


def check() -> None:
    """Raises Ended where this process is to end."""
    if asked_to_end.is_set():
        raise Ended
