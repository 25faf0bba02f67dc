"""What people say of themselves and how they want their pages, checked."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from rooms.events import Notice
from rooms.forms import NameForm, TextField, too_long
from rooms.models import Person
from rooms.names import look_alike_keys
from rooms.pictures import portrait
from rooms.publishing import notify_after_commit
from rooms.zones import is_zone, zones_by_region

NO_CHOICE = {"invalid_choice": _("Please choose one of these.")}


class SettingsForm(NameForm):
    """How a person is called, what they say of themselves, and how they want their pages."""

    bio = TextField(
        label=_("About you"),
        required=False,
        help_text=_("Whoever is signed in can read it on your page."),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        help_text=_("All times that you see are in it, and your page tells what time it is where you are."),
        error_messages=NO_CHOICE,
    )
    theme = forms.ChoiceField(
        label=_("Colours"), required=False, choices=Person.Theme.choices, error_messages=NO_CHOICE
    )

    mail_minutes = forms.TypedChoiceField(
        label=_("Mail when somebody names you or writes to you, and you are away"),
        coerce=int,
        required=False,
        empty_value=None,  # it stays as it is
        choices=[
            (5, _("After 5 minutes")),
            (15, _("After 15 minutes")),
            (60, _("After an hour")),
            (1440, _("After a day")),
            (0, _("Never")),
        ],
        error_messages=NO_CHOICE,
    )

    sound = forms.BooleanField(
        label=_("A sound when somebody names you or writes to you"),
        required=False,
        help_text=_(
            "For rooms that you do not look at. Some browsers play none before you have touched the page."
        ),
    )

    def __init__(self, data: Any, person: Person) -> None:
        names = ("username", "bio", "time_zone", "theme", "mail_minutes", "sound")
        super().__init__(data, initial={name: getattr(person, name) for name in names})
        self.person = person
        if person.is_guest:
            del self.fields["mail_minutes"]  # no mail finds them
        self.fields["time_zone"].choices = _zone_choices(person.time_zone)  # type: ignore[attr-defined]

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        others = Person.looking_like(name).exclude(pk=self.person.pk)
        # Names brought in from elsewhere may look like others; who has one may keep it.
        return name if name == self.person.username or not others.exists() else super().clean_username()

    def clean_bio(self) -> str:
        bio = self.cleaned_data["bio"].replace("\r\n", "\n").replace("\0", "").strip()
        if len(bio) > Person.BIO_LENGTH:
            raise too_long(len(bio), Person.BIO_LENGTH)
        return bio

    def save(self) -> None:
        """Keep it all. Raises IntegrityError where somebody took the name in this very moment."""
        values = {name: value for name, value in self.cleaned_data.items() if value is not None}
        name = values["username"]
        with transaction.atomic():
            if name != self.person.username:
                values["folded_key"], values["written_key"] = look_alike_keys(name)
                notify_after_commit(Notice(self.person.pk, "renamed", name=name))
            if values["sound"] != self.person.sound:
                notify_after_commit(Notice(self.person.pk, "rooms"))
            Person.objects.filter(pk=self.person.pk).update(**values)


class PictureForm(forms.Form):
    """A file, which becomes `picture` as `pictures.portrait` makes it: unless there were `too_many`, as
    that then says."""

    MISSING = _("Please choose a file first.")

    picture = forms.FileField(
        label=_("New picture"),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp,image/gif"}),
        error_messages={"required": MISSING, "invalid": MISSING, "empty": _("That file is empty.")},
        help_text=_("JPEG, PNG, WebP or GIF, up to 5 MB. The middle of it is shown."),
    )

    def __init__(self, *args: Any, too_many: str = "") -> None:
        super().__init__(*args)
        self.too_many = too_many

    def clean_picture(self) -> bytes:
        if self.too_many:  # to make one takes time and memory
            raise ValidationError(self.too_many, code="too_many")
        file = self.cleaned_data["picture"]
        return portrait(file, file.size)


def _zone_choices(chosen: str) -> list[Any]:
    groups = zones_by_region()
    is_offered = any(name == chosen for _, zones in groups for name, _ in zones)
    # It may have been brought in from elsewhere; who has it may keep it.
    other = [(chosen, chosen)] if is_zone(chosen) and not is_offered else []
    return [("", _("As the site has it (%(zone)s)") % {"zone": settings.TIME_ZONE}), *other, *groups]
