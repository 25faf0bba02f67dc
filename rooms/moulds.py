"""What is rendered again and again, alike but for a few texts, is rendered once, with stand-ins for those.

    hello = mould(render_to_string("hello.html", {"name": stand_in("name")}), ["name"])
    hello % {"name": escape("Ann & Bob")}

Most messages are no more than a text, and Django takes thirty times as long to render one as it takes to
put its texts in place. What has more to it is rendered. (`rooms.prepared` does the same for queries.)
"""

from collections.abc import Iterable
from datetime import tzinfo
from html import escape
from types import SimpleNamespace
from typing import Any

from rooms.models import Message
from rooms.models.message import clock

PLAIN = ("seq", "author", "tint", "name", "url", "isotime", "time", "html")  # all that a plain message shows


def stand_in(name: str) -> str:
    """Where the text of this name goes, in what is rendered to be a mould."""
    return f"%({name})s"


def mould(html: str, names: Iterable[str]) -> str:
    """`html`, which was rendered with stand-ins for these names, as a format for `%`. Whatever is put in
    their places is put there as it is, so it is to be escaped."""
    pattern = html.replace("%", "%%")
    for name in names:
        pattern = pattern.replace(f"%{stand_in(name)}", stand_in(name))
    return pattern


class StandIn(SimpleNamespace):
    """A plain message of which a mould is made."""

    def __init__(self, is_grouped: bool) -> None:
        texts = {name: stand_in(name) for name in PLAIN}
        super().__init__(**texts, is_grouped=is_grouped, get_absolute_url=texts["url"])
        self.author_id, self.author = texts["author"], SimpleNamespace(username=texts["name"])


def plain(message: Message, zone: tzinfo) -> tuple[bool, dict[str, Any]] | None:
    """Where `message` is no more than what somebody said at some time, as most are: whether it is grouped
    with the one before it, and its texts for a mould, with times in `zone`. None where it is more."""
    more = message.extras or message.deleted_at or message.edited_at or message.thread_seq or message.is_here
    if more or message.starts_day_in(zone):
        return None
    at = message.at.astimezone(zone)
    texts = {
        "seq": message.seq,
        "author": message.author_id,
        "tint": message.tint,
        "name": escape(message.author.username),
        "url": escape(message.get_absolute_url()),
        "isotime": at.isoformat(),
        "time": escape(clock(at)),
        "html": message.html,
    }
    return message.goes_on, texts
