"""What one may do with a message, in a menu that is fetched when it is opened."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rooms import emoji, extras
from rooms.access import Access
from rooms.models import Person, Pin, Saved
from rooms.views.acts import in_room
from rooms.views.message import find_message


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
        "may_react": not mine.why_not_react(message),
        "may_reply": message.deleted_at is None and not mine.why_not_post(),
        "may_edit": message.deleted_at is None and mine.may_edit(message),
        "may_pin": message.deleted_at is None and mine.may_pin,
        "is_pinned": Pin.objects.filter(message=message).exists(),
        "is_saved": Saved.objects.filter(message=message, person=person).exists(),
    }
    return render(request, "menu.html", context)
