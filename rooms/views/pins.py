"""Messages kept at hand: pinned for a room, saved for oneself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from rooms import pins
from rooms.access import Access
from rooms.models import Message, Person
from rooms.sidebar import title_in
from rooms.views.acts import in_room, is_on, signed_in
from rooms.views.message import find_message


@require_safe
@in_room
def pinned(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """What is pinned in the room."""
    context = {"access": mine, "title": title_in(mine.room, person), "pinned": pins.pinned(mine.room)}
    return render(request, "pinned.html", context)


@require_POST
@in_room
def pin(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """POST `on`, 1 or 0: keep the message at hand for everybody in the room, or no longer."""
    message = find_message(mine, seq)
    pins.pin(message, person, is_on=is_on(request))
    return _done(request, message)


@require_safe
@signed_in
def saved(request: HttpRequest, person: Person) -> HttpResponse:
    """What one has saved."""
    messages = [(message, title_in(message.room, person)) for message in pins.saved(person)]
    return render(request, "saved.html", {"saved": messages})


@require_POST
@in_room
def save(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """POST `on`, 1 or 0: keep the message at hand for oneself, or no longer."""
    message = find_message(mine, seq)
    pins.save(message, person, is_on=is_on(request))
    return _done(request, message)


def _done(request: HttpRequest, message: Message) -> HttpResponse:
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect(message)
