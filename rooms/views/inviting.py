"""Bringing others into a room: by name, or with a link."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rooms import joining, limits
from rooms.access import Access
from rooms.addresses import address_of
from rooms.joining import invitations_for
from rooms.models import Person
from rooms.room_forms import InviteForm, LinkForm
from rooms.views.about import show
from rooms.views.acts import in_room, tried


@require_POST
@in_room
def invite(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `names`: bring these people in."""
    form = InviteForm(request.POST, auto_id="invite-%s")
    whose = person.pk, address_of(request)

    def bring_in() -> None:
        names = form.cleaned_data["names"]
        with transaction.atomic():
            for other in names:
                joining.invite(mine.room, other, person)
            limits.take(limits.INVITATIONS, *whose, times=len(names))

    if status := tried(form, bring_in):
        return show(request, mine, person, status, invite=form)
    names = ", ".join(other.username for other in form.cleaned_data["names"])
    messages.success(request, _("In the room now: %(names)s.") % {"names": names})
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def make_link(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `days`, `most_uses`: a link that lets people in."""
    form = LinkForm(request.POST, auto_id="link-%s")
    whose = person.pk, address_of(request)

    def make() -> None:
        limits.take(limits.INVITATIONS, *whose)
        joining.make_invitation(mine.room, person, form.expires_at(), form.cleaned_data["most_uses"])

    if status := tried(form, make):
        return show(request, mine, person, status, link=form)
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def revoke_link(request: HttpRequest, mine: Access, person: Person, pk: int) -> HttpResponse:
    if not invitations_for(mine).filter(pk=pk).delete()[0]:
        raise Http404
    return redirect("about", mine.room.slug)
