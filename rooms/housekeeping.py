"""What is done every hour, in the background."""

from datetime import timedelta

from django.utils import timezone
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from rooms import ending, exports, files, retention
from rooms.ending import Ended
from rooms.queue import queued

EVERY = timedelta(hours=1)
RESULTS_KEPT = timedelta(days=1)


@task()
def keep_house() -> None:
    """Delete what is kept no longer; done again an hour later."""
    schedule()  # first: whatever becomes of this time, there is a next
    exports.clean_up()
    files.clean_up()
    DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - RESULTS_KEPT).delete()
    try:
        for _ in retention.carry_out():
            ending.check()
    except Ended:
        keep_house.enqueue()


def schedule() -> None:
    """See to it that the house is kept, now if that is overdue."""
    if not queued(keep_house):
        keep_house.using(run_after=timezone.now() + EVERY).enqueue()
