"""Rendering again what an older version of rooms.markup has rendered, as after an upgrade.

No tick of a clock, and nobody is told: what was said is the same, and tabs show how it looks now
when they are loaded. People and rooms that it names are looked for anew, and nobody is notified.
"""

from collections.abc import Iterator, Sequence

from django.db import connection, transaction

from rooms import markup, mentions, statements
from rooms.markup.links import LINK_START
from rooms.models import Message
from rooms.search import index

BATCH = 500  # messages a transaction; who wants to write waits while they are kept
KEEP = "UPDATE rooms_message SET html = %s, markup = %s WHERE id = %s AND version = %s"


def rerender(*, anew: bool = False) -> Iterator[int]:
    """Render what has another version or, `anew`, everything; how many messages were looked at comes
    after each batch, which is then committed."""
    outdated = Message.objects.filter(deleted_at=None).order_by("pk").select_related("room")
    if not anew:
        outdated = outdated.exclude(markup=markup.VERSION)
    after = 0
    while messages := list(outdated.filter(pk__gt=after)[:BATCH]):
        _keep([(message, _rendered(message)) for message in messages])
        yield len(messages)
        after = messages[-1].pk


def _rendered(message: Message) -> str:
    return mentions.rendered(message.body, message.room_id).html


@transaction.atomic
def _keep(rendered: Sequence[tuple[Message, str]]) -> None:
    """Whatever was changed since it was read has been rendered by whoever did that, and stays."""
    found_otherwise = []
    statements.locked_rooms({message.room_id for message, _ in rendered})  # the first, as `locks` has it
    with connection.cursor() as cursor:
        for message, html in rendered:
            cursor.execute(KEEP, [html, markup.VERSION, message.pk, message.version])
            if cursor.rowcount and (LINK_START in html) != (LINK_START in message.html):
                message.html = html
                found_otherwise.append(message)
    index.put(found_otherwise)
