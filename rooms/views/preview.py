"""A small preview of a message, for below one that links to it."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rooms import access
from rooms.access import NoRoom
from rooms.files_shown import shown_in
from rooms.models import Message, Person
from rooms.views.people import person_of

LENGTH = 200  # characters of its first line


@never_cache
@require_safe
def preview(request: HttpRequest, slug: str, seq: int) -> HttpResponse:
    """Who said it, when, and its first line. To those who may not see it, and where it is not, nothing:
    the link in the message is all they get."""
    person = person_of(request)
    message = _visible(slug, seq, person)
    if message is None:
        return HttpResponse(status=404)
    line = shown_in(message).partition("\n")[0].rstrip()
    context = {"message": message, "line": line if len(line) <= LENGTH else f"{line[: LENGTH - 1]}…"}
    # Where it goes, blanks and line breaks show.
    return HttpResponse(render_to_string("preview.html", context).strip())


def _visible(slug: str, seq: int, person: Person | None) -> Message | None:
    """The message, if `person` may see it and wants to."""
    try:
        mine = access.find(slug, person)
    except NoRoom:
        return None
    if person is None or not mine.may_enter:
        return None
    message = Message.objects.filter(room=mine.room, seq=seq).select_related("author").first()
    if message is None or person.blocks.filter(blocked=message.author_id).exists():
        return None
    message.room = mine.room
    return message
