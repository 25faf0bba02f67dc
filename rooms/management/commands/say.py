import asyncio
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import transaction

from rooms import changes, statements
from rooms.access import Refused
from rooms.forms import MessageForm
from rooms.lines import lines
from rooms.management.shell import (
    database_trouble,
    existing_room,
    find_or_make_room,
    in_one_piece,
    speaker,
    trouble_once,
)
from rooms.models import Kind, Membership, Person, Room

LONGEST_LINE = 1024 * 1024  # bytes; of a longer one no more is read


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
        # One loop for all messages, for it holds the connection to Redis.
        try:
            with asyncio.Runner() as runner, trouble_once():
                with in_one_piece(), database_trouble():
                    place = (
                        find_or_make_room(room) if create else existing_room(room, "Add --create to make it.")
                    )
                    author = speaker(name)
                    if place.kind == Kind.OPEN:  # into others one is invited
                        with transaction.atomic():
                            Membership.join(statements.locked_room(place.pk).pk, author.pk)
                if text is not None:
                    say(runner, place, author, checked(text))
                else:
                    self.say_lines(runner, place, author, keep_going=options["keep_going"])
        except KeyboardInterrupt:
            raise CommandError("Stopped.", returncode=130) from None

    def say_lines(self, runner: asyncio.Runner, room: Room, author: Person, *, keep_going: bool) -> None:
        refused = 0
        for number, line in enumerate(lines(sys.stdin.buffer, LONGEST_LINE), start=1):
            if not line.strip():
                continue
            try:
                # What is not UTF-8 becomes halves of characters, which are refused.
                body = checked(line.decode(errors="surrogateescape"))
            except CommandError as problem:
                if not keep_going:
                    raise CommandError(f"Line {number:,}: {problem}") from None
                refused += 1
                self.stderr.write(f"Line {number:,}: {problem}")
            else:
                say(runner, room, author, body, f"Line {number:,} was not said. ")
        if refused:
            raise CommandError(f"{refused:,} of {number:,} lines were not said.")


def checked(text: str) -> str:
    """The text as a message's body. Raises CommandError where it can be none."""
    form = MessageForm({"body": text})
    if not form.is_valid():
        raise CommandError(" ".join(form.problems()))
    return form.cleaned_data["body"]


def say(runner: asyncio.Runner, room: Room, author: Person, body: str, trouble: str = "") -> None:
    """Post it. Raises CommandError, which begins with `trouble`, if the database does not take it."""
    try:
        with in_one_piece(), database_trouble(trouble):
            runner.run(changes.apost(room, author, body))
    except Refused as refusal:
        raise CommandError(f"{trouble}{refusal}") from None
