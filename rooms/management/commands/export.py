import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from rooms.export_file import write_export
from rooms.management.shell import database_trouble, existing_room, in_one_piece
from rooms.models import Room


class Command(BaseCommand):
    help = (
        "Writes a room to a zip: pages to read, and lines that load_history loads again. The file is "
        "there once it is whole; after an interruption it can be made again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", help="its address (slug) or its name")
        parser.add_argument("file", help="where to, ending in .zip; a file there is replaced")

    def handle(self, *, room: str, file: str, **options: Any) -> None:
        target = Path(file)
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            with in_one_piece() as stop_here, database_trouble("Nothing was written. "):
                place = existing_room(room, "Rooms are made in the lobby, or with say --create.")
                count = self.write(place, draft, stop_here)
            draft.replace(target)
        except KeyboardInterrupt:
            raise CommandError("Stopped; nothing was written.", returncode=130) from None
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        finally:
            draft.unlink(missing_ok=True)
        self.stdout.write(f"{place.name or place.slug}: {count:,} messages written to {file}.")

    def write(self, room: Room, draft: Path, stop_here: Callable[[], None]) -> int:
        title = room.name or "Direct conversation"
        # disable=None: not without a terminal.
        with draft.open("wb") as file, tqdm(unit="tick", disable=None, file=sys.stderr) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)
                stop_here()

            return write_export(room, title, settings.TIME_ZONE, file, progress)
