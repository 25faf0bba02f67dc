"""Messages with files: a page, and the same as a part of the room's page.

Files go up when they are chosen, and wait there until the message is sent: so each can be given a
caption, and what is wrong with one is told at once. Without JavaScript that takes a button more.
"""

import logging
from dataclasses import dataclass, field
from typing import cast

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from rooms import file_store, joining, limits, metrics
from rooms import files as sending
from rooms.access import Access, Refused
from rooms.addresses import address_of
from rooms.file_names import clean_caption
from rooms.forms import MessageForm, new_key
from rooms.models import File, Message, Person
from rooms.sidebar import title_in
from rooms.views.acts import in_room, thread_in

log = logging.getLogger(__name__)


class BodyForm(MessageForm):
    """A message that has files, and need not say anything."""

    def clean_body(self) -> str:
        is_empty = not (self.cleaned_data.get("lead", "") + self.cleaned_data["body"]).strip()
        return "" if is_empty else super().clean_body()


@dataclass(slots=True)
class Draft:
    """A message with files that is not sent yet, as its form has it."""

    key: str
    body: str = ""
    added: list[File] = field(default_factory=list)  # in order; each with its caption, as typed
    new: list[File] = field(default_factory=list)  # those of them that came with this request
    problems: list[str] = field(default_factory=list)
    status: int = 200

    def refuse(self, problem: str, status: int = 422) -> None:
        self.problems.append(problem)
        self.status = status


@require_http_methods(["GET", "HEAD", "POST"])
@in_room
def attach(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """Where one writes a message with files. POST `files`: send them up, for a message that is sent
    later; `remove`: what was sent up, and is not to be sent."""
    if request.method != "POST":
        return _show(request, mine, person, Draft(new_key()))
    _check_may_post(mine)
    draft = _draft(request, person)
    removed = request.POST.get("remove", "")
    if removed:
        draft.added = [file for file in draft.added if file.token != removed]
        file_store.drop(_unsent(person, [removed]))
    if not getattr(request, "htmx", False):
        return _show(request, mine, person, draft)
    about = {"draft": draft, "room": mine.room, "thread": thread_in(request), "removed": removed}
    context = {**about, "is_part": True} | _limits()
    return render(request, "attach.html#added", context)


def send(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST to a room's messages `body`, `files` with a `caption` each and, for those that were `added`
    before, `caption-<token>`: say it. What is said again under its `key` is not said twice."""
    if mine.is_banned:
        return render(request, "banned.html", {"access": mine}, status=403)
    form = BodyForm(request.POST)
    key = form.key()
    if key and Message.objects.filter(room=mine.room, key=key, author=person).exists():
        return _sent(request, mine)
    try:
        _check_may_post(mine)
        draft = _draft(request, person)
    except Refused as refusal:
        draft = Draft(key or new_key(), request.POST.get("body", ""))
        draft.refuse(str(refusal), refusal.status)
        metrics.refused(refusal.status)
        return _show(request, mine, person, draft)
    if not form.is_valid():
        draft.refuse(" ".join(form.problems()))
    elif not draft.problems and not draft.added and not form.cleaned_data["body"]:
        draft.refuse(_("There is nothing in it: please choose a file, or write something."))
    _check_captions(draft)
    if not draft.problems and (too_many := limits.count(limits.POSTS, person.pk, address_of(request))):
        draft.refuse(too_many, 429)
    if draft.problems:
        metrics.refused(draft.status)
    else:
        try:
            joining.enter(mine)
            said = form.cleaned_data["body"]
            sending.post(mine.room, person, said, draft.added, key=key or None, thread=thread_in(request))
            return _sent(request, mine)
        except Refused as refusal:
            draft.refuse(str(refusal), refusal.status)
            metrics.refused(refusal.status)
        except OperationalError:
            log.warning("room %s: a message could not be kept", mine.room.pk, exc_info=True)
            draft.refuse(_("It could not be kept just now. Please send it again."))
    return _show(request, mine, person, draft)


def _check_may_post(mine: Access) -> None:
    if problem := mine.why_not_post():
        raise Refused(problem)


def _draft(request: HttpRequest, person: Person) -> Draft:
    """What the form holds; the files that came with it are kept."""
    draft = Draft(BodyForm(request.POST).key() or new_key(), request.POST.get("body", ""))
    tokens = request.POST.getlist("added")[: settings.FILES_PER_MESSAGE]
    unsent = {file.token: file for file in _unsent(person, tokens)}
    draft.added = [unsent[token] for token in dict.fromkeys(tokens) if token in unsent]
    if len(draft.added) < len(set(tokens)):
        draft.refuse(_("A file is not there any more. Please choose it again."))
    for file in draft.added:
        file.caption = request.POST.get(f"caption-{file.token}", "")
    sent = cast(list[UploadedFile], request.FILES.getlist("files"))
    most = settings.FILES_PER_MESSAGE
    if len(draft.added) + len(sent) > most:
        problem = ngettext(
            "A message takes %(most)s file, and these are %(count)s.",
            "A message takes %(most)s files, and these are %(count)s.",
            most,
        )
        draft.refuse(problem % {"most": most, "count": len(draft.added) + len(sent)})
    elif too_many := sent and limits.count(limits.UPLOADS, person.pk, address_of(request), len(sent)):
        draft.refuse(too_many, 429)
    else:
        captions = request.POST.getlist("caption")
        for file_sent, caption in zip(sent, captions + [""] * len(sent), strict=False):
            _keep(draft, person, file_sent, caption)
    return draft


def _keep(draft: Draft, person: Person, sent: UploadedFile, caption: str) -> None:
    try:
        file = sending.keep(person, sent)
    except ValidationError as error:
        draft.refuse(error.messages[0])
    except Refused as refusal:
        draft.refuse(str(refusal), refusal.status)
    else:
        file.caption = caption
        draft.new.append(file)
        draft.added.append(file)


def _check_captions(draft: Draft) -> None:
    for file in draft.added:
        try:
            file.caption = clean_caption(file.caption)
        except ValidationError as error:
            problem = {"name": file.name, "problem": error.messages[0]}
            draft.refuse(_("“%(name)s”: %(problem)s") % problem)


def _unsent(person: Person, tokens: list[str]) -> QuerySet[File]:
    return File.objects.unsent_of(person.pk).filter(token__in=[token.replace("\0", " ") for token in tokens])


def _sent(request: HttpRequest, mine: Access) -> HttpResponse:
    if getattr(request, "htmx", False):
        return render(request, "attach.html#sent", {"room": mine.room, "thread": thread_in(request)})
    thread = thread_in(request)
    return redirect("thread", mine.room.slug, thread) if thread else redirect(mine.room)


def _show(request: HttpRequest, mine: Access, person: Person, draft: Draft) -> HttpResponse:
    is_part = bool(getattr(request, "htmx", False)) or request.GET.get("part") == "1"
    context = {
        "access": mine,
        "room": mine.room,
        "thread": thread_in(request),
        "title": title_in(mine.room, person),
        "draft": draft,
        "is_part": is_part,
        "why_not_post": mine.why_not_post(),
    }
    template = "attach.html#form" if is_part else "attach.html"
    return render(request, template, context | _limits(), status=draft.status)


def _limits() -> dict[str, object]:
    return {
        "most": settings.FILES_PER_MESSAGE,
        "most_mb": settings.FILE_MAX_MB,
        "caption_length": File.CAPTION_LENGTH,
    }
