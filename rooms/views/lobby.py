from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from rooms.accounts.first import is_fresh
from rooms.forms import JoinForm, RoomForm
from rooms.joining import open_room
from rooms.models import Kind, Room, SiteSettings
from rooms.views.people import person_of, sign_in_guest

MOST_ROOMS = 100


def listed_rooms() -> list[Room]:
    """The open rooms, the liveliest first, each with how many people are in it."""
    rooms = Room.objects.filter(kind=Kind.OPEN, archived_at=None)
    return list(rooms.with_people().liveliest_first()[:MOST_ROOMS])


@require_http_methods(["GET", "HEAD", "POST"])
def lobby(request: HttpRequest) -> HttpResponse:
    """The open rooms, and the form that leads into one, making it if there is none."""
    person = person_of(request)
    context = {"rooms": listed_rooms(), "is_fresh": is_fresh()}
    if person is None and not SiteSettings.current().guests_allowed:
        return render(request, "lobby.html", context, status=403 if request.method == "POST" else 200)
    form_class = RoomForm if person else JoinForm
    form = form_class(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                if person is None:
                    person = sign_in_guest(request, form.cleaned_data["username"])
                room = open_room(form.cleaned_data["room_name"], person)
            return redirect(room)
        except IntegrityError:
            form = form_class(request.POST)  # somebody took the name in this very moment
            form.is_valid()
    status = 422 if form.is_bound else 200
    return render(request, "lobby.html", context | {"form": form}, status=status)
