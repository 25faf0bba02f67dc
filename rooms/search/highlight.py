"""What of a message is shown where it was found, and how well it fits."""

from collections.abc import Sequence
from math import sqrt

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from rooms.search.match import Phrase
from rooms.search.terms import located, terms

LENGTH = 280  # characters that are shown of a message
BEFORE = 80  # of them, before what was found
AVERAGE = 12  # terms, of a message


def spans(body: str, phrases: Sequence[Phrase]) -> list[tuple[int, int]]:
    """Where in `body` the phrases are: beginnings and ends, in characters, in order and apart."""
    if not phrases:
        return []
    found = located(body)
    texts = [term.text for term in found]
    hits = []
    for phrase in phrases:
        for place in phrase.places_in(texts):
            last = found[place + len(phrase.terms) - 1]
            # Of a pair of characters, only the first may have been asked for.
            is_half = phrase.is_open and len(phrase.terms[-1]) == 1 and last.end - last.start == 2
            hits.append((found[place].start, last.start + 1 if is_half else last.end))
    apart: list[tuple[int, int]] = []
    for start, end in sorted(hits):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def excerpt(body: str, phrases: Sequence[Phrase]) -> SafeString:
    """`body` around the first of the phrases in it, escaped, with all of them marked."""
    marked = spans(body, phrases)
    start, end = _window(body, marked[0][0] if marked else 0)
    html, done = "… " if start else "", start
    for first, last in marked:
        if first >= end:
            break
        last = min(last, end)
        html += f"{escape(body[done:first])}<mark>{escape(body[first:last])}</mark>"
        done = last
    html += escape(body[done:end]) + (" …" if end < len(body) else "")
    return mark_safe(html)  # noqa: S308 — each part is escaped


def _window(body: str, around: int) -> tuple[int, int]:
    """What is shown of `body`: whole words, where there are spaces between them."""
    if len(body) <= LENGTH:
        return 0, len(body)
    start = max(0, min(around - BEFORE, len(body) - LENGTH))
    if start:
        gap = body.find(" ", start, around)
        start = gap + 1 if gap >= 0 else start
    end = min(len(body), start + LENGTH)
    if end < len(body):
        gap = body.rfind(" ", around + 1, end)
        # Not so far back that what was found would be cut off.
        end = gap if gap > start + LENGTH // 2 else end
    return start, end


def score(body: str, phrases: Sequence[Phrase]) -> float:
    """How well `body` fits what is looked for: how often that is there, for its length, and how near
    to each other the words are."""
    words = terms(body)
    found = [phrase.places_in(words) for phrase in phrases]
    length = 0.4 + 0.6 * len(words) / AVERAGE
    often = sum(len(places) / (len(places) + length) for places in found)
    firsts = [places[0] for places in found if places]
    spread = max(firsts) - min(firsts) if firsts else 0
    return often + len(firsts) / sqrt(1 + spread)
