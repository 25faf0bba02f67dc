"""Bare addresses in a text -> links."""

import re
from typing import Any

from django.utils.html import Urlizer
from django.utils.safestring import SafeString, mark_safe

from rooms.markup.clean import clean

# A link opens beside the chat, and tells the site it leads to nothing about this one.
LINK_START = "<a href="  # as no room begins, and no text: signs are escaped
_LINK = f'{LINK_START}"{{href}}" target="_blank" rel="noopener noreferrer nofollow">'
# Without the one, and then without the other, there is no link in a text. To look for them takes a
# tenth of the time that Urlizer takes, and less.
_MAY_BE_IN_LINKS = re.compile(r"\.\S|@|://")
_IN_LINKS = re.compile(r"://|@|www\.|\.(?:com|edu|gov|int|mil|net|org)", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^/]|mailto:[^/]", re.IGNORECASE)
_SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\xa0": "&nbsp;"})


class _Links(Urlizer):
    url_template = f"{_LINK}{{url}}</a>"
    trailing_punctuation_chars = Urlizer.trailing_punctuation_chars + "?"

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_word(self, word: str, *, safe_input: bool, **options: Any) -> str:
        if not _IN_LINKS.search(word):
            return escape(word)
        # Escaped here: Django would read entities in plain text, the ¶ of ?a=1&param=2.
        html = str(super().handle_word(escape(word), safe_input=True, **options))
        # No text holds this sign any more: where it is, there is a link, the only one.
        if "<" not in html:
            return html
        href = html.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
        if not is_address(href):
            return escape(word)
        self.found.append(href)
        return html

    def trim_punctuation(self, word: str) -> tuple[str, str, str]:
        # Django loses what it trimmed before a bracket, the full stop of (see http://a.example/).
        lead, middle, _ = super().trim_punctuation(word)
        return lead, middle, word[len(lead) + len(middle) :]


def escape(text: str) -> str:
    """`text` as HTML within an element, written as browsers and the sanitiser write it."""
    return text.translate(_SIGNS)


def is_address(href: str) -> bool:
    """Whether a link may lead there: the web or mail, and to where a browser would find its way. That
    the sanitiser tells, which would not leave it in a link."""
    return _ADDRESS.match(href) is not None and "href" in clean(f"{link_start(href)}</a>")


def link_start(href: str) -> str:
    """The tag that begins a link to `href`, which is a whole address, encoded."""
    return _LINK.format(href=escape(href).replace('"', "&quot;"))


def text_html(text: str, links: list[str]) -> str:
    """`text` escaped, with its addresses made into links, which are added to `links`."""
    if not (_MAY_BE_IN_LINKS.search(text) and _IN_LINKS.search(text)):
        return escape(text)
    urlizer = _Links()
    html = urlizer(text, autoescape=True)
    links += urlizer.found
    return str(html)


def linked(text: str) -> SafeString:
    """`text` as HTML, with its addresses made into links, and nothing else."""
    return mark_safe(text_html(text, []))  # noqa: S308 — it escapes each part
