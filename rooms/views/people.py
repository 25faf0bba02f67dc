"""Who is asking."""

from django.contrib.auth import login
from django.http import HttpRequest

from rooms import limits
from rooms.addresses import address_of
from rooms.models import Person


def person_of(request: HttpRequest) -> Person | None:
    """The person signed in, or None."""
    return request.user if request.user.is_authenticated else None


def sign_in_guest(request: HttpRequest, name: str) -> Person:
    """Make a guest called `name`, a name that `NameForm` found free, and sign them in. Raises TooMany
    where too many have come from the same address."""
    address = address_of(request)
    limits.check(limits.GUESTS, None, address)
    person = Person.guest(name)
    person.save()
    limits.count(limits.GUESTS, None, address)
    login(request, person)
    return person
