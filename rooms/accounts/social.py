"""People who come by way of another site, an OpenID Connect provider."""

from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.manage_email import assess_unique_email
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount import forms as allauth
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base import AuthProcess
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _

from rooms.accounts.forms import NamedForm
from rooms.models import Person


class SignUpForm(NamedForm, allauth.SignupForm):
    field_order = ["username", "email"]


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    error_messages = DefaultSocialAccountAdapter.error_messages | {
        "connected_other": _("That is the login of another account here."),
        "no_password": _("Set a password first: without one you could not log in any more."),
    }

    def new_user(self, request: HttpRequest, sociallogin: SocialLogin) -> Person:
        """Somebody new, even where a guest is signed in: whether it is they is seen below."""
        return Person()

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> Any:
        """The name that is suggested is the one people are called by, not what they log in with."""
        name = data.get("name") or data.get("username")
        return super().populate_user(request, sociallogin, data | {"username": name})

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """A guest who comes back as nobody who has an account keeps their name, and has one now."""
        guest = request.user
        if not (guest.is_authenticated and guest.is_guest) or sociallogin.is_existing:
            return
        if not self.is_open_for_signup(request, sociallogin):
            raise ImmediateHttpResponse(render(request, "account/signup_closed.html"))
        emails = [address.email for address in sociallogin.email_addresses if address.verified]
        name = sociallogin.provider.name
        if any(assess_unique_email(email, user=guest) is not True for email in emails):
            text = _("There is an account with your email already. Log in to it, then connect %(name)s.")
            messages.error(request, text % {"name": name})
            raise ImmediateHttpResponse(redirect("account_login"))
        if not emails and app_settings.EMAIL_VERIFICATION == "mandatory":
            text = _("%(name)s tells of no email that is confirmed. Please give one here.")
            messages.error(request, text % {"name": name})
            raise ImmediateHttpResponse(redirect("keep-name"))
        sociallogin.state["process"] = AuthProcess.CONNECT
        sociallogin.state.setdefault("next", "/")
