from typing import cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.signup import complete_signup, prevent_enumeration
from allauth.account.utils import get_next_redirect_url
from allauth.core.ratelimit import consume_or_429
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from rooms.accounts.forms import KeepNameForm
from rooms.models import Person


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@sensitive_post_parameters("password1")
def keep_name(request: HttpRequest) -> HttpResponse:
    """A guest gives an email and a password, and has an account from then on."""
    guest = cast(Person, request.user)
    if not guest.is_guest:
        return redirect("account_email")
    has_begun = guest.has_usable_password()  # and has yet to confirm the email
    if not has_begun and not get_adapter().is_open_for_signup(request):
        return render(request, "account/signup_closed.html")
    if limited := consume_or_429(request, action="signup"):
        return limited
    form = KeepNameForm(request.POST if request.method == "POST" else None, guest=guest)
    if request.method == "POST" and form.is_valid():
        if form.account_already_exists:
            return prevent_enumeration(request, email=form.cleaned_data["email"])
        person = form.save(request)
        go_on(request, person)
        response = complete_signup(request, user=person, redirect_url=get_next_redirect_url(request))
        if not person.is_guest:
            messages.success(request, _("“%(name)s” is yours now.") % {"name": person.username})
        return response
    context = {"form": form, "next": get_next_redirect_url(request)}
    return render(request, "account/keep_name.html", context, status=422 if form.is_bound else 200)


def go_on(request: HttpRequest, person: Person) -> None:
    """The session of a guest goes on as that of an account, under a key that nobody has seen."""
    update_session_auth_hash(request, person)
    # allauth looks whether sessions still hold in the database, and ends those that do not.
    request.session.save()
    UserSession.objects.create_from_request(request)
