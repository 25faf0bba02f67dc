"""Editing what one said: the new text takes its place, and who may read the earlier ones still can."""

from django.utils import timezone
from django.utils.translation import gettext as _

from rooms import access, changes, markup, mentions
from rooms.access import Access, Refused
from rooms.events import Change
from rooms.models import Message, Person, Revision
from rooms.search import index


def edit(message: Message, by: Person, body: str) -> Change | None:
    """Have `message` say `body`, text as a form has cleaned it. Nobody is told whom it names anew.

    Returns the change, or None where it says so already. Raises Refused where `by` may not edit it.
    """
    rendered = mentions.rendered(body, message.room_id)

    def rewrite(mine: Access, message: Message) -> list[str] | None:
        if message.deleted_at is not None:
            raise Refused(_("This message was deleted."))
        if not mine.may_edit(message):
            raise Refused(mine.why_not_post() or _("Only who wrote a message edits it."))
        access.check_not_blocked(mine.room)
        if message.body == body:
            return None
        Revision.objects.create(message=message, at=message.edited_at or message.at, body=message.body)
        message.body, message.html, message.markup = body, rendered.html, markup.VERSION
        message.edited_at = timezone.now()
        index.put([message])
        return ["body", "html", "markup", "edited_at"]

    return changes.alter(message, by, rewrite)
