"""What stands for a person who has no picture."""

import unicodedata

ZWNJ, ZWJ = "\u200c", "\u200d"
VIRAMA = 9  # combining class of the sign that joins two letters in the scripts of India


def initials(name: str) -> str:
    """One or two characters, as a reader counts them, that stand for `name`, which may be any text."""
    words = [_first(word, "L", "N", "So") for word in name.split()]
    found = [word for word in words if word] or [_first(name, "P", "S") or "?"]
    chosen = [found[0], found[-1]] if len(found) > 1 else found
    # They stand side by side: two letters of Arabic do not join, nor do two halves of a flag.
    return ZWNJ.join(map(_capital, chosen))


def graphemes(text: str) -> list[str]:
    """The characters of `text` as a reader counts them: an accent, a skin tone and the rest of a
    family belong to what they are put on."""
    found: list[str] = []
    for char in text:
        if found and _goes_on(found[-1], char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _goes_on(grapheme: str, char: str) -> bool:
    """Whether `char` belongs to `grapheme`, by the rules of Unicode Standard Annex 29 that matter
    at the start of a word."""
    last, category = grapheme[-1], unicodedata.category(char)
    if category[0] == "M" or char in (ZWNJ, ZWJ) or "\U0001f3fb" <= char <= "\U0001f3ff":
        return True
    if "\U000e0020" <= char <= "\U000e007f":  # tags: the flag of England
        return True
    if "\U0001f1e6" <= char <= "\U0001f1ff":  # two of these letters are a flag
        return len(grapheme) == 1 and "\U0001f1e6" <= last <= "\U0001f1ff"
    if last == ZWJ and category[0] == "S":
        return True
    base = grapheme.rstrip(ZWJ)
    return category == "Lo" and bool(base) and unicodedata.combining(base[-1]) == VIRAMA


def _first(text: str, *categories: str) -> str:
    return next((found for found in graphemes(text) if _category(found).startswith(categories)), "")


def _category(grapheme: str) -> str:
    return unicodedata.category(grapheme[0])


def _capital(grapheme: str) -> str:
    capital = grapheme[0].title()  # not upper: Georgian has capitals for headlines alone
    return (capital if len(capital) == 1 else grapheme[0]) + grapheme[1:]
