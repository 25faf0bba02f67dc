"""A text -> its terms: what the index holds of it, and what a query is matched by.

The same for what was said and for what is looked for. Case, width and accents are folded: Žofie,
ZOFIE and zofie are one. Where a script writes no spaces between its words (Chinese, Japanese, Thai
and others, and Korean, whose words carry endings), every character begins a term of two, and the
last of a run is one by itself: 検索欄 is 検索, 索欄, 欄. So any part of it is found, and a term's
place in the list is its place in the text.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import groupby, islice
from typing import NamedTuple

MOST_TERMS = 16_000  # of one text; PostgreSQL knows places up to 16,383
LONGEST = 64  # characters of a term; what comes after is not looked at

_ASCII_WORD = re.compile("[0-9A-Za-z]+")
# Accents that are a part of their letter, so that Unicode takes them for none.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})
_UNSPACED = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),
    (0x3021, 0x312F),  # kana, Bopomofo
    (0x3131, 0x318E),  # Hangul
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFFDC),  # the same, half as wide
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),
)


class Term(NamedTuple):
    text: str
    start: int  # what it stands for in the text, in characters
    end: int
    is_last: bool  # of a run without spaces: a character by itself


def terms(text: str) -> list[str]:
    """The terms of `text`, in order."""
    if text.isascii():
        return [word[:LONGEST] for word in _ASCII_WORD.findall(text.lower())[:MOST_TERMS]]
    return [term.text for term in located(text)]


def located(text: str) -> list[Term]:
    """The same, and where in `text` each is."""
    if text.isascii():
        words = islice(_ASCII_WORD.finditer(text), MOST_TERMS)
        return [Term(word[0].lower()[:LONGEST], word.start(), word.end(), False) for word in words]
    found: list[Term] = []
    start = 0
    for kind, chars in groupby(text, _Kinds().of):
        piece = "".join(chars)
        end = start + len(piece)
        if kind:
            found += _of_piece(piece, start, end)
        if len(found) >= MOST_TERMS:
            break
        start = end
    return found[:MOST_TERMS]


def singles(terms: list[str]) -> set[str]:
    """The characters that can be looked for by themselves, among those of runs without spaces."""
    return {
        char for term in terms if len(term) <= 2 and not term.isascii() for char in term if is_unspaced(char)
    }


def is_unspaced(char: str) -> bool:
    """Whether it is of a script that writes no spaces between words."""
    return _kind(char) == "run"


def _of_piece(piece: str, start: int, end: int) -> list[Term]:
    folded = _folded(piece)
    found: list[Term] = []
    done = 0
    for kind, chars in groupby(folded, _Kinds().of):
        part = "".join(chars)
        if kind == "word":
            found.append(Term(part[:LONGEST], start, end, False))
        elif kind == "run":
            # One by one, where folding has left each character in its place.
            at = start + done if len(folded) == len(piece) else None
            for i in range(len(part)):
                pair = part[i : i + 2]
                place = (start, end) if at is None else (at + i, at + i + len(pair))
                found.append(Term(pair, *place, len(pair) == 1))
        done += len(part)
    return found


class _Kinds:
    """Tells of each character whether it is a part of a word, of a run without spaces, or of neither.
    Marks and what is not seen belong to what they follow."""

    def __init__(self) -> None:
        self._last = ""

    def of(self, char: str) -> str:
        kind = _kind(char)
        if kind != "mark":
            self._last = kind
        return self._last


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    category = unicodedata.category(char)
    if category[0] == "M" or category == "Cf":
        return "mark"
    if category[0] not in "LN":
        return ""
    code = ord(char)
    return "run" if any(first <= code <= last for first, last in _UNSPACED) else "word"


@lru_cache(maxsize=4096)
def _folded(piece: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", piece).casefold())
    kept = (char for char in unicodedata.normalize("NFD", folded) if not _is_accent(char))
    return unicodedata.normalize("NFC", "".join(kept)).translate(_PLAIN)


def _is_accent(char: str) -> bool:
    # By how it combines: the points of Hebrew and Arabic, and what stands above, below or across a
    # letter. Vowels, viramas and the marks of kana are none.
    combining = unicodedata.combining(char)
    return combining >= 200 or 10 <= combining <= 35 or unicodedata.category(char) == "Cf"
