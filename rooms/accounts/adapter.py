import logging
from typing import Any, cast

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from rooms import invitations
from rooms.accounts.banned import ban_notice
from rooms.accounts.first import make_administrator_if_first
from rooms.forms import free_name
from rooms.models import Person, SiteSettings
from rooms.names import clean_name

log = logging.getLogger(__name__)

WRONG_CODE = _("That code is not right. Please type the one that is shown now.")
WRONG = _("The name or email, or the password, is not right.")


class AccountAdapter(DefaultAccountAdapter):
    """Where allauth asks how things are here."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": WRONG,
        "username_password_mismatch": WRONG,
        "email_taken": _("There is an account with this email already. Is it yours? Then log in."),
        "enter_current_password": _("That is not your password."),
        "incorrect_password": _("That is not your password."),
        "incorrect_code": WRONG_CODE,
        "same_as_current": _("That is the email you have."),
        "too_many_login_attempts": _("Too many attempts. Please wait some minutes, then try again."),
        "rate_limited": _("Too many attempts. Please wait a moment, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        sign_up = SiteSettings.current().sign_up
        if sign_up == SiteSettings.SignUp.INVITATION:
            return invitations.admits(invitations.remembered(request.session))
        return sign_up == SiteSettings.SignUp.OPEN

    def clean_username(self, username: str, shallow: bool = False) -> str:
        name = clean_name(username, Person.NAME_LENGTH)
        return name if shallow else free_name(name)

    def new_user(self, request: HttpRequest) -> Person:
        """Whom to make an account for: the guest who is signed in, or somebody new."""
        person = request.user
        if person.is_authenticated and person.is_guest:
            return Person.objects.get(pk=person.pk)
        return Person()

    def save_user(self, request: HttpRequest, user: Any, form: Any, commit: bool = True) -> Any:
        """Makes the account, and lets its owner in where an invitation has brought them."""
        # A guest who has yet to confirm the email has been let in, and stays one until then.
        is_let_in = user.is_guest and user.has_usable_password()
        with transaction.atomic():
            if not user.is_guest or app_settings.EMAIL_VERIFICATION != "mandatory":
                user.is_guest = False
                make_administrator_if_first(user)
            user = super().save_user(request, user, form, commit)
            takes_one = not is_let_in and SiteSettings.current().sign_up == SiteSettings.SignUp.INVITATION
            if invitation := invitations.remembered(request.session):
                is_in = invitations.accept(invitation, user, signs_up=takes_one)
                is_let_in |= is_in and invitations.admits(invitation)
            if takes_one and not is_let_in:
                # Somebody else has used it up in this very moment.
                raise ImmediateHttpResponse(render(request, "account/signup_closed.html"))
        invitations.forget(request.session)
        return user

    def pre_login(self, request: HttpRequest, user: Any, **kwargs: Any) -> HttpResponse | None:
        if user.is_banned:
            context = {"notice": ban_notice(user)}
            return render(request, "account/banned.html", context, status=403)
        response = cast(HttpResponse | None, super().pre_login(request, user, **kwargs))
        if response is None and request.user.is_authenticated and request.user != user:
            # A guest with an account: the steps of a login are for nobody who is signed in.
            self.logout(request)
        return response

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mail that cannot be sent is told of, and holds up nothing: it can be asked for again."""
        try:
            super().send_mail(template_prefix, email, context)
        except OSError:  # what smtplib raises too
            log.exception("mail could not be sent (%s)", template_prefix)
            text = _("The mail could not be sent just now. Please try again later.")
            self.add_message(self.request, messages.ERROR, message=text)


class TwoFactorAdapter(DefaultMFAAdapter):
    error_messages = DefaultMFAAdapter.error_messages | {"incorrect_code": WRONG_CODE}
