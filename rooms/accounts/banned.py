from django.utils import timezone
from django.utils.formats import date_format

from rooms.models import Ban, Person


def ban_notice(person: Person) -> str:
    """What somebody who is banned from the site is told when they log in."""
    ban = Ban.objects.in_force().filter(person=person, room=None).first()
    until = ban.until if ban else person.banned_until
    when = f"until {date_format(timezone.localtime(until), 'j F Y, H:i')}" if until else "for good"
    why = f" The reason: {ban.reason}" if ban and ban.reason else ""
    return f"“{person.username}” is banned from this site {when}.{why}"
