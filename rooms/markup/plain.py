"""What a message says without how it looks: for previews, excerpts and titles."""

import re
from html import unescape

HIDDEN = "▒▒▒▒"  # in place of a spoiler

_FOLD = re.compile(r"<details>.*?</details>")
_SPOILER = re.compile(r'<span class="spoiler" tabindex="0">(?:(?!<span|</span>).)*</span>')
_LINE_END = re.compile(r"<br>|</(?:p|li|pre)>")
_ROOM = re.compile(r'<a class="room" href="/([^"]*)">([^<]*)</a>')
_TAG = re.compile(r"<[^>]*>")  # no attribute of what is rendered holds such a sign


def text_of(html: str) -> str:
    """The text of a message's HTML, line by line, without what is hidden."""
    if "<" in html:
        html = without_spoilers(without_folds(html))
        html = _TAG.sub("", _LINE_END.sub("\n", html))
    return unescape(html).strip()


def without_folds(html: str) -> str:
    """The HTML without what folds and unfolds it."""
    return _FOLD.sub("", html)


def without_spoilers(html: str) -> str:
    """The HTML with HIDDEN in place of each spoiler."""
    count = html.count('"spoiler"')
    while count:  # the innermost first
        html, count = _SPOILER.subn(HIDDEN, html)
    return html


def with_room_links(html: str, site: str) -> str:
    """The HTML with links to rooms for who is not at `site`, an address that ends in a slash; without
    any, if that is empty."""
    return _ROOM.sub(rf'<a href="{site}\1">\2</a>' if site else r"\2", html)
