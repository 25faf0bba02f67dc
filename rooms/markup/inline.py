"""What is in a paragraph: the rules of the parser, its own and ours."""

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import isStrSpace
from markdown_it.rules_inline import StateInline, autolink
from markdown_it.rules_inline.state_inline import Delimiter

from rooms.markup.links import is_address
from rooms.markup.words import SPECIAL, Words, word_at

_SPOILER = ord("|")
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
_special = re.compile(SPECIAL, re.IGNORECASE)
_stop = re.compile(rf"[\n\\`*_~|\[<]|{SPECIAL}", re.IGNORECASE)
_IN_LABEL = re.compile(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|[\[\]]", re.DOTALL)


def install(parser: MarkdownIt) -> None:
    rules, pairs = parser.inline.ruler, parser.inline.ruler2
    rules.enable(["newline", "escape", "backticks", "strikethrough", "emphasis", "link", "autolink"])
    rules.at("text", _text)
    rules.after("text", "special", _word)
    rules.at("newline", _newline)
    rules.at("escape", _escape)
    rules.after("strikethrough", "spoiler", _spoiler)
    rules.at("link", _link)
    rules.at("autolink", _autolink)
    pairs.enable(["balance_pairs", "strikethrough", "emphasis", "fragments_join"])
    pairs.after("strikethrough", "spoiler", _spoilers)
    # An escaped sign stays apart from the text around it, where it would mean something again.
    parser.core.ruler.disable("text_join")
    parser.validateLink = is_address  # type: ignore[method-assign, assignment]


def _text(state: StateInline, silent: bool) -> bool:
    match = _stop.search(state.src, state.pos, state.posMax)
    end = match.start() if match else state.posMax
    if end == state.pos:
        return False
    state.append_pending(state.src[state.pos : end])
    state.pos = end
    return True


def _word(state: StateInline, silent: bool) -> bool:
    """A person, a room or an emoji; or an address, in which nothing else is looked for."""
    match = _special.match(state.src, state.pos, state.posMax)
    if match is None:
        return False
    if match["kept"]:
        state.append_pending(match["kept"])
        state.pos = match.end()
        return True
    words: Words = state.env["words"]
    found = word_at(state.src, match, words, in_link=state.linkLevel > 0)
    if found is None or found[1] > state.posMax:
        return False
    token = state.push("word", "", 0)
    token.content, state.pos = found
    return True


def _newline(state: StateInline, silent: bool) -> bool:
    # The spaces around it stay: what is pasted may be set by them.
    if state.src[state.pos] != "\n":
        return False
    state.push("br", "br", 0)
    state.pos += 1
    return True


def _escape(state: StateInline, silent: bool) -> bool:
    pos = state.pos
    if state.src[pos] != "\\" or pos + 1 >= state.posMax or state.src[pos + 1] not in _PUNCTUATION:
        return False
    state.push("escaped", "", 0).content = state.src[pos + 1]
    state.pos += 2
    return True


def _spoiler(state: StateInline, silent: bool) -> bool:
    """||like this||: as the rule of ~~strikethrough~~ does it."""
    if not state.src.startswith("||", state.pos, state.posMax):
        return False
    scanned = state.scanDelims(state.pos, True)
    if scanned.length % 2:
        state.push("text", "", 0).content = "|"
    for _ in range(scanned.length // 2):
        state.push("text", "", 0).content = "||"
        token = len(state.tokens) - 1
        pair = Delimiter(_SPOILER, 0, token, -1, scanned.can_open, scanned.can_close)
        state.delimiters.append(pair)
    state.pos += scanned.length
    return True


def _spoilers(state: StateInline) -> None:
    for meta in ({"delimiters": state.delimiters}, *state.tokens_meta):
        delimiters = meta["delimiters"] if meta else []
        for opening in delimiters:
            if opening.marker == _SPOILER and opening.end >= 0:
                first, last = state.tokens[opening.token], state.tokens[delimiters[opening.end].token]
                first.type, first.nesting, first.content = "spoiler_open", 1, ""
                last.type, last.nesting, last.content = "spoiler_close", -1, ""


def _autolink(state: StateInline, silent: bool) -> bool:
    return not state.linkLevel and autolink(state, silent)


def _link(state: StateInline, silent: bool) -> bool:
    """[label](address), and the title that may follow is left out. Not the rule of the parser, which
    reads on to the end of the text for each bracket: here all of them are matched once."""
    src, end = state.src, state.posMax
    if src[state.pos] != "[" or state.linkLevel:
        return False
    close = _closing(state).get(state.pos, end)
    if close >= end or not src.startswith("](", close):
        return False
    start = _after_space(src, close + 2, end)
    address = state.md.helpers.parseLinkDestination(src, start, end)
    if not address.ok:
        return False
    pos = _after_space(src, address.pos, end)
    title = state.md.helpers.parseLinkTitle(src, pos, end)
    if pos > address.pos and title.ok:
        pos = _after_space(src, title.pos, end)
    href = state.md.normalizeLink(address.str)
    if pos >= end or src[pos] != ")" or not state.md.validateLink(href):
        return False
    state.push("link_open", "a", 1).attrs = {"href": href}
    state.pos, state.posMax = state.pos + 1, close
    state.linkLevel += 1
    state.md.inline.tokenize(state)
    state.linkLevel -= 1
    state.push("link_close", "a", -1)
    state.pos, state.posMax = pos + 1, end
    return True


def _after_space(src: str, pos: int, end: int) -> int:
    while pos < end and (isStrSpace(src[pos]) or src[pos] == "\n"):
        pos += 1
    return pos


def _closing(state: StateInline) -> dict[int, int]:
    """Where the bracket that begins at each place ends; not those that are escaped or in code."""
    known = state.env.get("brackets")
    if known and known[0] is state:
        return known[1]
    closing: dict[int, int] = {}
    if "](" in state.src:
        opened: list[int] = []
        for match in _IN_LABEL.finditer(state.src):
            if match[0] == "[":
                opened.append(match.start())
            elif match[0] == "]" and opened:
                closing[opened.pop()] = match.start()
    state.env["brackets"] = (state, closing)
    return closing
