import os
import signal
from argparse import ArgumentParser
from threading import Thread
from typing import Any

from django.core.management import BaseCommand

from rooms.work import Worker, alone


class Command(BaseCommand):
    help = (
        "Does what is done in the background: makes exports, and deletes what rooms do not keep. "
        "`up` runs it by itself. Of several on the same data directory one works, and the others "
        "wait to take over from it."
    )

    requires_system_checks = ()  # as little as can be before it looks for work

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--while-open", action="store_true", help="end when standard input is closed")

    def handle(self, *, while_open: bool, **options: Any) -> None:
        worker = Worker()
        worker.configure_signals()
        if while_open:
            Thread(target=_end_with_input, daemon=True).start()
        with alone():
            worker.work()


def _end_with_input() -> None:
    # Not by way of sys.stdin, which cannot be closed at the end while a thread reads from it.
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
