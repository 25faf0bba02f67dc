"""Who is asking."""

from django.http import HttpRequest

from rooms import context, limits
from rooms.addresses import address_of
from rooms.models import Person


def person_of(request: HttpRequest) -> Person | None:
    """The person signed in, or None."""
    if not request.user.is_authenticated:
        return None
    context.note(person=request.user.pk)
    return request.user


def new_guest(request: HttpRequest, name: str) -> Person:
    """Make a guest called `name`, a name that `NameForm` found free; they have yet to be signed in.
    Raises TooMany where too many have come from the same address."""
    limits.take(limits.GUESTS, None, address_of(request))
    person = Person.guest(name)
    person.save()
    return person
