"""Emoji: by their names, and those that are all there is in a message."""

import re

import emoji

from rooms.emoji import by_name

MOST_LARGE = 20
_LONGEST = 15  # characters of which one is made, with some to spare

# One after another, and apart from words and other colons: no std::new::x, no 10:100:20.
SHORTCODES = r"(?<![\w:])(?::[\w+\-.&’“”()!,]+:)+(?![\w:])"


_run = re.compile(SHORTCODES)
_shortcode = re.compile(r":[^:]+:")


def shown(text: str) -> str:
    """`text` with the names of emoji between colons made into those. What is none stays."""
    names = by_name()
    return _shortcode.sub(lambda match: names.get(match[0], match[0]), text)


def alone(text: str) -> str:
    """`text` as it is shown if it is all emoji, MOST_LARGE at most; else nothing."""
    first = text[:1]
    if first != ":" if text.isascii() else first.isalnum():
        return ""
    whole = _run.sub(lambda match: shown(match[0]), text).strip()
    bare = "".join(whole.split())
    if bare.isascii() or len(bare) > MOST_LARGE * _LONGEST or not emoji.purely_emoji(bare):
        return ""
    return whole if emoji.emoji_count(bare) <= MOST_LARGE else ""
