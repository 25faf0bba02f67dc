"""The first account of a site is its administrator's."""

from datetime import timedelta

from django.utils import timezone

from rooms.models import Person, SiteSettings

# Whoever comes first is trusted while there is little to be had. On a site that people have come to
# for longer, and that has no administrator yet, it takes `manage.py createsuperuser`.
FRESH_FOR = timedelta(days=1)


def is_fresh() -> bool:
    """Whether the next account is the administrator's: there is none, and guests are new here."""
    first = Person.objects.order_by("pk").only("is_guest", "date_joined").first()
    if first is None:
        return True
    if not first.is_guest or timezone.now() - first.date_joined > FRESH_FOR:
        return False
    return not Person.objects.filter(is_guest=False).exists()


def make_administrator_if_first(person: Person) -> None:
    """Call it in the transaction that makes the account of `person`, who is not saved here."""
    if is_fresh():
        SiteSettings.locked()
        person.is_staff = person.is_superuser = is_fresh()
