"""New private rooms, and conversations with somebody."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from rooms import access, joining
from rooms.access import Refused
from rooms.addresses import address_of
from rooms.models import Person
from rooms.room_forms import DirectForm, PrivateRoomForm
from rooms.views.acts import signed_in

pages = require_http_methods(["GET", "HEAD", "POST"])


@pages
@signed_in
def new_room(request: HttpRequest, person: Person) -> HttpResponse:
    """GET: where one names a private room. POST `name`: it is made."""
    form = PrivateRoomForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            room = joining.private_room(form.cleaned_data["name"], person, address_of(request))
            return redirect("about", room.slug)
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
    return render(request, "new-room.html", {"form": form}, status=status)


@pages
@signed_in
def direct(request: HttpRequest, person: Person) -> HttpResponse:
    """GET: where one says whom to write to. POST `names`, or the id of each `person`: the conversation
    with them is opened, and begun if there is none."""
    chosen = _chosen(request)
    sent = {"names": ", ".join(other.username for other in chosen)} if chosen else request.POST
    form = DirectForm(sent if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if chosen or (form.is_bound and form.is_valid()):
        try:
            others = chosen or form.cleaned_data["names"]
            return redirect(joining.direct_room(person, others, address_of(request)))
        except Refused as refusal:
            form.add_error(None, str(refusal))
            status = refusal.status
    return render(request, "direct.html", {"form": form}, status=status)


def _chosen(request: HttpRequest) -> list[Person]:
    """The people whose ids were sent."""
    sent = request.POST.getlist("person")[: joining.MOST_PEOPLE]
    ids = [int(text) for text in sent if text.isascii() and text.isdigit() and len(text) < 19]
    return list(Person.objects.filter(pk__in=ids, is_active=True))


@require_safe
@signed_in
def archived(request: HttpRequest, person: Person) -> HttpResponse:
    """The rooms that the person is in and that were put away."""
    rooms = access.rooms_of(person).exclude(archived_at=None).order_by("-archived_at")[:500]
    return render(request, "archived.html", {"rooms": rooms})
