"""The field that a message is written in: in one line or several, what it will look like, and what was
chosen of what was offered."""

from typing import Any

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from rooms import mentions, suggest
from rooms.access import Access
from rooms.forms import DraftForm
from rooms.models import Person, Room
from rooms.views.acts import in_room, thread_in
from rooms.views.room import show_newest

OFFERS = ("person", "room", "emoji")


@csp_update({"frame-src": [SELF]})
@require_http_methods(["GET", "HEAD", "POST"])
@in_room
def compose(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST the form of a message that is being written: the same form with a field of several lines
    (`tall=1`), or one (`tall=0`); with a `preview` of it; or with its last word replaced by a `person`, a
    `room` or an `emoji`. Without htmx, on its page."""
    form = DraftForm(request.POST)
    if request.method != "POST" or not form.is_valid():
        return redirect(mine.room)
    if "tall" in request.POST:
        request.session["tall"] = request.POST["tall"] == "1"
    body = _completed(mine, request.POST)
    preview = rendered(form.cleaned_data["body"], mine.room) if asks_preview(request.POST) else ""
    if "HX-Request" not in request.headers:
        writing = {"body": body, "draft": form.began_as(), "preview": preview, "focus": True}
        return show_newest(request, mine, person, thread_in(request), form.key(), writing)
    context = {
        "room": mine.room,
        "thread": thread_in(request),
        "key": form.key(),
        "tall": is_tall(request),
        "body": body,
        "preview": preview,
    }
    partial = "previewed" if "preview" in request.POST else "composed"
    return render(request, f"room.html#{partial}", context)


def rendered(body: str, room: Room) -> SafeString:
    """`body` as it will look in the room."""
    body = body.strip()
    return mentions.rendered(body, room.pk).html


def is_tall(request: HttpRequest) -> bool:
    """Whether who asks wants to write in several lines."""
    return bool(request.session.get("tall"))


def _completed(mine: Access, posted: Any) -> str:
    body = posted.get("body", "")
    chosen = ((kind, posted[kind]) for kind in OFFERS if kind in posted)
    for kind, value in chosen:
        return suggest.completed(mine, body, kind, value) or body
    return body


def asks_preview(posted: Any) -> bool:
    """The button that shows it hides it, where it is shown."""
    return "preview" in posted and not ("shown" in posted and posted["preview"] == "1")
