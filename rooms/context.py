"""What is being served, a request or a tab, so that whatever is logged meanwhile can tell."""

from collections.abc import Mapping
from contextvars import ContextVar
from secrets import token_hex

_about: ContextVar[dict[str, str | int] | None] = ContextVar("about", default=None)


def begin(**about: str | int) -> None:
    """From here on, this task serves what is so named; the threads and tasks that it starts, too."""
    _about.set(about)


def nobody() -> None:
    """This task serves nobody in particular, whoever it was started for."""
    _about.set(None)


def note(**about: str | int) -> None:
    """Tell more of what is being served. What is known of it stays: a page may look at other rooms, too."""
    if (known := _about.get()) is not None:
        for name, value in about.items():
            known.setdefault(name, value)


def now() -> Mapping[str, str | int]:
    """What is being served: `request` or `tab`, an id, and as far as they are known `room` and `person`."""
    return _about.get() or {}


def new_id() -> str:
    return token_hex(8)
