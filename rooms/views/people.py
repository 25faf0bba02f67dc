"""Who is asking."""

from django.contrib.auth import login
from django.http import HttpRequest

from rooms.models import Person


def person_of(request: HttpRequest) -> Person | None:
    """The person signed in, or None."""
    return request.user if request.user.is_authenticated else None


def sign_in_guest(request: HttpRequest, name: str) -> Person:
    """Make a guest called `name`, a name that `NameForm` found free, and sign them in."""
    person = Person.guest(name)
    person.save()
    login(request, person)
    return person
