"""The end of an account. What its owner said stays, under a name that is nobody's."""

from itertools import count

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy

from rooms import changes, exports, locks, statements
from rooms.models import (
    Block,
    Draft,
    Export,
    Following,
    Invitation,
    Kind,
    Membership,
    Person,
    Role,
    Saved,
    SiteSettings,
)
from rooms.names import look_alike_keys
from rooms.sessions import end_sessions

FORMER = gettext_lazy("Former member")


class OnlyAdministrator(Exception):
    """Nobody else could take care of the site."""


def close(person: Person) -> None:
    """Close the account of `person`: whatever tells who it was is gone, and nobody can log in to it.

    Raises OnlyAdministrator where it is the last one's.
    """
    with transaction.atomic():
        SiteSettings.locked()  # two administrators who leave at once are one too many
        if is_only_administrator(person):
            raise OnlyAdministrator
        picture = person.picture.name
        _forget(person)
        _anonymise(person)
    if picture:
        person.picture.storage.delete(picture)


def is_only_administrator(person: Person) -> bool:
    others = Person.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    return person.is_superuser and not others.exists()


def _forget(person: Person) -> None:
    end_sessions(person)
    for model in (EmailAddress, Authenticator, SocialAccount):
        model.objects.filter(user=person).delete()
    heirs = _heirs(person)
    locks.take(Membership.objects.filter(Q(person=person) | Q(pk__in=[heir.pk for heir in heirs])))
    for heir in heirs:
        heir.role = Role.OWNER
        heir.save(update_fields=["role"])
        changes.access_changed(heir.room)
    # With what came since they were locked, which nobody else holds.
    Membership.objects.filter(person=person).delete()
    Block.objects.filter(person=person).delete()
    Draft.objects.filter(person=person).delete()
    Saved.objects.filter(person=person).delete()
    locks.take(Following.objects.filter(person=person))
    Following.objects.filter(person=person).delete()
    Invitation.objects.filter(by=person).delete()
    for export in Export.objects.filter(person=person):
        exports.delete(export)
    person.groups.clear()
    person.user_permissions.clear()


def _heirs(person: Person) -> list[Membership]:
    """Of the private rooms that nobody else owns, which are locked, those whose they are to be: their
    longest-standing moderator, or else member. Nobody could come to own them otherwise."""
    heirs = []
    owned = Membership.objects.filter(person=person, role=Role.OWNER, room__kind=Kind.PRIVATE)
    for room in statements.locked_rooms(list(owned.values_list("room", flat=True))).values():
        others = Membership.objects.filter(room=room).exclude(person=person).order_by("joined_at", "pk")
        if others.filter(role=Role.OWNER).exists():
            continue
        able = others.filter(person__is_active=True)
        heir = able.filter(role=Role.MODERATOR).first() or able.first()
        if heir is not None:
            heir.room = room
            heirs.append(heir)
    return heirs


def _anonymise(person: Person) -> None:
    for field in ("email", "bio", "time_zone", "theme", "picture"):
        setattr(person, field, "")
    person.is_active = person.is_staff = person.is_superuser = False
    person.last_login = None
    person.set_unusable_password()
    for number in count(Person.objects.filter(username__startswith=str(FORMER)).count() + 1):
        person.username = f"{FORMER} {number}"
        person.folded_key, person.written_key = look_alike_keys(person.username)
        try:
            with transaction.atomic():
                return person.save()
        except IntegrityError:
            continue  # somebody is called that
