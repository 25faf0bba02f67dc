"""One message, and what may be done with it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rooms import access
from rooms.models import Message
from rooms.sidebar import title_in
from rooms.views.people import person_of


@never_cache
@require_safe
def message(request: HttpRequest, slug: str, seq: int) -> HttpResponse:
    """One message, with what this viewer may do with it."""
    person = person_of(request)
    mine = access.find(slug, person)
    if person is None or mine.is_banned:
        return redirect(mine.room)
    message = Message.objects.filter(room=mine.room, seq=seq).select_related("author").first()
    if message is None:
        raise Http404
    message.room = mine.room
    context = {
        "access": mine,
        "message": message,
        "title": title_in(mine.room, person),
        "may_delete": mine.may_delete(message),
    }
    return render(request, "message.html", context)
