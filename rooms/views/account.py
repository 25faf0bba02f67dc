"""Pages about one's account, where allauth's own do not do."""

import logging
from typing import Any, cast

from allauth.account import views as allauth
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ReauthenticationRequired
from allauth.socialaccount import views as allauth_social
from allauth.socialaccount.providers.openid_connect.views import login as oidc_login
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from requests import RequestException

from rooms.accounts import closing
from rooms.models import Person
from rooms.views.people import person_of

log = logging.getLogger(__name__)


# Coming in -----------------------------------------------------------------------------


def log_in(request: HttpRequest) -> HttpResponse:
    """For strangers, and for guests who have an account; who is in already is led on."""
    person = person_of(request)
    return _lead_on(request) if person and not person.is_guest else allauth.login(request)


def sign_up(request: HttpRequest) -> HttpResponse:
    """For strangers; a guest has a name to keep."""
    if person := person_of(request):
        return redirect("keep-name") if person.is_guest else _lead_on(request)
    return _SignUpView.as_view()(request)


def _lead_on(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(get_next_redirect_url(request) or reverse("lobby"))


class _NameIsFree:
    """Of two who come by one name at once, the second is told so beside the field."""

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            return super().form_valid(form)  # type: ignore[misc]  # of the view this is mixed into
        except IntegrityError:
            form.full_clean()
            if form.is_valid():
                raise
            return self.form_invalid(form)  # type: ignore[attr-defined]


class _SignUpView(_NameIsFree, allauth.SignupView):
    pass


class _SocialSignUpView(_NameIsFree, allauth_social.SignupView):
    pass


def log_in_elsewhere(request: HttpRequest, provider_id: str) -> HttpResponse:
    """On to the OpenID Connect provider, and not by a redirect of the form: `form-action` would not
    let it leave this site."""
    try:
        response = oidc_login(request, provider_id)
    except RequestException:
        log.warning("the OpenID Connect provider does not answer", exc_info=True)
        messages.error(request, _("The other site does not answer just now. Please try again later."))
        return redirect("account_login")
    if response.status_code != 302:
        return response
    return render(request, "socialaccount/login_redirect.html", {"redirect_to": response.headers["Location"]})


social_sign_up = _SocialSignUpView.as_view()


# Links in mails -----------------------------------------------------------------------


class _KeepsGuest:
    """Nobody loses the name they are here by for having opened a link in a mail."""

    def logout(self) -> None:
        person = person_of(self.request)  # type: ignore[attr-defined]
        if person and not person.is_guest:
            super().logout()  # type: ignore[misc]


class _ConfirmEmailView(_KeepsGuest, allauth.ConfirmEmailView):
    pass


class _PasswordResetFromKeyView(_KeepsGuest, allauth.PasswordResetFromKeyView):
    pass


confirm_email = _ConfirmEmailView.as_view()
reset_password_from_key = _PasswordResetFromKeyView.as_view()


# Leaving -------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def close_account(request: HttpRequest) -> HttpResponse:
    """For good: the name goes, what was said stays."""
    if is_reauthentication_required(request, app="allauth.account"):
        if request.method == "POST":
            # allauth would keep what was asked for, and do it whenever they come back to this page.
            return redirect("close-account")
        raise ReauthenticationRequired
    person = cast(Person, request.user)
    if request.method == "POST":
        try:
            closing.close(person)
            logout(request)
            messages.success(request, _("Your account is closed. Goodbye."))
            return redirect("lobby")
        except closing.OnlyAdministrator:
            pass
    is_only = closing.is_only_administrator(person)
    context = {"is_only_administrator": is_only}
    status = 422 if request.method == "POST" else 200
    return render(request, "account/close.html", context, status=status)
