"""Mail to those who were named or written to and did not see it: one for all of it, after a while.

Until they have read a room, they are not told of it again. A mail that was sent in the moment before
its worker was killed is sent twice; none is lost.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from smtplib import SMTPException

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django_tasks import task

from rooms import access, ending, extras, locks
from rooms.models import Kind, Level, Membership, Message, Person
from rooms.queue import queued
from rooms.sidebar import title_in

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
LOOKED_AT = 200  # of a room's messages that are unread, the newest
QUOTED = 5  # messages of one room in a mail
SALT = "rooms.mailing"


@task()
def tell_the_absent() -> None:
    """Mail everybody who is to be told of something by now; done again a minute later."""
    schedule()  # first: whatever becomes of this time, there is a next
    for person, news in overdue(timezone.now()):
        ending.check()
        try:
            mail(person, news)
        except (OSError, SMTPException) as error:
            log.warning("mail could not be sent: %s", error)
            return  # nor could others


def schedule() -> None:
    """See to it that people are told, where there is a server that sends mail."""
    if settings.EMAIL_URL and not queued(tell_the_absent):
        tell_the_absent.using(run_after=timezone.now() + EVERY).enqueue()


def overdue(now: datetime) -> Iterator[tuple[Person, Sequence[Membership]]]:
    """Those who are to be told by `now`, each with all rooms of which they are."""
    verified = EmailAddress.objects.filter(verified=True, primary=True).values("user")
    untold = Membership.objects.filter(
        ~Q(mailed_at__gte=F("mentioned_at")) | Q(mailed_at=None),
        mentions__gt=0,
        person__mail_minutes__gt=0,
        person__in=access.welcome().filter(pk__in=verified),
    )
    by_person = untold.select_related("person", "room").order_by("person", "pk")
    for person, news in groupby(list(by_person), key=attrgetter("person")):
        rooms = set(access.rooms_of(person).values_list("pk", flat=True))
        readable = [one for one in news if one.room_id in rooms]
        latest = now - timedelta(minutes=person.mail_minutes)
        if any(one.mentioned_at and one.mentioned_at <= latest for one in readable):
            yield person, readable


def mail(person: Person, news: Sequence[Membership]) -> None:
    """Tell `person` of what is in these rooms for them, and note that they were told. Raises OSError and
    SMTPException where that cannot be sent."""
    address = EmailAddress.objects.get(user=person, primary=True, verified=True).email
    now = timezone.now()
    count = sum(one.mentions for one in news)
    rooms = [
        {
            "title": title_in(one.room, person),
            "url": f"{settings.SITE_URL}{one.room.get_absolute_url()}",
            "lines": _lines(one, person),
        }
        for one in news
    ]
    stop = f"{settings.SITE_URL}{reverse('stop-mail', args=[token_of(person)])}"
    context = {
        "person": person,
        "rooms": rooms,
        "stop": stop,
        "settings": f"{settings.SITE_URL}{reverse('settings')}",
    }
    message = EmailMessage(
        subject=_subject(count, [str(room["title"]) for room in rooms]),
        body=render_to_string("mail/mentions.txt", context),
        to=[address],
        # RFC 8058: a mail program offers a button that needs no page.
        headers={"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )
    message.send()
    with transaction.atomic():
        told = locks.take(Membership.objects.filter(pk__in=[one.pk for one in news]))
        Membership.objects.filter(pk__in=told).update(mailed_at=now)


def _subject(count: int, titles: Sequence[str]) -> str:
    if len(titles) == 1:
        where = titles[0]
    else:
        where = ngettext("%(count)s room", "%(count)s rooms", len(titles)) % {"count": len(titles)}
    told = ngettext(
        "%(count)s message for you in %(where)s", "%(count)s messages for you in %(where)s", count
    )
    return told % {"count": count, "where": where}


def token_of(person: Person) -> str:
    """What stops these mails to `person`, and does nothing else."""
    return signing.dumps(person.pk, salt=SALT)


def is_anybodys(token: str) -> bool:
    return _of(token).exists()


def stop(token: str) -> bool:
    """Send no more such mail to whom the token is of. Returns whether it is anybody's."""
    return bool(_of(token).update(mail_minutes=0))


def _of(token: str) -> QuerySet[Person]:
    try:
        return Person.objects.filter(pk=signing.loads(token, salt=SALT))
    except signing.BadSignature:
        return Person.objects.none()


def _lines(news: Membership, person: Person) -> list[str]:
    """What was said there to `person` and not read, the newest few, oldest first."""
    unread = Message.objects.filter(room=news.room_id, seq__gt=news.read_seq, deleted_at=None)
    others = unread.exclude(author=person).exclude(author__in=person.blocks.values("blocked"))
    said = [
        f"{message.author.username}: {extras.first_line(message)}"
        for message in others.select_related("author").order_by("-seq")[:LOOKED_AT]
        if (news.room.kind == Kind.DIRECT and news.level == Level.EVERYTHING)
        or f'data-person="{person.pk}"' in message.html
        or message.answered.get("author") == person.pk
    ]
    return said[:QUOTED][::-1]
