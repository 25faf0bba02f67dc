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
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rooms import history
from rooms.access import Access
from rooms.models import Person
from rooms.views.acts import in_room
from rooms.views.room import composer, show

LIVE_END = '{"live-end": {"target": "#room"}}'


@csp_update({"frame-src": [SELF]})
@require_safe
@in_room
def message(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The conversation around one message."""
    page = history.around(mine.room, seq)
    found = [message for message in page.messages if message.seq == seq]
    if not found:
        raise Http404
    found[0].is_here = True
    return show(request, mine, person, page)


@require_safe
@in_room
def newer(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The messages after that one, as a fragment; the last of them makes the page live."""
    page = history.after(mine.room, seq)
    context = {"room": mine.room, "page": page}
    if not page.has_newer:
        context |= composer(request, mine) | {"focus": False}  # who comes reads
    response = render(request, "room.html#newer", context)
    if not page.has_newer:
        response["HX-Trigger"] = LIVE_END
    return response
