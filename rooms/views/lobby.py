from typing import Any

from django.contrib.auth import login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from rooms import joining, moderation
from rooms.accounts.first import is_fresh
from rooms.addresses import address_of
from rooms.forms import JoinForm, RoomForm
from rooms.limits import TooMany
from rooms.models import Kind, Person, Room, SiteSettings
from rooms.sidebar import sidebar
from rooms.views.people import new_guest, person_of

MOST_ROOMS = 100
MOST_REPORTS = 99  # that are counted


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
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(_enter(request, person, **form.cleaned_data))
        except TooMany as too_many:
            form.add_error(None, str(too_many))
            status = too_many.status
        except IntegrityError:
            form = form_class(request.POST)  # somebody took the name in this very moment
            form.is_valid()
    context |= {"form": form} | (_own(person) if person else {})
    return render(request, "lobby.html", context, status=status)


def _enter(request: HttpRequest, person: Person | None, room_name: str, username: str = "") -> Room:
    with transaction.atomic():
        somebody = person or new_guest(request, username)
        room = joining.open_room(room_name, somebody, address_of(request))
    if person is None:
        login(request, somebody)
    return room


def _own(person: Person) -> dict[str, Any]:
    """What the lobby holds for who is signed in."""
    return {
        "own_rooms": [entry for entry in sidebar(person).entries if entry.kind != Kind.OPEN],
        "reports": moderation.reports_for(person)[:MOST_REPORTS].count(),
        "most_reports": MOST_REPORTS,
    }
