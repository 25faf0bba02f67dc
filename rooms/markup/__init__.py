"""What people write -> HTML: Markdown as chats use it, with links, mentions, rooms and emoji.

    rendered = render("hello **you**", people={}, rooms={})
    rendered.html               # '<p>hello <strong>you</strong></p>'

What is rendered is stored, and the same for every viewer. Nothing here asks the database.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe
from markdown_it.common.utils import mdTrim

from rooms.markup import emoji, folding
from rooms.markup.clean import clean
from rooms.markup.detect import is_plain, may_hold_markup
from rooms.markup.links import escape
from rooms.markup.parser import parse
from rooms.markup.tree import tree_html
from rooms.markup.words import Words, words_html
from rooms.quotes import quotes_html

VERSION = 1  # raised whenever a text comes out as another HTML; `manage.py rerender` does the rest


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as it is shown."""

    html: SafeString
    mentioned: tuple[int, ...] = ()  # the ids of those who are shown as named, each once
    has_link: bool = False


def render(body: str, people: Mapping[str, int] = {}, rooms: Mapping[str, str] = {}) -> Rendered:
    """`body`, a text that can be stored, of any length, as it is shown.

    `people` are the ids of those whom an @ before one of these texts names, and `rooms` the slugs of
    the rooms that a # before one of these leads to: see rooms/mentions.py.
    """
    if is_plain(body):
        # Nine of ten messages, in a hundredth of the time: nothing in them is markup, a link or a
        # sign, or needs escaping.
        return Rendered(mark_safe(f"<p>{body}</p>"))  # noqa: S308 — is_plain: it holds no sign of HTML
    words = Words(people, rooms)
    html = _html(body.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd"), words)
    html += quotes_html(words.links)
    return Rendered(mark_safe(html), tuple(words.mentioned), bool(words.links))  # noqa: S308 — as in _html


def _html(body: str, words: Words) -> str:
    if large := emoji.alone(body):
        return f'<p class="emoji">{escape(large)}</p>'.replace("\n", "<br>")
    return slow_html(body, words) if may_hold_markup(body) else fast_html(body, words)


def fast_html(body: str, words: Words) -> str:
    """What `slow_html` makes of a text without markup.

    It is not sanitised: that would change nothing. Every character of `body` either goes through
    `links.escape` or is looked up (a person's id, an emoji) or checked (an address that begins with
    a scheme we know, in an attribute, escaped); the tags around are written here. A test holds that
    `clean` returns whatever comes out of here as it is.
    """
    text = mdTrim(body)
    if not text:
        return ""
    html = f"<p>{words_html(text, words)}</p>".replace("\n", "<br>")
    return folding.folded(html, folding.height(text))


def slow_html(body: str, words: Words) -> str:
    """The HTML of any text."""
    html, height = tree_html(parse(body, words), words)
    return clean(folding.folded(html, height))
