"""What one may do with a message, in a menu that is fetched when it is opened."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rooms import emoji, extras
from rooms.access import Access
from rooms.models import Person
from rooms.views.acts import in_room
from rooms.views.message import acts_of, find_message


@require_safe
@in_room
def menu(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The menu of one message, as a fragment."""
    message = find_message(mine, seq)
    context = {
        "access": mine,
        "message": message,
        "line": extras.first_line(message),
        "link": request.build_absolute_uri(message.get_absolute_url()),
        "at_hand": emoji.found(""),
        "may_reply": message.deleted_at is None and not mine.why_not_post(),
        **acts_of(mine, person, message),
    }
    return render(request, "menu.html", context)
