import logging

from csp.constants import SELF
from csp.decorators import csp_replace, csp_update
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods

from rooms import changes, limits
from rooms.forms import MessageForm, NameForm, new_key
from rooms.hub import PAGE
from rooms.models import Membership, Message, Person, Room, SiteSettings
from rooms.views.lobby import MOST_ROOMS
from rooms.views.people import person_of, sign_in_guest

log = logging.getLogger(__name__)

SPARES = 20  # messages that can wait to be sent at once


@never_cache
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # it takes views with arguments too
@require_http_methods(["GET", "HEAD", "POST"])
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """The live room; a stranger is asked for a name first."""
    room = get_object_or_404(Room.objects.at(slug))
    person = person_of(request)
    if person is None:
        return _ask_name(request, room)
    return _show(request, room, person)


def _ask_name(request: HttpRequest, room: Room) -> HttpResponse:
    if not SiteSettings.current().guests_allowed:
        return render(request, "name.html", {"room": room}, status=403 if request.method == "POST" else 200)
    form = NameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            sign_in_guest(request, form.cleaned_data["username"])
            return redirect(room)
        except IntegrityError:
            form = NameForm(request.POST)
            form.is_valid()
    return render(request, "name.html", {"form": form, "room": room}, status=422 if form.is_bound else 200)


def _show(
    request: HttpRequest,
    room: Room,
    person: Person,
    body: str = "",
    key: str = "",
    problems: list[str] | None = None,
) -> HttpResponse:
    # Asked first: to read a room, nobody has to wait for those who write.
    if not Membership.objects.filter(room=room, person=person).exists():
        Membership.join(room.pk, person.pk)
    # The clock in `room` was read before the messages: the page shows at least that much.
    before = _seq(request, "before")
    page = Message.objects.page_before(room.pk, size=PAGE, before=before)
    context = {
        "room": room,
        "is_live": before is None,
        "rooms": Room.objects.liveliest_first()[:MOST_ROOMS],
        "messages": page,
        "keys": [key or new_key(), *(new_key() for _ in range(SPARES))],
        "body": body,
        "problems": problems,
    }
    return render(request, "room.html", context, status=422 if problems else 200)


def _seq(request: HttpRequest, name: str) -> int | None:
    """The seq in the address, or None where there is none or it is not one."""
    seq = request.GET.get(name, "")
    return int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 19 else None


@never_cache
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF]})
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, slug: str) -> HttpResponse:
    """GET `?before=SEQ`: the messages before that one, as a fragment. GET `?after=SEQ`: those after
    it, as a small page that refreshes itself, for a frame where there is no JavaScript.
    POST `body`: say it, without a socket."""
    room = get_object_or_404(Room.objects.at(slug))
    person = person_of(request)
    if person is None:
        return redirect(room)
    if request.method == "POST":
        return _post(request, room, person)
    page = Message.objects.page_before(room.pk, size=PAGE, before=_seq(request, "before"))
    after = _seq(request, "after")
    if after is None:
        return render(request, "room.html#older", {"room": room, "messages": page})
    newer = [message for message in page if message.seq > after]
    return render(request, "newer.html", {"room": room, "messages": newer, "now": timezone.now()})


def _post(request: HttpRequest, room: Room, person: Person) -> HttpResponse:
    form = MessageForm(request.POST)
    problems = [] if form.is_valid() else form.problems()
    if not problems and not limits.may_post(person.pk):
        problems = [limits.TOO_MANY]
    if not problems:
        try:
            changes.post(room, person, form.cleaned_data["body"], key=form.key() or None)
            limits.posted(person.pk)
            return redirect(room)
        except OperationalError:
            log.warning("room %s: a message could not be kept", room.pk, exc_info=True)
            problems = ["It could not be kept just now. Please send it again."]
    return _show(request, room, person, request.POST.get("body", ""), form.key(), problems)
