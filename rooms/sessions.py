"""A session that ends closes its tabs, in every process."""

from typing import Any

from django.contrib.sessions.models import Session
from django.db.models.signals import post_delete
from django.dispatch import receiver

from rooms.changes import notify_after_commit
from rooms.events import SIGNED_OUT, Notice, session_digest


@receiver(post_delete, sender=Session)
def close_tabs(instance: Session, **kwargs: Any) -> None:
    """Whoever ends a session deletes it: logging out, changing the password, ending another's."""
    person_id = instance.get_decoded().get("_auth_user_id")
    if person_id is not None:
        digest = session_digest(instance.session_key)
        notify_after_commit(Notice(int(person_id), "ended", session=digest, why=SIGNED_OUT))
