"""The room opened at a message of the past, and the way from there to its live end.

The page is not live while there are newer messages than it shows: what is said meanwhile must not
appear below a gap. Its last message leads on to the next page, that one to the one after it, and
the last of these has the page connect. What came or changed since the page was loaded is then
sent to it, for its cursor is still the clock of that moment, before anything that it shows was
read: so nothing is missing, a message that is there by now replaces itself, and one that was
deleted meanwhile is shown as deleted.
"""

from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_safe

from rooms import history
from rooms.access import Access
from rooms.models import Message, Person
from rooms.views.acts import in_room, thread_in
from rooms.views.room import composer, show

LIVE_END = '{"live-end": {"target": "#room"}}'


@csp_update({"frame-src": [SELF]})
@require_safe
@in_room
def message(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The conversation around one message."""
    page = history.around(mine.room, seq, history.said_in(0))
    found = [message for message in page.messages if message.seq == seq]
    if not found:
        return redirect(in_thread(mine, seq))
    found[0].is_here = True
    return show(request, mine, person, page)


def in_thread(mine: Access, seq: int) -> str:
    """Where one of the room's messages is that is in a thread."""
    in_threads = Message.objects.filter(room=mine.room, seq=seq).exclude(thread_seq=None)
    message = get_object_or_404(in_threads.only("seq", "thread_seq"))
    message.room = mine.room
    return f"{message.thread_url}?at={seq}#message-{seq}"


@require_safe
@in_room
def newer(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The messages after that one, as a fragment; the last of them makes the page live. With `thread=SEQ`
    in its address, those in the thread under that message."""
    thread = thread_in(request)
    page = history.after(mine.room, seq, history.said_in(thread))
    context = {"room": mine.room, "page": page, "thread": thread}
    if not page.has_newer:
        context |= composer(request, mine, thread=thread) | {"focus": False}  # who comes reads
    response = render(request, "room.html#newer", context)
    if not page.has_newer:
        response["HX-Trigger"] = LIVE_END
    return response
