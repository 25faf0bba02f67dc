import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from tqdm import tqdm

from rooms import markup
from rooms.bulk import without_waiting
from rooms.management.shell import database_trouble, each_in_one_piece
from rooms.models import Message
from rooms.rerender import rerender


class Command(BaseCommand):
    help = (
        "Makes messages look as this release has them look, where an older one has rendered them. "
        "It can be interrupted, and goes on when it is run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--all", action="store_true", help="the others too, as after people or rooms got other names"
        )

    def handle(self, *, all: bool, **options: Any) -> None:
        done = 0
        try:
            with database_trouble("Stopped; it can be run again. "), without_waiting():
                messages = Message.objects.filter(deleted_at=None)
                total = (messages if all else messages.exclude(markup=markup.VERSION)).count()
                # disable=None: not without a terminal.
                with tqdm(total=total, unit="message", disable=None, file=sys.stderr) as bar:
                    for count in each_in_one_piece(rerender(anew=all)):
                        done += count
                        bar.update(count)
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped after {done:,} messages; run it again to go on.", returncode=130
            ) from None
        self.stdout.write(f"{done:,} messages rendered.")
