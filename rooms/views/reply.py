"""Answering one message of many."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from rooms.access import Access, Refused
from rooms.forms import new_key
from rooms.models import Person
from rooms.sidebar import title_in
from rooms.views.acts import in_room
from rooms.views.message import find_message


@require_safe
@in_room
def reply(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """A field for an answer to the message. Asked for by htmx, for the room's own field: that this is
    what it answers."""
    message = find_message(mine, seq)
    if problem := mine.why_not_post():
        raise Refused(problem)
    if message.deleted_at is not None:
        raise Refused(_("This message was deleted."))
    context = {"access": mine, "message": message, "title": title_in(mine.room, person), "key": new_key()}
    return render(request, "reply.html#part" if request.headers.get("HX-Request") else "reply.html", context)
