"""The parser: CommonMark without what a chat has no use for, and with what it has.

There are no headings, rules, tables, pictures, references, entities, indented code and HTML: those
are text. A line break is one, and where a quote or a list ends, it ends: the line after it is not
drawn into it. A quote, a list or a block of code begins only where there is something in it, so that
`>_>` and a lone `-` are what they look like.
"""

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.token import Token

from rooms.markup import inline
from rooms.markup.code import fence
from rooms.markup.words import Words

DEEPEST = 8  # quotes and lists within each other; what is deeper is text
_BLOCKS = ["paragraph", "blockquote", "list"]  # which begin no later than where another block does

Rule = Callable[[StateBlock, int, int, bool], bool]

_quote = re.compile(r"(?:>[ \t]?)*>[ \t]+[^\s>]")
_item = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?![-+* \t]*$)[ \t]+\S")


def parse(body: str, words: Words) -> list[Token]:
    """The blocks of `body`, whose line breaks are line feeds. What is found in it is in `words`."""
    return _parser.parse(body, {"words": words})


def _beginning(rule: Rule, pattern: re.Pattern[str]) -> Rule:
    """`rule`, where the first line is like `pattern` and not too deep."""

    def begins(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        place = state.bMarks[start] + state.tShift[start]
        is_one = pattern.match(state.src, place, state.eMarks[start]) is not None
        return is_one and state.level < 2 * DEEPEST and rule(state, start, end, silent)

    return begins


def _ends(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Whether the line `start`, which none of the other rules takes, ends what is before it: where
    that is a quote or, with a line that is not as far in, an item of a list."""
    return silent and (state.parentType == "blockquote" or state.sCount[start] < state.blkIndent)


def _made() -> MarkdownIt:
    parser = MarkdownIt("zero", {"maxNesting": 100})  # `_beginning` is what limits it
    blocks = parser.block.ruler
    blocks.enable(["blockquote", "list", "fence"])
    blocks.at("fence", fence, {"alt": _BLOCKS})
    blocks.at("blockquote", _beginning(blockquote, _quote), {"alt": _BLOCKS})
    blocks.at("list", _beginning(list_block, _item), {"alt": _BLOCKS[:2]})
    blocks.before("paragraph", "ends", _ends, {"alt": _BLOCKS[:2]})
    inline.install(parser)
    return parser


_parser = _made()
