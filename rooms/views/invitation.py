from django.contrib.auth import login
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rooms import invitations
from rooms.forms import NameForm
from rooms.limits import TooMany
from rooms.models import Invitation, Person, SiteSettings
from rooms.views.people import new_guest, person_of


class UsedUp(Exception):
    """Somebody else has taken the last use, in this very moment."""


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Where an invitation leads, and the way in."""
    invitation, person = invitations.usable(token), person_of(request)
    if invitation is None or not invitations.leads_in(invitation, person):
        return _no_such(request)
    try:
        return _to_person(request, invitation, person) if person else _to_stranger(request, invitation)
    except UsedUp:
        return _no_such(request)


def _no_such(request: HttpRequest) -> HttpResponse:
    return render(request, "no-invitation.html", status=404)


def _to_person(request: HttpRequest, invitation: Invitation, person: Person) -> HttpResponse:
    if person.is_guest:
        invitations.remember(request.session, invitation)
    if request.method != "POST":
        return render(request, "invitation.html", {"invitation": invitation})
    if invitation.room is None:  # to the site, where they are
        return redirect("keep-name" if person.is_guest else "lobby")
    if not invitations.accept(invitation, person):
        raise UsedUp
    return redirect(invitation.room)


def _to_stranger(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    invitations.remember(request.session, invitation)
    form, status = None, 200
    if invitation.room and SiteSettings.current().guests_allowed:
        form = NameForm(request.POST if request.method == "POST" else None)
        status = 422 if form.is_bound else 200
        if request.method == "POST" and form.is_valid():
            try:
                _let_in_guest(request, invitation, form.cleaned_data["username"])
                return redirect(invitation.room)
            except TooMany as too_many:
                form.add_error(None, str(too_many))
                status = too_many.status
            except IntegrityError:
                form.full_clean()  # somebody took the name in this very moment
    return render(request, "invitation.html", {"invitation": invitation, "form": form}, status=status)


def _let_in_guest(request: HttpRequest, invitation: Invitation, name: str) -> None:
    with transaction.atomic():
        guest = new_guest(request, name)
        if not invitations.accept(invitation, guest):
            raise UsedUp
    login(request, guest)
