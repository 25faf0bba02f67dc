"""What the commands have in common: the rooms and people that are named on the command line."""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from threading import current_thread, main_thread
from types import FrameType
from typing import TypeVar

import django.db
from django.core.exceptions import ValidationError
from django.core.management import CommandError
from django.db import IntegrityError, transaction
from django.db.models import Case, When

from rooms.models import Kind, Person, Room
from rooms.names import clean_name, holds_comma, same_name_key

SLUG_LENGTH = 100
MOST_COMPARED = 2000  # rooms
QUIET_SECONDS = 10.0  # after which the same trouble is news again

Piece = TypeVar("Piece")


def find_room(text: str) -> Room | None:
    """The room of this slug or, if there is none, of this name. Raises CommandError where
    `text` can be neither."""
    name = _clean(text, SLUG_LENGTH)
    # Where several have the name, the open one: the others are private.
    named = Room.objects.filter(name_key=same_name_key(name)).order_by(
        Case(When(kind=Kind.OPEN, then=0), default=1), "pk"
    )
    return Room.objects.at(name).first() or named.first()


def find_or_make_room(text: str) -> Room:
    """The room of this slug or name, made if there is none."""
    return find_room(text) or Room.named(_clean(text, Room.NAME_LENGTH))


def existing_room(text: str, otherwise: str) -> Room:
    """The room of this slug or name. If there is none raises CommandError, which names those
    that are spelled nearly so and ends in `otherwise`: what to do."""
    room = find_room(text)
    if room is None:
        newest = Room.objects.order_by("-pk").values_list("slug", "name")[:MOST_COMPARED]
        slugs = {word.casefold(): slug for slug, name in newest for word in (slug, name)}
        near = dict.fromkeys(slugs[word] for word in get_close_matches(text.casefold(), slugs))
        hint = f" Did you mean {', '.join(near)}?" if near else ""
        raise CommandError(f"There is no room “{text}”.{hint} {otherwise}")
    return room


def speaker(name: str) -> Person:
    """The person of exactly this name, or else a guest, made for it. Raises CommandError where
    it is no name, or could be taken for somebody else's, or for several."""
    name = _clean(name, Person.NAME_LENGTH)
    while True:
        person = Person.objects.filter(username=name).first()
        if person is not None:
            return person
        if holds_comma(name):
            raise CommandError(f"“{name}”: leave out the comma, which is what stands between names.")
        other = Person.looking_like(name).first()
        if other is not None:
            raise CommandError(f"“{name}” could be taken for “{other.username}”. Take that name, or another.")
        guest = Person.guest(name)
        try:
            with transaction.atomic():
                guest.save()
            return guest
        except IntegrityError:
            continue  # somebody came by that name, or one like it, in this very moment


@contextmanager
def database_trouble(what: str = "") -> Iterator[None]:
    """Raises CommandError for what the database refuses, or where the room has been deleted;
    `what` says what is not done then."""
    try:
        yield
    except Room.DoesNotExist:
        raise CommandError(f"{what}Somebody has deleted the room.") from None
    except django.db.Error as error:
        reason = _reason(error)
        hint = " (manage.py migrate makes the tables)" if _lacks_table(reason) else ""
        raise CommandError(f"{what}The database says: {reason}{hint}") from error


@contextmanager
def in_one_piece() -> Iterator[Callable[[], None]]:
    """Within, Ctrl-C waits for the end, or until what is yielded is called, and raises KeyboardInterrupt
    then: in the middle of their work event loops lose it, and databases take it for an error of their
    own. A second Ctrl-C does not wait. Only the main thread hears of one at all."""
    pressed: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        pressed.append(number)
        if len(pressed) > 1:
            signal.default_int_handler(number, frame)

    def stop_here() -> None:
        if pressed:
            raise KeyboardInterrupt

    if current_thread() is not main_thread():
        yield stop_here
        return
    before = signal.signal(signal.SIGINT, hold)
    try:
        yield stop_here
    finally:
        signal.signal(signal.SIGINT, before)
    stop_here()


def each_in_one_piece(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """`pieces`, where the work is done by whoever makes them: Ctrl-C waits until the next is there."""
    while True:
        with in_one_piece():
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece


@contextmanager
def trouble_once() -> Iterator[None]:
    """Within, what is logged again and again, as while Redis is away, comes once and in one line."""
    handlers = [*logging.getLogger().handlers, *logging.getLogger("channels_redis").handlers]
    filters = [_News() for _ in handlers]
    for handler, news in zip(handlers, filters, strict=True):
        handler.addFilter(news)
    try:
        yield
    finally:
        for handler, news in zip(handlers, filters, strict=True):
            handler.removeFilter(news)


class _News(logging.Filter):
    """Lets a logger's first record pass, and another once it has been quiet for a while."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = f"{record.getMessage()}: {_reason(record.exc_info[1])}", ()
            record.exc_info = record.exc_text = None
        since = record.created - self._last.get(record.name, 0)
        self._last[record.name] = record.created
        return since > QUIET_SECONDS


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0] or repr(error)


def _lacks_table(reason: str) -> bool:
    return "no such table" in reason or ("relation" in reason and "does not exist" in reason)


def _clean(name: str, max_length: int) -> str:
    try:
        return clean_name(name, max_length)
    except ValidationError as problem:
        raise CommandError(f"{name!r}: {' '.join(problem.messages)}") from None
