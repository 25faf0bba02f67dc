import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from rooms.bulk import without_waiting
from rooms.management.shell import database_trouble, each_in_one_piece
from rooms.models import Message
from rooms.search import upkeep


class Command(BaseCommand):
    help = (
        "Makes all that was said before searchable, and forgets what is no more. Messages that are "
        "posted meanwhile are found at once. It can be interrupted, and goes on when it is run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="those too that are searchable, as after another Python came"
        )

    def handle(self, *, all: bool, **options: Any) -> None:
        try:
            with database_trouble("Stopped; it can be run again. "), without_waiting():
                # disable=None: not without a terminal.
                total = Message.objects.count()
                with tqdm(total=total, unit="message", disable=None, file=sys.stderr) as bar:
                    for count in each_in_one_piece(upkeep.fill(anew=all)):
                        bar.update(count)
                removed = sum(each_in_one_piece(upkeep.sweep()))
        except KeyboardInterrupt:
            raise CommandError("Stopped; run it again to go on.", returncode=130) from None
        self.stdout.write(f"All of {total:,} messages can be searched; {removed:,} are gone from the index.")
