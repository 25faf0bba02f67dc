"""Reactions to a message: who reacted, and reacting, without a socket too."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rooms import emoji, limits, reactions
from rooms.access import Access, Refused
from rooms.addresses import address_of
from rooms.forms import ReactionForm
from rooms.models import Person
from rooms.sidebar import title_in
from rooms.views.acts import in_room
from rooms.views.message import find_message


@require_safe
@in_room
def message_reactions(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """Who reacted how, and more emoji to react with: `?q=` are words of their names. Asked for by htmx,
    for the menu, the emoji alone."""
    message = find_message(mine, seq)
    query = request.GET.get("q", "")[:60]
    context = {
        "access": mine,
        "message": message,
        "title": title_in(mine.room, person),
        "people": reactions.people(message),
        "query": query,
        "found": emoji.found(query),
        "may_react": not mine.why_not_react(message),
    }
    asked = request.headers.get("HX-Target", "")
    part = "#found" if "found" in asked else "#picker" if request.headers.get("HX-Request") else ""
    return render(request, f"reactions.html{part}", context)


@require_POST
@in_room
def react(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """POST `emoji`: react with it or, if one has, no longer."""
    message = find_message(mine, seq)
    form = ReactionForm({"seq": seq, "emoji": request.POST.get("emoji", "")})
    if not form.is_valid():
        raise Refused(_("That is not an emoji."))
    limits.take(limits.REACTIONS, person.pk, address_of(request))
    reactions.toggle(message, person, form.cleaned_data["emoji"])
    return HttpResponse(status=204) if request.headers.get("HX-Request") else redirect(message)
