"""A session that ends closes its tabs, in every process; and which have ended."""

from typing import Any

from allauth.account.signals import password_reset
from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from rooms import access
from rooms.events import SIGNED_OUT, Notice, session_digest
from rooms.models import Person
from rooms.publishing import notify_after_commit


@receiver(post_delete, sender=Session)
def close_tabs(instance: Session, **kwargs: Any) -> None:
    """Whoever ends a session deletes it: logging out, changing the password, ending another's."""
    person_id = instance.get_decoded().get("_auth_user_id")
    if person_id is not None:
        digest = session_digest(instance.session_key)
        notify_after_commit(Notice(int(person_id), "ended", session=digest, why=SIGNED_OUT))


def end_sessions(person: Person, except_key: str | None = None) -> None:
    """End every session of `person`, who has an account, but the one of this key. A session that no
    longer holds is ended too: its tabs may still be open."""
    ended = UserSession.objects.filter(user=person).exclude(session_key=except_key or "")
    Session.objects.filter(session_key__in=ended.values("session_key")).delete()
    ended.delete()


@receiver(password_reset)
def end_others(request: HttpRequest, user: Person, **kwargs: Any) -> None:
    """Whoever knew the old password is out."""
    end_sessions(user, request.session.session_key)


def ended_sessions(sessions: dict[str, int]) -> set[str]:
    """Those of these sessions, by key, that have ended, or whose person may not be here any more."""
    keys, people = sorted(sessions), sorted(set(sessions.values()))
    hashes: dict[int, str] = {}  # of those who are welcome: what their password makes of a session
    for start in range(0, len(people), 500):
        for person in access.welcome().filter(pk__in=people[start : start + 500]):
            hashes[person.pk] = person.get_session_auth_hash()
    live: set[str] = set()
    for start in range(0, len(keys), 500):
        some = Session.objects.filter(session_key__in=keys[start : start + 500])
        for session in some.filter(expire_date__gt=timezone.now()):
            expected = hashes.get(sessions[session.session_key])
            if expected and session.get_decoded().get(HASH_SESSION_KEY) == expected:
                live.add(session.session_key)
    return sessions.keys() - live
