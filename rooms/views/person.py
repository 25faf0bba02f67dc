"""Somebody's page, and the picture they are shown by."""

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rooms.initials import initials
from rooms.markup.links import linked
from rooms.models import Person
from rooms.presence import states_now
from rooms.views.people import person_of

MONTH = 60 * 60 * 24 * 30

# The colours of static/css/tokens.css, by the last digit of an id.
HUES = [25, 255, 75, 325, 170, 290, 130, 0, 220, 50]


@never_cache
@require_safe
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """What somebody says of themselves, to whoever is signed in."""
    if person_of(request) is None:
        return redirect_to_login(request.get_full_path())
    person = get_object_or_404(Person, pk=pk)
    context = {
        "person": person,
        "bio": linked(person.bio),
        "now": timezone.now(),
        "states": states_now(),
        "place": person.zone.rpartition("/")[2].replace("_", " "),
    }
    return render(request, "person.html", context)


@require_safe
def picture(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The picture somebody is shown by, or their initials, to whoever is signed in. `?v=` is which
    picture, so that browsers may keep it."""
    if person_of(request) is None:
        raise Http404
    person = get_object_or_404(Person, pk=pk)
    etag = quote_etag(person.picture_version)
    response = get_conditional_response(request, etag=etag) or _picture(person)
    response.headers["ETag"] = etag
    if request.GET.get("v") == person.picture_version:
        patch_cache_control(response, private=True, max_age=MONTH, immutable=True)
    else:
        patch_cache_control(response, private=True, no_cache=True)
    return response


def _picture(person: Person) -> HttpResponse:
    if person.picture and person.is_active:
        try:
            with person.picture.open("rb") as file:
                return HttpResponse(file.read(), content_type="image/webp")
        except FileNotFoundError:
            pass  # the database was brought back without its files
    context = {"initials": initials(person.username), "hue": HUES[person.pk % 10]}
    return HttpResponse(render_to_string("initials.svg", context), content_type="image/svg+xml")
