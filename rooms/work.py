"""The worker: does one after the other what was queued, for as long as its process lasts."""

import fcntl
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from django.conf import settings
from django.db import Error, connection
from django.utils.crypto import get_random_string
from django_tasks.base import TaskResultStatus
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult

from rooms import exports, files, housekeeping, mailing
from rooms.ending import asked_to_end

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # between two looks for something to do
RETRY_SECONDS = 2.0  # before a database that failed is asked again


class Worker(db_worker.Worker):
    """That of django-tasks-db; where the database fails it tries again, and on its end leaves off what
    it is doing, which is taken up again by whoever works next."""

    def __init__(self, *, batch: bool = False) -> None:
        """`batch`: only until there is nothing to do."""
        super().__init__(
            queue_names=["*"],
            interval=LOOK_SECONDS,
            batch=batch,
            backend_name="default",
            startup_delay=False,
            max_tasks=None,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )

    def shutdown(self, signum: int, frame: FrameType | None) -> None:
        self.running = False
        asked_to_end.set()
        if not self.running_task:
            sys.exit(0)

    def work(self) -> None:
        """Work until the end comes. Nobody else may work meanwhile."""
        while self.running:
            try:
                take_up()
                self.run()
                return
            except Error as error:
                log.warning("the queue cannot be read: %s", error)
                connection.close()
                time.sleep(RETRY_SECONDS)


def take_up() -> None:
    """Queue again what a worker was killed in the middle of. While nobody works."""
    DBTaskResult.objects.running().update(status=TaskResultStatus.READY)
    exports.clean_up()
    files.clean_up()
    housekeeping.schedule()
    mailing.schedule()


@contextmanager
def alone() -> Iterator[None]:
    """Wait until nobody else works on this data directory, and let nobody while the context lasts."""
    # The lock ends with its process, however that ends.
    lock = os.open(Path(settings.DATA_DIR) / "worker.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
