"""A change -> HTML, rendered once and the same for every viewer."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.html import Urlizer, escape
from django.utils.safestring import SafeString, mark_safe

from rooms.models import Message, Room


class _Links(Urlizer):
    # A link opens beside the chat, and tells the site it leads to nothing about this one.
    url_template = '<a href="{href}" target="_blank" rel="noopener noreferrer nofollow">{url}</a>'
    trailing_punctuation_chars = Urlizer.trailing_punctuation_chars + "?"

    def handle_word(self, word: str, *, safe_input: bool, **options: Any) -> str:
        # Escaped here: Django would read entities in plain text, the ¶ of ?a=1&param=2.
        return super().handle_word(escape(word), safe_input=True, **options)

    def trim_punctuation(self, word: str) -> tuple[str, str, str]:
        # Django loses what it trimmed before a bracket, the full stop of (see http://a.example/).
        lead, middle, _ = super().trim_punctuation(word)
        return lead, middle, word[len(lead) + len(middle) :]


_links = _Links()
# What a text without a link lacks. Looking for it takes a tenth of the time that Urlizer takes.
_MAY_HOLD_LINK = re.compile(r"://|@|www\.|\.(?:com|edu|gov|int|mil|net|org)", re.IGNORECASE)


def body_html(body: str) -> SafeString:
    """`body` escaped, with its addresses made into links. Line breaks are left to the stylesheet."""
    if not _MAY_HOLD_LINK.search(body):
        return escape(body)
    return mark_safe(_links(body, autoescape=True))  # noqa: S308 — Urlizer has escaped it


def change(message: Message) -> str:
    """The fragment that shows the last change of `message`."""
    return _render("changed", {"message": message})


def cursor(version: int) -> str:
    """The fragment that moves a tab's cursor to `version`."""
    return f'<input type="hidden" id="cursor" name="cursor" value="{version}" hx-swap-oob="true">'


def start_over(room: Room, messages: Sequence[Message]) -> str:
    """The whole list anew: `messages` and what loads those before them."""
    return _render("start-over", {"room": room, "messages": messages})


def accepted(room: Room, key: str, spare: str, lead: str = "") -> str:
    """For the sender alone: the message sent under `key` is kept, and its form may go. Brings the
    form `spare`, and puts `lead` before what is being written in the form after it."""
    return _render("accepted", {"room": room, "key": key, "spare": spare, "lead": lead})


def refused(room: Room, key: str, problems: Iterable[str]) -> str:
    """For the sender alone: why the message sent under `key` was not taken."""
    return _render("refused", {"room": room, "key": key, "problems": problems})


def notice(text: str) -> str:
    """For one tab alone: something was wrong with what it sent."""
    return _render("notice", {"notice": text})


def _render(partial: str, context: dict) -> str:
    return render_to_string(f"room.html#{partial}", context)
