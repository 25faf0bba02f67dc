import asyncio
import logging
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from rooms import changes
from rooms.forms import MessageForm
from rooms.lines import lines
from rooms.management.shell import database_trouble, existing_room, find_or_make_room, speaker
from rooms.models import Membership, Message, Person, Room

LONGEST_LINE = 8 * Message.BODY_LENGTH  # bytes; what is longer is no message in any script


class Command(BaseCommand):
    help = (
        "Says something in a room; every open tab shows it at once. "
        "Without a text each line of standard input is a message, said as soon as it arrives."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", help="its address (slug) or its name")
        parser.add_argument("text", nargs="?", help="the message; standard input if not given")
        parser.add_argument("--as", dest="name", required=True, help="whose name to speak in")
        parser.add_argument("--create", action="store_true", help="make the room if it is missing")
        parser.add_argument(
            "--keep-going", action="store_true", help="pass over lines that cannot be said, and name them"
        )

    def handle(self, *, room: str, text: str | None, name: str, create: bool, **options: Any) -> None:
        with database_trouble():
            place = find_or_make_room(room) if create else existing_room(room, "Add --create to make it.")
            author = speaker(name)
            Membership.join(place.pk, author.pk)
        one_warning = _OneWarning()
        changes.log.addFilter(one_warning)
        try:
            # One loop for all messages, for it holds the connection to Redis.
            with asyncio.Runner() as runner:
                if text is not None:
                    _say(runner, place, author, text)
                else:
                    self.say_lines(runner, place, author, keep_going=options["keep_going"])
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None
        finally:
            changes.log.removeFilter(one_warning)

    def say_lines(self, runner: asyncio.Runner, room: Room, author: Person, *, keep_going: bool) -> None:
        refused = 0
        for number, line in enumerate(lines(sys.stdin.buffer, LONGEST_LINE), start=1):
            if not line.strip():
                continue
            try:
                _say(runner, room, author, _text(line), f"Line {number}: ")
            except _NotSaid as problem:
                if not keep_going:
                    raise
                refused += 1
                self.stderr.write(str(problem))
        if refused:
            raise CommandError(f"{refused:,} of {number:,} lines were not said.")


class _NotSaid(CommandError):
    """A message that is none."""


class _OneWarning(logging.Filter):
    """Lets one record pass: where Redis is away, it is for every message."""

    passed = False

    def filter(self, record: logging.LogRecord) -> bool:
        is_first, self.passed = not self.passed, True
        return is_first


def _text(line: bytes) -> str:
    # What is not UTF-8 becomes halves of characters, which the form refuses.
    return line.decode(errors="surrogateescape")


def _say(runner: asyncio.Runner, room: Room, author: Person, text: str, where: str = "") -> None:
    form = MessageForm({"body": text})
    if not form.is_valid():
        raise _NotSaid(where + " ".join(form.problems()))
    with database_trouble(f"{where}It was not said. "):
        runner.run(changes.apost(room, author, form.cleaned_data["body"]))
