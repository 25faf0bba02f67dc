"""Blocks of code: where they begin and end, and their colours."""

import re
from functools import cache

from markdown_it.rules_block import StateBlock
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name
from pygments.token import STANDARD_TYPES, Token, _TokenType
from pygments.util import ClassNotFound

from rooms.markup.folding import MOST_LINES_OF_CODE, folded
from rooms.markup.links import escape

MOST_COLOURED = 1500  # characters; what comes after them is not, and takes no time
MOST_BY_LEXER = {"Java": 900}  # which looks through all words that follow, from each of them
# Those people write in chats. Not all that Pygments knows: each takes memory once it is used, and
# some take seconds for what is made to be slow.
_COLOURED = """
ada asm awk bash bat c c++ clojure cmake cobol cpp css d dart diff docker dockerfile
elixir elm erlang f# fish forth fsharp gleam glsl go golang graphql haskell hs html http
ini java javascript jinja js json json5 jsx julia kotlin latex lean lisp lua make makefile markdown
matlab md nasm nginx nim nix objc ocaml odin pascal perl php pl pony powershell ps1 proto pycon py python
python3 pytb r racket rb reason rs rst ruby rust scala scheme scss sh shell solidity sql swift tcl
tex toml ts tsx typescript v vala verilog vhdl vim vue wast xml yaml yml zig zsh
"""
_PLAIN = frozenset(("text", "txt", "plain", "output"))
LANGUAGES = _PLAIN.union(_COLOURED.split())

_OPENING = re.compile(r"(`{3,}|~{3,})[ \t]*([^\n]*)")
# Where code is nothing like code, some lexers look ahead from every place in it: for the end of a line,
# or the next that is not empty. That is not coloured.
_STRANGE = re.compile(r"[^\n]{400}|(?:\n\s*){8}")


def fence(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """```language, lines of code, ```. The end may also be that of the last line of code; what follows
    the beginning and is no language is the first. Without an end, it is that of the text."""
    place = state.bMarks[start] + state.tShift[start]
    opening = _OPENING.match(state.src, place, state.eMarks[start])
    if opening is None or opening[1][0] in opening[2]:
        return False
    lines, after = _lines(state, start + 1, end, opening[1])
    info = opening[2].rstrip()
    language = info.lower() if info.lower() in LANGUAGES else ""
    if info and not language:
        lines.insert(0, info)
    if not any(lines):
        return False  # three signs and nothing to hold
    if not silent:
        token = state.push("fence", "code", 0)
        token.info, token.content = language, "\n".join(lines)
        state.line = after
    return True


def _lines(state: StateBlock, line: int, end: int, marks: str) -> tuple[list[str], int]:
    """The lines of code from `line` on, and where what is after them begins."""
    lines: list[str] = []
    indent = state.sCount[line - 1]
    while line < end:
        if not state.isEmpty(line) and state.sCount[line] < state.blkIndent:
            break  # of the list that it is in
        text = state.getLines(line, line + 1, indent, False)
        line += 1
        bare = text.strip(" \t")
        if bare.startswith(marks) and not bare.strip(marks[0]):
            break
        if marks[0] == "`" and bare.endswith(marks) and bare.count("`") == len(marks):
            lines.append(text.rstrip(" \t")[: -len(marks)])
            break
        lines.append(text)
    return lines, line


def block_html(code: str, language: str) -> tuple[str, int]:
    """The block, and how many lines it takes."""
    lexer = _lexer(language) if language not in _PLAIN and not _STRANGE.search(code) else None
    label = f' data-language="{escape(lexer.name)}"' if lexer else ""
    inner = _coloured(code, lexer) if lexer else escape(code)
    lines = code.count("\n") + 1
    html = folded(f'<pre tabindex="0"{label}><code>{inner}</code></pre>', lines, MOST_LINES_OF_CODE)
    return html, min(lines, MOST_LINES_OF_CODE) + 1


@cache
def _lexer(language: str) -> Lexer | None:
    try:
        lexer_class = find_lexer_class_by_name(language)
    except ClassNotFound:
        return None
    return lexer_class(stripnl=False, ensurenl=False)


def _coloured(code: str, lexer: Lexer) -> str:
    html, last, text, done = "", "", "", 0
    # Each line ends: lexers look for that, some of them at every character.
    most = MOST_BY_LEXER.get(lexer.name, MOST_COLOURED)
    end = len(code) if len(code) <= most else code.rfind("\n", 0, most) + 1
    for kind, line_part in lexer.get_tokens(f"{code[:end]}\n"):
        value = line_part[: end - done]
        done += len(value)
        css = _css_class(kind)
        if css == last:
            text += value
            continue
        html += _span(text, last)
        last, text = css, value
    return html + _span(text, last) + escape(code[done:])


def _span(text: str, css: str) -> str:
    return f'<span class="{css}">{escape(text)}</span>' if css and text else escape(text)


@cache
def _css_class(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES:
        kind = kind.parent or Token
    return STANDARD_TYPES[kind] if kind not in (Token.Text, Token.Text.Whitespace, Token.Name) else ""
