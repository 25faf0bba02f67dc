"""Names of people and rooms: what may be in one, and when two are the same to a reader."""

import unicodedata
from functools import cache

from confusable_homoglyphs import confusables
from django.core.exceptions import ValidationError
from django.utils.text import slugify

ZERO_WIDTH_JOINERS = "\u200c\u200d"  # Persian and Indic spelling and joined emoji need them
BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"  # drawn as nothing, though not in a space category
MOST_MARKS = 4  # combining marks on one letter; no living script stacks more


def clean_name(text: str, max_length: int) -> str:
    """The name as it is kept: NFC, no space around it, single spaces within.

    `max_length` is in characters, counted after that. Raises ValidationError, with a message
    for the person who typed it, when the name is empty, too long, or holds characters that
    cannot be seen or told apart.
    """
    name = " ".join(unicodedata.normalize("NFC", text).split(" ")).strip(" ")
    while "  " in name:
        name = name.replace("  ", " ")
    if not name:
        raise ValidationError("Please type a name.", code="required")
    if len(name) > max_length:
        raise ValidationError(
            f"That is {len(name)} characters long; {max_length} is the most.", code="max_length"
        )
    marks = 0
    for char in name:
        category = unicodedata.category(char)
        if (category[0] == "Z" and char != " ") or char in BLANK_LETTERS:
            raise ValidationError(
                "There is a space in it that only looks like one. Please use the space bar.",
                code="whitespace",
            )
        if category[0] == "C" and char not in ZERO_WIDTH_JOINERS:
            raise ValidationError(
                "It holds a character that cannot be seen. Please type it again.", code="control"
            )
        marks = marks + 1 if category[0] == "M" else 0
        if marks > MOST_MARKS:
            raise ValidationError("It has too many accents on one letter.", code="marks")
    if not any(unicodedata.category(char)[0] in "LNSP" for char in name):
        raise ValidationError("Please type a name that can be seen.", code="invisible")
    return name


def same_name_key(name: str) -> str:
    """Equal for two names that differ only in case, width or composition (NFKC, casefolded)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def look_alike_keys(name: str) -> tuple[str, str]:
    """Two keys; names with an equal first or an equal second key look the same to a reader.

    They are the skeletons of Unicode Technical Standard 39, once of the casefolded name
    (АNN in Cyrillic, Ann) and once of the name as it is written (Ian, lan), then casefolded.
    """
    plain = unicodedata.normalize("NFKC", name).translate(dict.fromkeys(map(ord, ZERO_WIDTH_JOINERS)))
    folded = "".join(map(_prototype, same_name_key(plain)))
    written = "".join(map(_prototype, plain))
    return folded, written.casefold()


@cache
def _prototype(char: str) -> str:
    """One character that stands for all that `char` may be taken for."""
    looks_like = (entry["c"] for entry in confusables.confusables_data.get(char, ()))
    return min([char, *(other for other in looks_like if len(other) == 1)])


def slug_for(name: str) -> str:
    """The name as a part of an address: its letters and digits in any script, `room` if it has none."""
    return slugify(name, allow_unicode=True)[:80].strip("-_") or "room"
