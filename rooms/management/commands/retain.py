import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from rooms import retention
from rooms.management.shell import database_trouble, each_in_one_piece, existing_room
from rooms.models import Room


class Command(BaseCommand):
    help = (
        "Deletes what rooms do not keep, now; the worker does so every hour. "
        "It can be stopped at any moment and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("room", nargs="?", help="only this one: its address (slug) or its name")

    def handle(self, *, room: str | None, **options: Any) -> None:
        gone = 0
        try:
            with database_trouble("Stopped; it can be run again. "):
                rooms = Room.objects.exclude(keep_days=None)
                if room is not None:
                    rooms = rooms.filter(pk=existing_room(room, "It may have been renamed or deleted.").pk)
                total = sum(retention.overdue(one).count() for one in rooms.iterator())
                with tqdm(total=total, unit="message", disable=None, file=sys.stderr) as bar:
                    for size in each_in_one_piece(retention.carry_out(rooms)):
                        gone += size
                        bar.update(size)
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped after {gone:,} messages; run it again to go on.", returncode=130
            ) from None
        self.stdout.write(f"{gone:,} messages deleted.")
