import asyncio
import logging
import os
import stat
import sys
import unicodedata
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import django.db
from channels.db import database_sync_to_async
from django.core.management import BaseCommand
from django.utils.timezone import localtime

from rooms.files_shown import said_in
from rooms.history_file import written
from rooms.hub import Hub
from rooms.management.shell import database_trouble, existing_room, trouble_once
from rooms.models import Message
from rooms.view import View

PAGE = 200  # messages read at once
RETRY_SECONDS = 2.0  # between questions to a database that does not answer
LARGEST_SEQ = 2**63 - 1

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Shows what is said in a room, as it is said, until it is stopped with Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", help="its address (slug) or its name")
        parser.add_argument(
            "--since", type=_seq, metavar="SEQ", help="first everything after this message; 0 is everything"
        )
        parser.add_argument(
            "--json", action="store_true", help="one JSON object a line, as load_history reads them"
        )

    def handle(self, *, room: str, since: int | None, json: bool, **options: Any) -> None:
        as_text = written if json else as_lines
        try:
            with database_trouble(), trouble_once():
                place = existing_room(room, "Rooms are made in the lobby, or with say --create.")
                start = place.clock if since is None else since
                asyncio.run(follow(place.pk, start, lambda message: self.show(as_text(message))))
        except (KeyboardInterrupt, asyncio.CancelledError, BrokenPipeError):
            pass  # that is how it ends
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            # Nobody reads on. Python would say so once more when it closes its standard output.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    def show(self, text: str) -> None:
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        self.stdout.write(text.encode(encoding, "replace").decode(encoding))
        self.stdout.flush()


class Bell:
    """In the hub's eyes a tab; it is only to know that something happened."""

    person_id = room_id = 0
    view = View()
    session = session_key = ""
    resumed = True
    is_seen = False
    active_at = 0.0

    def __init__(self) -> None:
        self.rung = asyncio.Event()

    def give(self, frame: str) -> None:
        self.rung.set()

    def expel(self, why: str) -> None:
        """Nobody's tab: whoever can run commands here has the database."""

    def room_renamed(self, name: str) -> None:
        """It has no title."""


async def follow(room_id: int, seq: int, show: Callable[[Message], None]) -> None:
    """Show every message of the room after `seq`, each once and in order, and go on for ever.

    The hub says when to look, the database what there is: a seq is given out under the room's
    lock, so whatever is committed later comes later. Raises what `show` raises, and
    CancelledError when standard output is a pipe that nobody reads any more.
    """
    _end_with_reader()
    hub, bell = Hub.here(), Bell()
    try:
        (await hub.join(room_id, bell)).admit(bell)
        while True:
            bell.rung.clear()
            while page := await _page_after(room_id, seq):
                for message in page:
                    if message.deleted_at is None:
                        show(message)
                    seq = message.seq
            await bell.rung.wait()
    finally:
        await hub.close()


async def _page_after(room_id: int, seq: int) -> list[Message]:
    while True:
        try:
            return await read_after(room_id, seq)
        except django.db.Error as error:
            log.warning("the room cannot be read: %s", error)
            await asyncio.sleep(RETRY_SECONDS)


@database_sync_to_async
def read_after(room_id: int, seq: int) -> list[Message]:
    """The next messages of the room after `seq`, at most PAGE of them."""
    after = Message.objects.filter(room_id=room_id, seq__gt=seq).select_related("author")
    return list(after.order_by("seq")[:PAGE])


def as_lines(message: Message) -> str:
    """`HH:MM author: text`, in the site's time zone; further lines of the text are indented, so
    that none can pass for another message."""
    first, *more = [_harmless(line) for line in said_in(message).splitlines()] or [""]
    head = f"{localtime(message.at):%H:%M} {_harmless(message.author.username)}: {first}"
    return "\n".join([head, *(f"      {line}" for line in more)])


def _harmless(text: str) -> str:
    """`text` with a sign in place of each character that a terminal would obey, not show."""
    return "".join(_sign(char) if unicodedata.category(char) == "Cc" else char for char in text)


def _sign(control: str) -> str:
    if control == "\t":
        return control
    if control < " ":
        return chr(0x2400 + ord(control))  # ␀ to ␟
    return "\N{REPLACEMENT CHARACTER}"


def _seq(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= LARGEST_SEQ):
        raise ArgumentTypeError("must be the number of a message, or 0")
    return int(text)


def _end_with_reader() -> None:
    """Cancel this task once standard output is a pipe whose reader has gone, as `head` does.

    A write would find that out too, but only when somebody speaks.
    """
    task = asyncio.current_task()
    with suppress(OSError, ValueError, NotImplementedError):  # not one that can be watched
        output = sys.stdout.fileno()
        if task is not None and stat.S_ISFIFO(os.fstat(output).st_mode):
            asyncio.get_running_loop().add_reader(output, task.cancel)
