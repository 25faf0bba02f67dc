"""What people send, checked: one form for each, whichever road it comes by."""

import re
import secrets
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from rooms.models import Message, Person, Room
from rooms.names import clean_name, holds_comma
from rooms.texts import number

KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def new_key() -> str:
    """A name for a message that is yet to be sent."""
    return secrets.token_urlsafe(9)


def too_long(count: int, most: int) -> ValidationError:
    """What tells that a text has so many characters, and may have no more than `most`."""
    problem = ngettext(
        "It is %(count)s character long; %(most)s is the most.",
        "It is %(count)s characters long; %(most)s is the most.",
        count,
    )
    return ValidationError(problem % {"count": number(count), "most": number(most)}, code="max_length")


class TextField(forms.Field):
    """Text that can be stored: a string, without NUL, and without halves of characters."""

    def to_python(self, value: Any) -> str:
        if value in self.empty_values:
            return ""
        if not isinstance(value, str):
            raise ValidationError(_("That was not text."), code="type")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValidationError(
                _("It holds half a character. Please type it again."), code="surrogate"
            ) from None
        return value


class NameField(TextField):
    """A name of a person or a room."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length

    def clean(self, value: Any) -> str:
        return clean_name(self.to_python(value), self.max_length)


def check_commas(name: str) -> None:
    """Raises ValidationError where the name could be read as the names of several people."""
    if holds_comma(name):
        raise ValidationError(_("Please leave out the comma: it is what stands between names."), code="comma")


def free_name(name: str) -> str:
    """The name, without a comma, which nobody may have, nor one like it. Raises ValidationError,
    which tells of one that is free, where somebody has."""
    check_commas(name)
    if Person.looking_like(name).exists():
        raise ValidationError(
            _("Somebody is called that, or nearly. How about “%(name)s”?") % {"name": Person.free_name(name)},
            code="taken",
        )
    return name


class NameForm(forms.Form):
    """Who is coming."""

    username = NameField(
        label=_("Your name"),
        max_length=Person.NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "dir": "auto"}),
    )

    def clean_username(self) -> str:
        return free_name(self.cleaned_data["username"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        # Whoever has a name from when it might hold a comma may keep it, and not choose another.
        if "username" in self.changed_data and cleaned.get("username", "") != self.initial.get("username"):
            try:
                check_commas(cleaned.get("username", ""))
            except ValidationError as error:
                self.add_error("username", error)
        return cleaned


class RoomForm(forms.Form):
    """Which room."""

    room_name = NameField(
        label=_("Room"),
        max_length=Room.NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )


class JoinForm(NameForm, RoomForm):
    """Which room, and who is coming."""

    field_order = ["room_name", "username"]


class SeqField(forms.Field):
    """The seq of a message, or None: whatever else it may be, nothing is lost by taking it for none."""

    def to_python(self, value: Any) -> int | None:
        text = str(value)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


class FrameForm(forms.Form):
    """What comes in a frame. Django's own keeps its bound fields, which keep it, in a circle, until the
    garbage collector comes by."""

    def __getitem__(self, name: str) -> forms.BoundField:
        return self.fields[name].get_bound_field(self, name)


class SharedFields(dict[str, forms.Field]):
    """Fields of a form that no form of its kind changes. Django copies them for each, which takes longer
    than all that these do."""

    def __deepcopy__(self, memo: Any) -> "SharedFields":
        return self


class DraftForm(FrameForm):
    """A text that is being written: `body`, with what leads it, if anything, the sender's `key` for
    it, if it has one, and that of the `draft` it began as, if any."""

    lead = TextField(required=False)
    body = TextField(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data, label_suffix="")  # nobody sees one, and it would be translated for each

    def clean_body(self) -> str:
        body = self.cleaned_data.get("lead", "") + self.cleaned_data["body"]
        return body.replace("\r\n", "\n").replace("\0", "")

    def key(self) -> str:
        """The key as it was sent, or nothing if it is none."""
        return self._key("key")

    def began_as(self) -> str:
        return self._key("draft")

    def _key(self, name: str) -> str:
        key = self.data.get(name)
        return key if isinstance(key, str) and KEY.fullmatch(key) else ""


class MessageForm(DraftForm):
    """A message; `reply` is the seq of the one that it answers, if any."""

    reply = SeqField(required=False)

    def clean_body(self) -> str:
        body = super().clean_body().strip()
        if not body:
            raise ValidationError(_("There is nothing in it."), code="required")
        if len(body) > Message.BODY_LENGTH:
            raise too_long(len(body), Message.BODY_LENGTH)
        return body

    def problems(self) -> list[str]:
        return [str(problem) for problems in self.errors.values() for problem in problems]


for _form in (DraftForm, MessageForm):
    _form.base_fields = SharedFields(_form.base_fields)


class EditForm(forms.Form):
    """A text in place of what a message says."""

    body = TextField(required=False, widget=forms.Textarea(attrs={"dir": "auto", "rows": 4}))

    def clean_body(self) -> str:
        form = MessageForm(self.data)
        if not form.is_valid():
            raise ValidationError(form.problems())
        return str(form.cleaned_data["body"])


class ReactionForm(FrameForm):
    """An emoji for a message: `seq`."""

    seq = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    emoji = TextField()


class CursorForm(FrameForm):
    """The last tick a tab has seen."""

    cursor = forms.IntegerField(min_value=0, max_value=2**63 - 1)
