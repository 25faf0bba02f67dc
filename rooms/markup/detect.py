"""Whether anything in a text can be markup: most texts hold none, and are spared the parser.

Either may say yes where there is none, and never no where there is some.
"""

import re

from rooms.markup.folding import MOST_LINES, WIDTH

_MEANT = re.compile(
    r"""
      `[^`]*`
    | \*(?=\S)[^*]*\*
    | (?<!\w)_(?=\S)[^_]*_
    | ~~.*~~
    | \|\|.*\|\|
    | \]\(
    | <[a-z][^\s<>]*>
    | \\[!-/:-@\[-`{-~]
    | \n[ \t]*\n
    | ^[ \t]*(?: > | [-+*][ \t] | \d{1,9}[.)][ \t] | ~~~ )
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_SAFE = re.compile(r"[^\\`*_~|\[<>&@#\0\r\n\xa0.:]*\.?")
# What markup, an address, a name or an emoji cannot do without, and what is to be escaped.
_STRANGE = re.compile(r"[\\`*~|\[<>&@#\0\r\n\xa0]|(?<!\w)_|\.\S|:\S")


def is_plain(body: str) -> bool:
    """Whether `body` is shown as it is, in one paragraph."""
    if len(body) >= WIDTH * MOST_LINES or not body[:1].isalpha() or body[-1:].isspace():
        return False
    # The first takes a quarter of the time of the second, and is enough for most.
    return _SAFE.fullmatch(body) is not None or not _STRANGE.search(body)


def may_hold_markup(body: str) -> bool:
    return _MEANT.search(body) is not None
