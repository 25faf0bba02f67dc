"""Sessions in the database, as Django keeps them, looked up by a statement put together once."""

from datetime import datetime
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from rooms.prepared import SOME_TIME, first, prepared


def _held(key: str, now: datetime) -> Any:
    return Session.objects.filter(session_key=key, expire_date__gt=now)


_find = prepared(_held, "a key that no session has", SOME_TIME)


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        session = first(_find(self.session_key, timezone.now()))
        if session is None:
            self._session_key = None  # as Django does: a key that nobody was given is not taken over
        return session
