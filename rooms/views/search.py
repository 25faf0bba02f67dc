"""Looking for what was said, and for people and rooms."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from rooms import limits
from rooms.addresses import address_of
from rooms.models import Person
from rooms.search.query import with_room
from rooms.search.results import search as find
from rooms.views.acts import number, signed_in


@require_safe
@signed_in
def search(request: HttpRequest, person: Person) -> HttpResponse:
    """GET `?q=`: what is found; `?room=SLUG`: in that room; `?order=best`: the best of the newest;
    `?before=PLACE`: the next page. To htmx, the results alone."""
    text = request.GET.get("q", "")
    if slug := request.GET.get("room", ""):
        text = with_room(text, slug)
    best = request.GET.get("order") == "best"
    is_live = "HX-Request" in request.headers
    template = "search.html#found" if is_live else "search.html"
    too_many = text.strip() and limits.count(limits.SEARCHES, person.pk, address_of(request))
    if too_many:
        return render(request, template, {"text": text, "too_many": too_many, "is_live": is_live}, status=429)
    found = find(text, person, before=number(request, "before"), best=best)
    context = {"text": text, "found": found, "best": best, "is_live": is_live}
    return render(request, template, context)
