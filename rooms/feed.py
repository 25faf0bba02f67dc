"""What was said last in a room, for feed readers (Atom, RFC 4287)."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.text import Truncator

from rooms.files_shown import file_lines, shown_in
from rooms.markup.plain import with_room_links, without_folds, without_spoilers
from rooms.models import Message, Room

SIZE = 50  # messages
TITLE = 80  # characters of a message

# What people may type, and XML cannot hold (XML 1.0, 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Feed(Atom1Feed):
    def latest_post_date(self) -> datetime:
        # Django would have one that is empty be as new as the question.
        return super().latest_post_date() if self.items else self.feed["made_at"]


def feed(room: Room, link: str, host: str, absolute: Callable[[str], str]) -> str:
    """The feed of `room`, which is itself at `link`: its newest messages, those deleted left out.

    `absolute` makes a full address of a path. The ids of its entries stay the same whatever the room
    is called and wherever its site moves, unless `host`, a name without a port, is another.
    """
    source = f"tag:{host},{room.created_at:%Y-%m-%d}:room-{room.pk}"
    atom = _Feed(
        title=_text(room.name),
        link=absolute(room.get_absolute_url()),
        description=_text(room.topic),
        subtitle=_text(room.topic),
        feed_url=link,
        feed_guid=source,
        language=None,  # nobody knows in which they write
        made_at=room.created_at,
    )
    for message in reversed(Message.objects.page_before(room, size=SIZE)):
        if message.deleted_at is None:
            atom.add_item(**_entry(room, message, source, absolute))
    return atom.writeString("utf-8")


def _entry(room: Room, message: Message, source: str, absolute: Callable[[str], str]) -> dict[str, Any]:
    name = message.author.username
    said = Truncator(" ".join(shown_in(message).split())).chars(TITLE)
    return {
        "title": _text(f"{name}: {said}"),
        "link": absolute(reverse("message", args=[room.slug, message.seq])),
        "description": _text(_html(message, absolute("/"))),
        "unique_id": f"{source}/{message.seq}",
        "pubdate": message.at,
        "updateddate": message.at,
        "author_name": _text(name),
    }


def _html(message: Message, site: str) -> str:
    """What is fit to be shown without a style sheet, elsewhere than at `site`. Readers have no session:
    they are told of files, and not given them."""
    html = with_room_links(without_folds(without_spoilers(message.html)), site)
    # Of a time when line breaks were left to the style sheet; now they are so in code alone.
    html = html if "<pre" in html else html.replace("\n", "<br>")
    return "<br>".join(filter(None, [html, *map(escape, file_lines(message))]))


def _text(text: str) -> str:
    return _NO_XML.sub("", text)
