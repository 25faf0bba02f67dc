"""Files in the storage, and how they go from there: for good, whatever dies in between."""

import logging
from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from rooms.models import File

log = logging.getLogger(__name__)

BATCH = 200


def opened(name: str, start: int, stop: int) -> Any:
    """What the storage has under `name`, open at byte `start`, to be read up to `stop`. Raises what the
    storage raises, FileNotFoundError where there is no such file on the disk."""
    bucket = getattr(default_storage, "bucket", None)
    if bucket is not None:  # S3 would fetch all of it before the first byte is there
        return bucket.Object(name).get(Range=f"bytes={start}-{stop - 1}")["Body"]
    file = default_storage.open(name)
    file.seek(start)
    return file


def drop(files: QuerySet[File]) -> None:
    """Take `files` from whoever has them, at once; once that is committed they are deleted."""
    dropped = list(files)
    if dropped:
        ids = [file.pk for file in dropped]
        File.objects.filter(pk__in=ids).update(message=None, dropped_at=timezone.now())
        transaction.on_commit(lambda: delete(dropped), robust=True)


def delete(files: Iterable[File]) -> None:
    """Delete `files`, which are nobody's. What the storage does not delete now stays on record, and is
    tried again."""
    for file in files:
        try:
            delete_stored(file)
        except Exception as error:  # noqa: BLE001 — every storage has errors of its own
            log.warning("a file cannot be deleted: %r", error)
        else:
            File.objects.filter(pk=file.pk, message=None).delete()


def delete_stored(file: File) -> None:
    """Delete all that the storage has of `file`; nothing, if that is nothing."""
    for name in (file.stored, file.large, file.small):
        default_storage.delete(name)


def delete_nobodys() -> None:
    """Delete what was sent up and never sent, and what could not be deleted before."""
    tried = 0
    while files := list(File.objects.nobodys().filter(pk__gt=tried).order_by("pk")[:BATCH]):
        delete(files)
        tried = files[-1].pk
