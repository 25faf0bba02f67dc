"""allauth's forms, in Parlor's words and with Parlor's names."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.internal.flows.manage_email import email_already_exists
from allauth.account.models import EmailAddress
from django import forms
from django.db import transaction
from django.http import HttpRequest

from rooms.accounts.banned import ban_notice
from rooms.forms import NameForm
from rooms.models import Person
from rooms.names import look_alike_keys, same_name_key

PASSWORD_HELP = "At least 8 characters, and not one that others use too."  # noqa: S105


def _plain(form: forms.Form) -> None:
    """Labels say what a field is for: a placeholder would go away with the first letter."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
    for name in ("password1", "new_password"):
        if name in form.fields:
            form.fields[name].help_text = PASSWORD_HELP


class LogInForm(allauth.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = "Email or name"
        # What a password manager fills in, and what no keyboard is to begin with a capital letter.
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}
        self.fields["login"].widget.attrs["dir"] = "auto"
        self.fields["password"].help_text = ""
        _plain(self)

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
        cleaned: dict[str, Any] = super().clean()
        if self.user is not None and self.user.is_banned:
            raise forms.ValidationError(ban_notice(self.user), code="banned")
        return cleaned


class NamedForm(NameForm):
    """Who is making an account: with a name as guests have, and everything saved or nothing."""

    field_order = ["username", "email", "password1"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Your name"
        self.fields["username"].help_text = "It is how others see you."
        self.fields["username"].widget.attrs.pop("maxlength", None)  # it counts an emoji as two
        self.fields["email"].help_text = "Nobody here sees it."
        _plain(self)

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


class ChangePasswordForm(allauth.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = "Your password now"
        self.fields["oldpassword"].help_text = ""
        _name_new_password(self)


class SetPasswordForm(allauth.SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_new_password(self)


class ResetPasswordKeyForm(allauth.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _name_new_password(self)


def _name_new_password(form: forms.Form) -> None:
    form.fields["password1"].label = "New password"
    form.fields["password2"].label = "The new password again"
    _plain(form)
