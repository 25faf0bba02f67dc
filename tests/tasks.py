"""What is queued, done here and now."""

from unittest.mock import patch

from django_tasks_db.management.commands import db_worker

from rooms.work import Worker, take_up


def work() -> None:
    """Do all that waits to be done, as the worker does it, in this process."""
    take_up()
    # The connection is the test's, whose transaction would end with it.
    with patch.object(db_worker, "close_old_connections"):
        Worker(batch=True).run()
