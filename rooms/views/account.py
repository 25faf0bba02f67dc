"""Pages about one's account, where allauth's own do not do."""

from typing import Any, cast

from allauth.account import views as allauth
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login
from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.account.internal.flows.signup import complete_signup, prevent_enumeration
from allauth.account.models import EmailAddress, Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ReauthenticationRequired
from allauth.core.ratelimit import consume_or_429
from allauth.socialaccount import views as allauth_social
from allauth.socialaccount.providers.openid_connect.views import login as oidc_login
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from rooms.accounts import closing, first
from rooms.accounts.forms import KeepNameForm, SignUpForm
from rooms.models import Person, SiteSettings
from rooms.views.people import person_of

pages = require_http_methods(["GET", "HEAD", "POST"])


# Coming in -----------------------------------------------------------------------------


def log_in(request: HttpRequest) -> HttpResponse:
    """For strangers, and for guests who have an account; who is in already is led on."""
    person = person_of(request)
    if person and not person.is_guest:
        return redirect(get_next_redirect_url(request) or "lobby")
    return allauth.login(request)


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
    response = oidc_login(request, provider_id)
    if response.status_code != 302:
        return response
    return render(request, "socialaccount/login_redirect.html", {"redirect_to": response.headers["Location"]})


def sign_up(request: HttpRequest) -> HttpResponse:
    """For strangers; a guest has a name to keep."""
    if person := person_of(request):
        return redirect("keep-name" if person.is_guest else get_next_redirect_url(request) or "lobby")
    return _SignUpView.as_view()(request)


social_sign_up = _SocialSignUpView.as_view()


@pages
@sensitive_post_parameters("password1")
def welcome(request: HttpRequest) -> HttpResponse:
    """The first run: whoever comes first makes the account of the administrator."""
    if Person.objects.filter(is_guest=False).exists():
        raise Http404
    if not first.is_fresh():
        return render(request, "welcome.html", status=403)
    form = _form_for(request)
    if request.method == "POST" and form.is_valid() and not form.account_already_exists:
        try:
            with transaction.atomic():
                SiteSettings.locked()
                if not first.is_fresh():
                    raise Http404  # somebody was faster
                person = form.save(request)
                # There is nobody to lock out, and the mail may not work yet.
                person.is_guest, person.is_staff, person.is_superuser = False, True, True
                person.save()
                EmailAddress.objects.filter(user=person).update(verified=True)
            return _welcome_in(request, person)
        except IntegrityError:
            form.full_clean()  # a guest took the name in this very moment
    status = 422 if form.is_bound else 200
    return render(request, "welcome.html", {"form": form}, status=status)


def _form_for(request: HttpRequest) -> SignUpForm:
    """What makes an account: for a guest without the name, which they have."""
    data = request.POST if request.method == "POST" else None
    guest = person_of(request)
    return KeepNameForm(data, guest=guest) if guest else SignUpForm(data)


def _welcome_in(request: HttpRequest, person: Person) -> HttpResponse:
    if request.user == person:
        _go_on(request, person)
    response = perform_login(request, Login(user=person, email_verification="none", redirect_url="/"))
    messages.success(request, f"Welcome, {person.username}. You are the administrator of this site.")
    return response


def _go_on(request: HttpRequest, person: Person) -> None:
    """The session of a guest goes on as that of an account, under a key that nobody has seen."""
    update_session_auth_hash(request, person)
    # allauth looks whether sessions still hold in the database, and ends those that do not.
    request.session.save()
    UserSession.objects.create_from_request(request)


# A guest's name ------------------------------------------------------------------------


@pages
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
        _go_on(request, person)
        response = complete_signup(request, user=person, redirect_url=get_next_redirect_url(request))
        if not person.is_guest:
            messages.success(request, f"“{person.username}” is yours now.")
        return response
    context = {"form": form, "next": get_next_redirect_url(request)}
    return render(request, "account/keep_name.html", context, status=422 if form.is_bound else 200)


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


@pages
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
            messages.success(request, "Your account is closed. Goodbye.")
            return redirect("lobby")
        except closing.OnlyAdministrator:
            pass
    is_only = closing.is_only_administrator(person)
    context = {"is_only_administrator": is_only}
    status = 422 if request.method == "POST" else 200
    return render(request, "account/close.html", context, status=status)
