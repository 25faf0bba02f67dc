"""Emoji and what they are called."""

from functools import cache

import emoji

AT_HAND = ["👍", "❤️", "😂", "🎉", "😮", "😢", "👀"]
SHOWN = 60  # that are found at once


@cache
def by_name() -> dict[str, str]:
    """Every emoji by each of its short names, between colons. The library's own search takes a
    millisecond for what is none."""
    names: dict[str, str] = {}
    for char, about in emoji.EMOJI_DATA.items():
        if about["status"] <= emoji.STATUS["fully_qualified"]:
            for name in (about["en"], *about.get("alias", ())):
                names.setdefault(name, char)
    return names


def emoji_named(prefix: str) -> list[tuple[str, str]]:
    """The short names that begin with `prefix`, which is in lower case, each with its emoji; the
    shortest first."""
    found = [(name[1:-1], char) for name, char in by_name().items() if name.startswith(f":{prefix}")]
    return sorted(found, key=lambda pair: (len(pair[0]), pair[0]))


def is_one(text: str) -> bool:
    """Whether `text` is one emoji, and nothing else."""
    return emoji.is_emoji(text)


def name_of(char: str) -> str:
    """What it is called: thumbs up."""
    return emoji.demojize(char, delimiters=("", "")).replace("_", " ")


def found(query: str) -> list[tuple[str, str]]:
    """Emoji with all the words of `query` in a name of theirs, each with what it is called; those at
    hand, if there is none."""
    words = query.lower().replace("_", " ").split()[:5]
    if not words:
        return [(char, name_of(char)) for char in AT_HAND]
    named = ((name.strip(":").replace("_", " ").lower(), char) for name, char in by_name().items())
    matching = sorted((len(name), name, char) for name, char in named if all(word in name for word in words))
    chars = dict.fromkeys(char for _, _, char in matching)
    return [(char, name_of(char)) for char in list(chars)[:SHOWN]]
