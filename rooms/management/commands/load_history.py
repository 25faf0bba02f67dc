import gc
import os
import stat
import sys
from argparse import ArgumentParser
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Any, cast

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from rooms import changes
from rooms.bulk import without_waiting
from rooms.history_file import HistoryFile
from rooms.management.shell import database_trouble, find_or_make_room, in_one_piece
from rooms.models import Room

BATCH = 3600  # messages a transaction; who wants to write waits for that long, some 0.3 s


class Command(BaseCommand):
    help = (
        "Brings a conversation from elsewhere into a room, with its own times and authors. "
        "It can be run again, after an interruption too: nothing is brought in twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", help="its address (slug) or its name; made if it is missing")
        parser.add_argument(
            "file",
            help="one JSON object a line with at (ISO 8601), author and body; "
            "may be compressed with gzip or xz; - is standard input",
        )

    def handle(self, *, room: str, file: str, **options: Any) -> None:
        source = _opened(file)
        history = HistoryFile(source)
        try:
            with source, database_trouble("Stopped; it can be run again. "), without_waiting():
                self.load(find_or_make_room(room), source, history)
        except KeyboardInterrupt:
            raise CommandError("Stopped; run it again to go on.", returncode=130) from None
        if history.damage:
            raise CommandError(f"{file} is damaged {history.damage}. What came before is in.")

    def load(self, room: Room, source: BufferedReader, history: HistoryFile) -> None:
        status = os.fstat(source.fileno())
        size = status.st_size if stat.S_ISREG(status.st_mode) else None
        new = known = 0
        lines = iter(history)
        # What is loaded by now stays. Not looking through it again and again saves a quarter of the time.
        gc.freeze()
        gc.set_threshold(100_000)
        # Bytes of the file where its size is known, else messages; disable=None: not without a terminal.
        unit = "message" if size is None else "B"
        with tqdm(total=size, unit=unit, unit_scale=True, disable=None, file=sys.stderr) as bar:
            while batch := list(islice(lines, BATCH)):
                with in_one_piece():
                    brought = changes.load(room, batch)
                new, known = new + brought, known + len(batch) - brought
                bar.update(new + known - bar.n if size is None else source.tell() - bar.n)
        refused = sum(reason.count for reason in history.refused.values())
        self.stdout.write(
            f"{room.name}: {new:,} messages brought in, {known:,} were there, {refused:,} lines left out."
        )
        for why, reason in history.refused.items():
            more = " …" if reason.count > len(reason.numbers) else ""
            numbers = ", ".join(map(str, reason.numbers))
            self.stderr.write(f"left out, {why}: {reason.count:,} (line {numbers}{more})")


def _opened(file: str) -> BufferedReader:
    if file == "-":
        return cast(BufferedReader, sys.stdin.buffer)
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
