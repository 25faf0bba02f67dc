"""What stands for something in a text, wherever in a message: @name, #room, :shortcode: and addresses.

Found in the same way in a text without markup as between the markup of another.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.urls import reverse

from rooms.markup import emoji
from rooms.markup.links import escape, text_html

PERSON_SIGN = r"(?<![^\W_])(?<![@.])@(?=\S)"
ROOM_SIGN = r"(?<![^\W_])(?<![#&/])#(?=[^\s#])"
WORD_END = re.compile(r"(?<=\S)(?=\s|$)|(?<=\w)(?=[^\w\s])|(?<=[^\w\s])(?=[^\s])|(?<=[^\W_])(?=_+(?:\W|$))")
# What follows the name of a protocol is not looked at: an address may hold any sign. It does not end
# in one that may be around it. And who shrugs keeps both arms.
_KEPT = r"(?:https?://|www\.)[^\s<>`|\[\]]*[^\s<>`|\[\]*_~.,:;!?)'\"]|¯\\_\(ツ\)_/¯"
SPECIAL = rf"(?P<kept>{_KEPT})|(?P<at>{PERSON_SIGN})|(?P<hash>{ROOM_SIGN})|(?P<short>{emoji.SHORTCODES})"
_special = re.compile(SPECIAL, re.IGNORECASE)
_MAY_BE_SPECIAL = re.compile(r"[@#]|:\S")  # in an address nothing is looked for: it needs no finding


@dataclass(slots=True)
class Words:
    """What is known of the words in a message, and what was found there."""

    people: Mapping[str, int]
    rooms: Mapping[str, str]
    mentioned: dict[int, None] = field(default_factory=dict)  # in order, each once
    links: list[str] = field(default_factory=list)

    def text_html(self, text: str) -> str:
        """`text`, in which nothing else stands for anything, escaped and with links."""
        return text_html(text, self.links)


def words_html(text: str, words: Words) -> str:
    """`text`, which holds no markup, as HTML."""
    if not _MAY_BE_SPECIAL.search(text):
        return words.text_html(text)
    html: list[str] = []
    done = pos = 0
    while match := _special.search(text, pos):
        start = match.start()
        if match["kept"]:
            pos = match.end()
        elif found := word_at(text, match, words):
            html += (words.text_html(text[done:start]), found[0])
            done = pos = found[1]
        else:
            pos = start + 1
    return "".join(html) + words.text_html(text[done:])


def word_at(
    text: str, match: re.Match[str], words: Words, *, in_link: bool = False
) -> tuple[str, int] | None:
    """The HTML of the person, room or emoji that stands where `match` begins, and where that ends."""
    start = match.start()
    if match["at"]:
        end = _end_of_name(text, start + 1, words.people)
        if end is None:
            return None
        person_id = words.people[text[start + 1 : end]]
        words.mentioned[person_id] = None
        return f'<b class="mention" data-person="{person_id}">{escape(text[start:end])}</b>', end
    if match["hash"]:
        end = None if in_link else _end_of_name(text, start + 1, words.rooms)
        if end is None:
            return None
        href = reverse("room", args=[words.rooms[text[start + 1 : end]]])
        return f'<a class="room" href="{href}">{escape(text[start:end])}</a>', end
    shown = emoji.shown(match["short"])
    return None if shown == match["short"] else (escape(shown), match.end())


def _end_of_name(text: str, start: int, names: Mapping[str, object]) -> int | None:
    """Where the longest of `names` that begins at `start` ends."""
    for length in sorted({len(name) for name in names}, reverse=True):
        end = start + length
        if end <= len(text) and text[start:end] in names and WORD_END.match(text, end):
            return end
    return None
