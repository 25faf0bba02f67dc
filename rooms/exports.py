"""Rooms as files for their people: asked for on a page, made in the background, kept for some days."""

import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import IO, Any

from django.conf import settings
from django.db import Error, IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_tasks import task

from rooms import access, ending, limits
from rooms.access import Access, Refused
from rooms.ending import Ended
from rooms.export_file import write_export
from rooms.models import Export, Person, Room
from rooms.queue import queued
from rooms.sidebar import title_in

log = logging.getLogger(__name__)

KEPT_DAYS = 7
MOST_KEPT = 10  # of one person, the newest
MOST_WAITING = 3  # of one person
MOST_ATTEMPTS = 3  # after as many the process that made it was killed
AGAIN = timedelta(seconds=10)  # after which it is tried again where the database failed
DRAFT = ".part"  # of what is not whole yet
TELL_SECONDS = 0.5  # between two looks at how far it is

State = Export.State


class Lost(Exception):
    """Whoever asked may see the room no more, or has deleted the export."""


def ask(mine: Access, address: str) -> Export:
    """Have the room made into a file for who asks, who is at `address`; where that is under way, it
    is not begun again. Raises Refused for who is no member, for guests, and for who has too many."""
    person = mine.person
    if person is None or not mine.may_enter or not mine.is_member:
        raise Refused(_("You are not in this room."))
    if person.is_guest:
        raise Refused(_("Guests cannot export rooms. Keep your name first."))
    own = Export.objects.unfinished().filter(person=person)
    if under_way := own.filter(room=mine.room).first():
        return under_way
    if own.count() >= MOST_WAITING:
        problem = ngettext(
            "%(count)s export of yours is being made. Wait for it first.",
            "%(count)s exports of yours are being made. Wait for one of them first.",
            MOST_WAITING,
        )
        raise Refused(problem % {"count": MOST_WAITING})
    limits.take(limits.EXPORTS, person.pk, address)
    try:
        with transaction.atomic():
            export = Export.objects.create(room=mine.room, person=person)
            make_export.enqueue(export.pk)
    except IntegrityError:  # asked twice in this very moment
        return own.get(room=mine.room)
    for old in Export.objects.filter(person=person).order_by("-pk")[MOST_KEPT:]:
        delete(old)
    return export


@task()
def make_export(export_id: int) -> None:
    """Make the file that was asked for; done again where it was left off."""
    export = Export.objects.select_related("room", "person").filter(pk=export_id).first()
    if export is None or not export.is_unfinished:
        return
    if export.attempts >= MOST_ATTEMPTS:
        return _fail(export, _("It could not be made."))
    try:
        _keep(export, state=State.RUNNING, attempts=export.attempts + 1, done=0)
        _make(export)
    except Ended:
        _put_back(export, export.attempts - 1, timezone.now())
    except Error as error:
        log.warning("an export of room %s is put off: %s", export.room_id, error)
        _put_back(export, export.attempts, timezone.now() + AGAIN)
    except Lost:
        _fail(export, _("You are not in this room any more."))
    except OSError as error:
        log.error("an export of room %s cannot be kept: %s", export.room_id, error)
        _fail(export, _("There was no place to keep it."))
    except Exception:
        _fail(export, _("It could not be made."))
        raise


def _make(export: Export) -> None:
    draft = export.path.with_suffix(DRAFT)
    told_at = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal told_at
        ending.check()
        _room_of(export)
        if monotonic() - told_at > TELL_SECONDS:
            told_at = monotonic()
            _keep(export, done=done, total=total)

    room = _room_of(export)
    try:
        with _opened(draft) as file:
            write_export(room, title_in(room, export.person), export.person.zone, file, progress)
            file.flush()
            os.fsync(file.fileno())
        size = draft.stat().st_size
        draft.replace(export.path)
    finally:
        draft.unlink(missing_ok=True)
    _keep(export, state=State.READY, ended_at=timezone.now(), size=size)


def _room_of(export: Export) -> Room:
    """The room, which is still for whoever asked. Raises Lost."""
    person = Person.objects.get(pk=export.person_id)
    room = access.visible_to(person).filter(pk=export.room_id).first()
    if room is None or not person.is_active or person.is_banned:
        raise Lost
    return room


def _keep(export: Export, **fields: Any) -> None:
    for name, value in fields.items():
        setattr(export, name, value)
    if not Export.objects.filter(pk=export.pk).update(**fields):
        raise Lost


@transaction.atomic
def _put_back(export: Export, attempts: int, until: datetime) -> None:
    Export.objects.filter(pk=export.pk).update(state=State.WAITING, attempts=attempts)
    make_export.using(run_after=until).enqueue(export.pk)


def _fail(export: Export, why: str) -> None:
    Export.objects.filter(pk=export.pk).update(state=State.FAILED, ended_at=timezone.now(), why=why)


def _opened(draft: Path) -> IO[bytes]:
    # For this user alone: what is in it is for one person.
    draft.parent.mkdir(mode=0o700, exist_ok=True)
    return open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600))


def of(person: Person) -> list[Export]:
    """The exports of `person`, the newest first. Of a room that they may not see any more there is
    none."""
    own = Export.objects.filter(person=person, room__in=access.visible_to(person).values("pk"))
    return list(own.select_related("room").order_by("-pk"))


def find(token: str, person: Person) -> Export | None:
    """The export of `person` that has this token, if there is one and they may still see its room."""
    return next((export for export in of(person) if export.token == token), None)


def delete(export: Export) -> None:
    """Delete the export and its file; one that is being made is then made no further."""
    export.delete()
    export.path.unlink(missing_ok=True)


def clean_up() -> None:
    """Delete exports that have been kept long enough, and files that are nobody's; have those made
    that were left behind unfinished. While no export is being made."""
    for export in Export.objects.filter(ended_at__lt=timezone.now() - timedelta(days=KEPT_DAYS)):
        delete(export)
    for file in Path(settings.EXPORTS_DIR).glob("*.*"):
        if file.suffix == DRAFT or not Export.objects.filter(token=file.stem).exists():
            file.unlink(missing_ok=True)
    waiting = [export_id for (export_id,) in queued(make_export)]
    for export in Export.objects.unfinished().exclude(pk__in=waiting):
        make_export.enqueue(export.pk)
