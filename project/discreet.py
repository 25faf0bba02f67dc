"""What may be told outside of what went on inside: no words of people, no secret links, on one line."""

import re
import traceback
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.urls import Resolver404, resolve
from redis.exceptions import RedisError

LONGEST = 300  # characters of what an error says
LONG_PART = 16  # characters of a part of an unknown address that may be a secret; the shortest has 22
HIDDEN = "…"
# Of the parts of an address, those that let in whoever knows them.
SECRETS = {"token", "key", "uidb36"}
# Errors that are about the program, or about what it runs on.
TOLD = (
    AttributeError,
    ImportError,
    ImproperlyConfigured,
    NameError,
    OSError,
    RedisError,
    RuntimeError,
    TypeError,
)
# What could begin a line of its own, or turn the rest of one around.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_ADDRESS = re.compile(r"(\b(?:https?|wss?)://[^/\s\"'?#]*)([^\s\"']*)")


def on_one_line(text: str) -> str:
    """`text` with what is no character to be seen written out."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def path(text: str) -> str:
    """The path of an address without what is secret in it, and without its query."""
    bare = re.split(r"[?#]", text, maxsplit=1)[0]
    try:
        kwargs = resolve(bare).kwargs
    except Resolver404:
        parts = bare.split("/")
        return "/".join(HIDDEN if len(part) >= LONG_PART else part for part in parts)
    for name in SECRETS & kwargs.keys():
        bare = bare.replace(str(kwargs[name]), HIDDEN)
    return bare


def addresses(text: str) -> str:
    """`text` with each address in it as `path` has it."""
    return _ADDRESS.sub(lambda found: found[1] + path(found[2]), text)


def words(error: BaseException) -> str:
    """What `error` says, as far as that cannot be what somebody wrote: PostgreSQL adds, on lines of its own
    or after a colon, the values that it did not take; others are about nothing but a value."""
    is_of_database = isinstance(error, DatabaseError) or hasattr(error, "sqlstate")
    if not is_of_database and not isinstance(error, TOLD):
        return HIDDEN
    text = (str(error).splitlines() or [""])[0]
    if is_of_database:
        text = text.split(': "', 1)[0]
    return addresses(text)[:LONGEST]


class Told:
    """An error, as it goes into a line of the log."""

    def __init__(self, error: BaseException) -> None:
        self._name, self._words = type(error).__name__, words(error)

    def __str__(self) -> str:
        return self._words

    def __repr__(self) -> str:
        return f"{self._name}({self._words!r})"


def argument(value: Any) -> Any:
    """What stands for `value` in a line of the log."""
    if isinstance(value, BaseException):
        return Told(value)
    return path(value) if isinstance(value, str) and value.startswith("/") else value


def trace(error: BaseException) -> str:
    """Where `error` came from, and the errors that led to it: files, lines and code, and what each says."""
    parts: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        frames = "Traceback (most recent call last):\n" + "".join(traceback.format_tb(at.__traceback__))
        parts.append(f"{frames}{type(at).__module__}.{type(at).__qualname__}: {on_one_line(words(at))}")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n\n".join(reversed(parts))
