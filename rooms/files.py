"""Files in messages: sent up, hung on a message, and made into what is shown of them."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task

from rooms import changes, clock, file_store, pictures, statements
from rooms.access import Refused
from rooms.file_names import DOWNLOAD, HEAD, clean_file_name, played_as
from rooms.files_shown import files_shown
from rooms.models import File, Message, Person, Room
from rooms.queue import queued
from rooms.texts import number

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3  # to make a picture; after as many the process that made it was killed
AGAIN = timedelta(minutes=1)  # after which it is tried again where the storage or the database failed

Kind, State = File.Kind, File.State


class NotKept(Refused):
    """The storage does not take it now."""

    status = 503


def keep(person: Person, sent: UploadedFile) -> File:
    """Keep what `person` sent up, for a message that is yet to be sent. Raises ValidationError, with a
    message for them, where such a file is not taken; NotKept where the storage fails."""
    name = clean_file_name(sent.name or "")
    if not sent.size:
        raise ValidationError(_("“%(name)s” is empty.") % {"name": name}, code="empty")
    if sent.size > settings.FILE_MAX_MB * 1_000_000:
        problem = _("“%(name)s” has %(size)s MB; %(most)s MB is the most.")
        sizes = {"name": name, "size": number(sent.size / 1e6, 1), "most": settings.FILE_MAX_MB}
        raise ValidationError(problem % sizes, code="too_large")
    endings = settings.FILE_ENDINGS
    if endings and name.rpartition(".")[2].lower() not in endings:
        problem = _("“%(name)s” is not taken: only %(endings)s.")
        raise ValidationError(problem % {"name": name, "endings": ", ".join(endings)}, code="ending")
    file = File(person=person, name=name, size=sent.size)
    try:
        _tell_kind(file, sent)
    except ValidationError as error:
        problem = _("“%(name)s”: %(problem)s") % {"name": name, "problem": error.messages[0]}
        raise ValidationError(problem, code=error.code) from None
    file.save()
    try:
        sent.seek(0)
        default_storage.save(file.stored, sent)
    except Exception as error:
        log.error("a file cannot be kept: %r", error)
        file_store.drop(File.objects.filter(pk=file.pk))
        problem = _("“%(name)s” could not be kept just now. Please try again.")
        raise NotKept(problem % {"name": name}) from error
    return file


def _tell_kind(file: File, sent: UploadedFile) -> None:
    if size := pictures.size_of(sent):
        file.kind, file.type, file.state = Kind.PICTURE, "image/webp", State.WAITING
        file.width, file.height = size
    else:
        sent.seek(0)
        file.kind, file.type = played_as(sent.read(HEAD))


def post(
    room: Room, author: Person, body: str, files: Sequence[File], *, key: str | None = None, thread: int = 0
) -> Message:
    """Say `body`, which may be empty, in `room` with `files` of the author's own, in this order, each with
    its caption. As `changes.post`; said again under the same key, what was sent up again is dropped.
    Raises Refused, too, where one of the files is not there any more."""
    ids = [file.pk for file in files]
    said: list[Message] = []

    def attach(message: Message) -> None:
        unsent = File.objects.unsent_of(author.pk).filter(pk__in=ids)
        if len(unsent.select_for_update()) != len(ids):
            raise Refused(_("A file is not there any more. Please choose it again."))
        for place, file in enumerate(files):
            file.message, file.place = message, place
            file.save(update_fields=["message", "place", "caption"])
            if file.state == State.WAITING:
                make_picture.enqueue(file.token)
        if files:
            message.extras = (message.extras or {}) | {"files": files_shown(files)}
        said.append(message)

    message = changes.post(room, author, body, key=key, thread=thread, attach=attach)
    if not said:
        file_store.drop(File.objects.unsent_of(author.pk).filter(pk__in=ids))
    return message


@task()
def make_picture(token: str) -> None:
    """Make what is shown of a picture, and delete the file it is made from: that may tell where it was
    taken, and by whom. A file that turns out to be no picture is there to be downloaded."""
    file = File.objects.filter(token=token).first()
    if file is None or file.message_id is None:
        return file_store.delete_stored(File(token=token))  # it went while this was being made
    if file.state == State.WAITING:
        File.objects.filter(pk=file.pk).update(attempts=F("attempts") + 1)
        try:
            _make(file)
        except Exception as error:  # noqa: BLE001 — every storage has errors of its own
            # For as long as it takes: what was sent is not handed out as it is because of an outage.
            log.warning("a picture is put off: %r", error)
            with transaction.atomic():
                File.objects.filter(pk=file.pk).update(attempts=file.attempts)
                make_picture.using(run_after=timezone.now() + AGAIN).enqueue(token)
            return
    if file.kind == Kind.PICTURE:
        default_storage.delete(file.stored)


def _make(file: File) -> None:
    with default_storage.open(file.stored) as sent:
        content = BytesIO(sent.read())
    try:
        if file.attempts >= MOST_ATTEMPTS:
            raise ValidationError(_("It ends whoever makes it."), code="deadly")
        views = pictures.views(content)
    except ValidationError:
        return _settle(file, kind=Kind.OTHER, type=DOWNLOAD)
    for name, made in ((file.large, views.large), (file.small, views.small)):
        default_storage.delete(name)  # half of it may be there
        default_storage.save(name, ContentFile(made))
    width, height = views.size
    _settle(file, width=width, height=height)


def _settle(file: File, **fields: Any) -> None:
    """Keep how `file` is shown from now on: a change of its message, if that is still there."""
    for name, value in fields.items():
        setattr(file, name, value)
    with transaction.atomic():
        room_id = Message.objects.filter(files=file.pk).values_list("room", flat=True).first()
        room = statements.locked_room(room_id) if room_id else None
        message = Message.objects.select_related("author").filter(files=file.pk).first() if room else None
        if message is None or room is None:
            return file_store.drop(File.objects.filter(pk=file.pk))
        File.objects.filter(pk=file.pk).update(state=State.READY, **fields)
        message.room = room
        clock.altered(message)


def clean_up() -> None:
    """Delete files that are nobody's, and have those pictures made that were left behind."""
    file_store.delete_nobodys()
    waiting = [token for (token,) in queued(make_picture)]
    for token in File.objects.unmade().exclude(token__in=waiting).values_list("token", flat=True):
        make_picture.enqueue(token)
