"""What waits to be done in the background."""

from typing import Any

from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.models import DBTaskResult


def queued(task: Task[Any, Any]) -> list[list[Any]]:
    """The arguments of each call of `task` that waits to be done."""
    waiting = DBTaskResult.objects.filter(task_path=task.module_path, status=TaskResultStatus.READY)
    return [call["args"] for call in waiting.values_list("args_kwargs", flat=True)]
