"""allauth's forms, in Parlor's words and with Parlor's names."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.internal.flows.manage_email import email_already_exists
from allauth.account.models import EmailAddress
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa import app_settings as mfa
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms as allauth_mfa
from allauth.mfa.totp import forms as allauth_totp
from django import forms
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rooms.accounts.banned import ban_notice
from rooms.forms import NameForm
from rooms.models import Person
from rooms.names import look_alike_keys, same_name_key

PASSWORD_HELP = _("At least 8 characters, and not one that others use too.")


class Plain(forms.Form):
    """Without placeholders, which go away with the first letter: labels say what a field is for."""

    labels: dict[str, Any] = {}
    help_texts = {"password1": PASSWORD_HELP}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.help_texts.get(name, "")


class LogInForm(Plain, allauth.LoginForm):
    labels = {"login": _("Email or name")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What a password manager fills in, and what no keyboard is to begin with a capital letter.
        about = {"autocomplete": "username", "autocapitalize": "none", "dir": "auto"}
        self.fields["login"].widget.attrs.update(about)

    def user_credentials(self) -> dict[str, Any]:
        """With the name as it is kept: one is found, and its failed attempts are counted, in
        whatever case it is typed."""
        credentials: dict[str, Any] = super().user_credentials()
        if typed := credentials.get("username"):
            folded, _ = look_alike_keys(typed)
            person = Person.objects.filter(folded_key=folded).only("username").first()
            if person and same_name_key(person.username) == same_name_key(typed):
                credentials["username"] = person.username
        return credentials

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.user is not None and self.user.is_banned:
            raise forms.ValidationError(ban_notice(self.user), code="banned")
        return cleaned


class NamedForm(Plain, NameForm):
    """Who is making an account: with a name as guests have, and everything saved or nothing."""

    field_order = ["username", "email", "password1"]
    labels = {"username": _("Your name")}
    help_texts = Plain.help_texts | {
        "username": _("It is how others see you."),
        "email": _("Nobody here sees it."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.pop("maxlength", None)  # it counts an emoji as two

    def save(self, request: HttpRequest) -> Person:
        with transaction.atomic():
            return super().save(request)  # type: ignore[misc]  # of the form this is mixed into


class SignUpForm(NamedForm, allauth.SignupForm):
    pass


class KeepNameForm(SignUpForm):
    """What a guest adds to their name, which makes an account of it."""

    def __init__(self, *args: Any, guest: Person, **kwargs: Any) -> None:
        self.guest = guest
        super().__init__(*args, **kwargs)
        del self.fields["username"]

    def validate_unique_email(self, value: str) -> str:
        email, self.account_already_exists = email_already_exists(value, user=self.guest)
        return email

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["username"] = self.guest.username
        return super().clean() or {}

    def save(self, request: HttpRequest) -> Person:
        with transaction.atomic():
            # Of an earlier attempt, if there was one: they may have mistyped it.
            EmailAddress.objects.filter(user=self.guest).delete()
            return super().save(request)


class AddEmailForm(Plain, allauth.AddEmailForm):
    labels = {"email": _("New email")}


class ReauthenticateForm(Plain, allauth.ReauthenticateForm):
    pass


class ResetPasswordForm(Plain, allauth.ResetPasswordForm):
    pass


class NewPassword(Plain):
    labels = {
        "oldpassword": _("Your password now"),
        "password1": _("New password"),
        "password2": _("The new password again"),
    }


class ChangePasswordForm(NewPassword, allauth.ChangePasswordForm):
    pass


class SetPasswordForm(NewPassword, allauth.SetPasswordForm):
    pass


class ResetPasswordKeyForm(NewPassword, allauth.ResetPasswordKeyForm):
    pass


class ActivateTOTPForm(Plain, allauth_totp.ActivateTOTPForm):
    labels = {"code": _("The code it shows")}


class CodeOnce(Plain):
    """A code lets in once (RFC 6238, 5.2).

    allauth remembers it for one step only, and a code is taken for three.
    """

    user: Person

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        taken_for = mfa.TOTP_PERIOD * (2 * mfa.TOTP_TOLERANCE + 1)
        if not cache.add(f"code-used:{self.user.pk}:{normalize_user_code(code)}", True, timeout=taken_for):
            raise get_mfa_adapter().validation_error("incorrect_code")
        return code


class CodeForm(CodeOnce, allauth_mfa.AuthenticateForm):
    pass


class ReauthenticateByCodeForm(CodeOnce, allauth_mfa.ReauthenticateForm):
    pass
