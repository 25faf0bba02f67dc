"""What people send about rooms and each other, checked."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from rooms.forms import NameField, TextField, too_long
from rooms.joining import MOST_PEOPLE
from rooms.models import Level, Person, Report, Role, Room
from rooms.names import look_alike_keys

NO_CHOICE = {"invalid_choice": _("Please choose one of these."), "required": _("Please choose one of these.")}
SECONDS = {"hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000}


class LinesField(TextField):
    """Text of at most `max_length` characters, without space around it."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_length = max_length

    def clean(self, value: Any) -> str:
        text = super().to_python(value).replace("\r\n", "\n").replace("\0", "").strip()
        self.validate(text)
        if len(text) > self.max_length:
            raise too_long(len(text), self.max_length)
        return text


class LineField(LinesField):
    """The same in one line."""

    widget = forms.TextInput(attrs={"dir": "auto"})

    def clean(self, value: Any) -> str:
        return " ".join(super().clean(value).split())


class PeopleField(TextField):
    """Names of people, with commas between them; becomes the people."""

    widget = forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"})

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def clean(self, value: Any) -> list[Person]:
        people, unknown = people_named(self.to_python(value).replace("\0", ""), 2 * self.most)
        if unknown:
            listed = ", ".join(_("“%(name)s”") % {"name": name[: Person.NAME_LENGTH]} for name in unknown)
            problem = _("There is nobody called %(names)s.") % {"names": listed}
            raise ValidationError(problem, code="unknown")
        if not people:
            raise ValidationError(_("Please type a name."), code="required")
        if len(people) > self.most:
            problem = ngettext("%(most)s person is the most.", "%(most)s people is the most.", self.most)
            raise ValidationError(problem % {"most": self.most}, code="most")
        return people


def people_named(text: str, most: int) -> tuple[list[Person], list[str]]:
    """The people named in `text`, with commas between their names, and what is nobody's name. An old
    name may hold a comma or two itself. No more than `most` names are looked at."""
    parts = text.split(",", most)[:most]
    names = {
        (start, end): " ".join(",".join(parts[start:end]).split())
        for start in range(len(parts))
        for end in range(start + 1, min(start + 3, len(parts)) + 1)
    }
    found = people_called(set(names.values()) - {""})
    # How to read the parts from each one on: with as few who are nobody as can be, and then with as
    # many names, so that nobody who is called “ann, bob” stands in for ann and bob.
    readings: dict[int, tuple[int, int, list[str]]] = {len(parts): (0, 0, [])}
    for start in reversed(range(len(parts))):
        choices = []
        for end in range(start + 1, min(start + 3, len(parts)) + 1):
            name = names[start, end]
            if end == start + 1 or name in found:
                strangers, fewer, rest = readings[end]
                is_strange = name != "" and name not in found
                choices.append((strangers + is_strange, fewer - 1, [name, *rest]))
        readings[start] = min(choices)
    read = [name for name in readings[0][2] if name]
    people = dict.fromkeys(found[name] for name in read if name in found)
    return list(people), [name for name in read if name not in found]


def people_called(names: set[str]) -> dict[str, Person]:
    """Those of `names` who are somebody: exactly so, or else nearly."""
    keys = {name: look_alike_keys(name)[0] for name in names if len(name) <= Person.NAME_LENGTH}
    anybody = Person.objects.filter(
        Q(username__in=keys) | Q(folded_key__in=list(keys.values())), is_active=True
    )
    exactly = {person.username: person for person in anybody}
    nearly = {person.folded_key: person for person in anybody}
    found = {name: exactly.get(name) or nearly.get(key) for name, key in keys.items()}
    return {name: person for name, person in found.items() if person is not None}


class PrivateRoomForm(forms.Form):
    """A new private room."""

    name = NameField(
        label=_("Name"),
        max_length=Room.NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )


class DescriptionForm(PrivateRoomForm):
    """What a room is called and says of itself."""

    topic = LineField(
        label=_("Topic"),
        required=False,
        max_length=Room.TOPIC_LENGTH,
        help_text=_("One line, beside the name."),
    )
    description = LinesField(
        label=_("Description"),
        required=False,
        max_length=Room.DESCRIPTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 5, "dir": "auto"}),
    )


class DirectForm(forms.Form):
    """Whom to write to."""

    names = PeopleField(
        label=_("Name"),
        most=MOST_PEOPLE - 1,
        help_text=_("Several people have one conversation together: put commas between their names."),
    )


class InviteForm(forms.Form):
    """Who is to come in."""

    names = PeopleField(label=_("Name"), most=20, help_text=_("Or several, with commas between them."))


class LevelForm(forms.Form):
    """Of what in a room one is told."""

    level = forms.ChoiceField(choices=Level.choices, widget=forms.RadioSelect, error_messages=NO_CHOICE)


class LinkForm(forms.Form):
    """How long an invitation leads into a room, and for how many."""

    DAYS = {"1": _("A day"), "7": _("A week"), "30": _("30 days"), "": _("For ever")}

    days = forms.ChoiceField(
        label=_("It works for"),
        choices=list(DAYS.items()),
        required=False,
        initial="7",
        error_messages=NO_CHOICE,
    )
    most_uses = forms.IntegerField(
        label=_("People it lets in, at most"),
        required=False,
        min_value=1,
        max_value=10_000,
        help_text=_("As many as come, if it is empty."),
    )

    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class ReasonForm(forms.Form):
    """Why something is done; those whom it concerns can read it."""

    reason = LineField(label=_("Reason"), required=False, max_length=Report.REASON_LENGTH)


class ReportForm(forms.Form):
    """What is wrong with a message."""

    reason = LineField(
        label=_("What is wrong with it?"),
        max_length=Report.REASON_LENGTH,
        error_messages={"required": _("Please say what is wrong.")},
    )


class BanForm(forms.Form):
    """Why somebody is kept out, and until when."""

    ENDS = {
        "hour": _("An hour"),
        "day": _("A day"),
        "week": _("A week"),
        "month": _("30 days"),
        "ever": _("For ever"),
    }

    reason = LineField(
        label=_("Reason"),
        max_length=300,
        help_text=_("They are told."),
        error_messages={"required": _("Please say why.")},
    )
    end = forms.ChoiceField(
        label=_("For"), choices=list(ENDS.items()), initial="day", error_messages=NO_CHOICE
    )

    def until(self) -> datetime | None:
        seconds = SECONDS.get(self.cleaned_data["end"])
        return timezone.now() + timedelta(seconds=seconds) if seconds else None


class RoleForm(forms.Form):
    """What somebody is in a room."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, error_messages=NO_CHOICE)


class SlowForm(forms.Form):
    """How long everybody waits between two messages."""

    PAUSES = {
        0: _("Off"),
        5: _("5 seconds"),
        30: _("30 seconds"),
        60: _("1 minute"),
        300: _("5 minutes"),
        900: _("15 minutes"),
        3600: _("1 hour"),
    }

    seconds = forms.TypedChoiceField(
        label=_("Slow mode"),
        choices=list(PAUSES.items()),
        coerce=int,
        help_text=_("How long everybody but moderators waits between two messages."),
        error_messages=NO_CHOICE,
    )


class KeepForm(forms.Form):
    """How long a room keeps what is said in it."""

    days = forms.IntegerField(
        label=_("Keep messages for so many days"),
        required=False,
        min_value=1,
        max_value=36_500,
        help_text=_("For ever, if it is empty."),
    )
    is_sure = forms.BooleanField(label=_("Delete what is older, for good"), required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("days") and not cleaned.get("is_sure"):
            self.add_error("is_sure", _("Please confirm it: nobody can bring back what is deleted."))
        return cleaned
