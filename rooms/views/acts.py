"""What the pages about rooms have in common: whom they answer, and how they say no."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url
from django.views.decorators.cache import never_cache

from rooms import access
from rooms.access import Access, Refused
from rooms.views.people import person_of

View = Callable[..., HttpResponseBase]


def in_room(view: View) -> View:
    """For a view of one room: in place of the room's slug it is given what the person who asks may
    do there, and the person. Whoever may not know of the room gets the answer that there is none;
    strangers are sent to its page, where they are asked for a name."""

    return never_cache(in_room_kept(view))


def in_room_kept(view: View) -> View:
    """As `in_room`, for a view that says itself for how long its answer may be kept."""

    @wraps(view)
    def wrapper(request: HttpRequest, slug: str, **kwargs: Any) -> HttpResponseBase:
        person = person_of(request)
        mine = access.find(slug, person)
        if person is None:
            return redirect(mine.room)
        if mine.is_banned:
            return render(request, "banned.html", {"access": mine}, status=403)
        if mine.room.slug != slug and request.method != "POST":
            return moved(request, mine)
        try:
            return view(request, mine, person, **kwargs)
        except Refused as refusal:
            return refused(request, refusal)

    return wrapper


def signed_in(view: View) -> View:
    """For a view that is given the person who asks. Strangers are sent to where they can come in."""

    @never_cache
    @wraps(view)
    def wrapper(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        person = person_of(request)
        if person is None:
            return redirect_to_login(request.get_full_path())
        try:
            return view(request, person, **kwargs)
        except Refused as refusal:
            return refused(request, refusal)

    return wrapper


def moved(request: HttpRequest, mine: Access) -> HttpResponse:
    """The way from where the room was to where it is."""
    assert request.resolver_match is not None  # noqa: S101 — a view was found
    kwargs = request.resolver_match.kwargs | {"slug": mine.room.slug}
    query = request.META.get("QUERY_STRING", "")
    address = resolve_url(request.resolver_match.view_name, **kwargs)
    return redirect(f"{address}?{query}" if query else address)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A page that says why something cannot be."""
    return render(request, "refused.html", {"why": str(refusal)}, status=refusal.status)


def tried(form: Form, act: Callable[[], object]) -> int:
    """Do `act` if the form is as it should be. Returns 0 if it is done, and otherwise the status of
    the page that shows the form again, with what is wrong."""
    if not form.is_valid():
        return 422
    try:
        act()
    except Refused as refusal:
        form.add_error(None, str(refusal))
        return refusal.status
    return 0


def number(request: HttpRequest, name: str) -> int | None:
    """The number in the address, or None where there is none or it is not one."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def thread_in(request: HttpRequest) -> int:
    """The seq of the message whose thread the address names; 0 where it names none."""
    return number(request, "thread") or 0


def is_on(request: HttpRequest) -> bool:
    """Whether a button that turns something on or off was pressed to turn it on."""
    return request.POST.get("on") == "1"
