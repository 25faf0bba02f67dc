"""The feed of a room: for whoever may read it in a browser, and for their feed readers."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import get_conditional_response, patch_cache_control, patch_vary_headers
from django.utils.http import quote_etag
from django.views.decorators.http import require_POST, require_safe

from rooms import access, joining
from rooms import feed as feeds
from rooms.access import Access, NoRoom
from rooms.models import Kind, Person, SiteSettings
from rooms.views.acts import in_room, is_on, moved
from rooms.views.people import person_of


@require_safe
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """To who is signed in and may enter. Of an open room to anybody, where anybody could come in and
    read it; where guests may not, a reader without a session needs a secret link."""
    person = person_of(request)
    mine = access.find(slug, person)
    if mine.room.kind == Kind.DIRECT:
        raise NoRoom
    if mine.is_banned:
        return render(request, "banned.html", {"access": mine}, status=403)
    if person is None and not SiteSettings.current().guests_allowed:
        return redirect(mine.room)
    return _answer(request, mine, slug)


@require_safe
def secret_feed(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """To whoever has the link of somebody who may enter."""
    return _answer(request, access.find_feed(slug, token), slug)


def _answer(request: HttpRequest, mine: Access, slug: str) -> HttpResponse:
    room = mine.room
    if room.slug != slug:
        return moved(request, mine)
    # Whatever changes in the room is a tick of its clock. A date would not tell that a message went.
    etag = quote_etag(f"{room.pk}-{room.clock}")
    response = get_conditional_response(request, etag=etag)
    if response is None:
        link = request.build_absolute_uri()
        text = feeds.feed(room, link, urlsplit(link).hostname or "", request.build_absolute_uri)
        response = HttpResponse(text, content_type="application/atom+xml; charset=utf-8")
    response.headers["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    patch_vary_headers(response, ["Cookie"])
    return response


@require_POST
@in_room
def feed_link(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `on`: a new secret link in place of the one there was, or none."""
    (joining.open_feed if is_on(request) else joining.close_feed)(mine)
    return redirect("about", mine.room.slug)
