from collections.abc import Iterable
from hashlib import sha256
from itertools import chain
from secrets import randbelow, token_hex
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rooms.names import clean_name, look_alike_keys
from rooms.zones import is_zone


class Person(AbstractUser):
    """Somebody who can speak. The username is the name they are shown by; a guest has no password."""

    NAME_LENGTH = 40
    BIO_LENGTH = 300

    class Theme(models.TextChoices):
        SYSTEM = "", _("As the system has it")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    username = models.CharField("name", max_length=NAME_LENGTH, unique=True)
    folded_key = models.CharField(max_length=NAME_LENGTH * 4, unique=True, editable=False)
    written_key = models.CharField(max_length=NAME_LENGTH * 4, unique=True, editable=False)
    is_guest = models.BooleanField(default=False)
    banned_until = models.DateTimeField(null=True, blank=True, editable=False)  # from the whole site
    bio = models.CharField(max_length=BIO_LENGTH, blank=True)
    time_zone = models.CharField(max_length=40, blank=True)  # an IANA name; the site's if empty
    theme = models.CharField(max_length=5, blank=True, choices=Theme.choices)
    # How long after somebody named them, and they did not see it, they are told by mail; never, if 0.
    mail_minutes = models.PositiveSmallIntegerField(default=15)
    sound = models.BooleanField(default=False)  # when somebody names them, or writes to them
    picture = models.ImageField(upload_to="pictures/", blank=True)
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "people"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.folded_key:
            self.folded_key, self.written_key = look_alike_keys(self.username)
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("person", args=[self.pk])

    @property
    def zone(self) -> str:
        """The name of the time zone their clock shows: the one they chose, or the site's."""
        return self.time_zone if is_zone(self.time_zone) else settings.TIME_ZONE

    @property
    def picture_version(self) -> str:
        """Another for each picture, and for the initials of each name, so that browsers may keep them."""
        return sha256((self.picture.name or self.username).encode()).hexdigest()[:12]

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """As `clean_name` returns it, and not as Django would have it, who changes letters."""
        return clean_name(username, cls.NAME_LENGTH)

    @property
    def is_banned(self) -> bool:
        """Whether they may not enter this site now."""
        return self.banned_until is not None and self.banned_until > timezone.now()

    @classmethod
    def guest(cls, name: str) -> "Person":
        """An unsaved guest called `name`, a name as `clean_name` returns it."""
        person = cls(username=name, is_guest=True)
        person.folded_key, person.written_key = look_alike_keys(name)
        person.set_unusable_password()
        return person

    @classmethod
    def looking_like(cls, name: str) -> models.QuerySet["Person"]:
        """Everybody who could be taken for `name`."""
        folded, written = look_alike_keys(name)
        return cls.objects.filter(models.Q(folded_key=folded) | models.Q(written_key=written))

    @classmethod
    def free_name(cls, name: str) -> str:
        """A name like `name` that nobody has: the name and a number, a small one if one is free."""
        for number in chain(range(2, 10), iter(lambda: randbelow(100_000), None)):
            suffix = f" {number}"
            candidate = name[: cls.NAME_LENGTH - len(suffix)].rstrip() + suffix
            if not cls.looking_like(candidate).exists():
                break
        return candidate

    @classmethod
    def called(cls, names: Iterable[str]) -> dict[str, "Person"]:
        """The people of exactly these names, by name; a guest is made where there is none.

        Names that look alike are different people here: it is for authors who are known to
        be different, as those of an archive are. `names` are as `clean_name` returns them, and
        at most 900, which is how many values any SQLite takes in one query.
        """
        names = set(names)
        while True:
            known = Person.objects.filter(username__in=names).only("username")
            found = {person.username: person for person in known}
            if len(found) == len(names):
                return found
            # Somebody may come by one of these names, or one like it, in this very moment. Then
            # that row is not made here, and the next round knows.
            guests = [cls.guest(name) for name in sorted(names - found.keys())]
            cls._keep_apart(guests)
            Person.objects.bulk_create(guests, ignore_conflicts=True)

    @classmethod
    def _keep_apart(cls, guests: list["Person"]) -> None:
        """Give those of `guests` who look like somebody else keys that no name has."""
        for field in ("folded_key", "written_key"):
            keys = [getattr(guest, field) for guest in guests]
            taken = set(cls.objects.filter(**{f"{field}__in": keys}).values_list(field, flat=True))
            for guest, key in zip(guests, keys, strict=True):
                if key in taken:
                    guest.folded_key = guest.written_key = f"\n{token_hex(16)}"
                taken.add(key)
