from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from rooms.models import Ban, Person


def ban_notice(person: Person) -> str:
    """What somebody who is banned from the site is told when they log in."""
    ban = Ban.objects.in_force().filter(person=person, room=None).first()
    until = ban.until if ban else person.banned_until
    if until:
        told = _("“%(name)s” is banned from this site until %(time)s.")
    else:
        told = _("“%(name)s” is banned from this site for good.")
    time = date_format(timezone.localtime(until), "DATETIME_FORMAT") if until else ""
    told %= {"name": person.username, "time": time}
    why = _("The reason: %(reason)s") % {"reason": ban.reason} if ban and ban.reason else ""
    return f"{told} {why}".rstrip()
