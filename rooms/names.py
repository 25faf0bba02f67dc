"""Names of people and rooms: what may be in one, and when two are the same to a reader."""

import hashlib
import re
import unicodedata
from functools import lru_cache

from confusable_homoglyphs import confusables
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

ZERO_WIDTH_JOINERS = "\u200c\u200d"  # Persian and Indic spelling and joined emoji need them
BLANK_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"  # drawn as nothing, though not in a space category
MOST_MARKS = 4  # combining marks on one letter; no living script stacks more
# Joiners, and marks that only choose a form of what they follow: nobody sees whether they are there.
UNSEEN = re.compile("[\u034f\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# The flags of England and its like: a black flag, the letters of a place unseen, and an end.
PLACE_FLAG = re.compile("(?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
COMMAS = ",\u060c\u3001"  # and all that looks like one of them
LONGEST_KEY = 160  # characters; compatibility forms make eighteen of one


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
        raise ValidationError(_("Please type a name."), code="required")
    if len(name) > max_length:
        problem = ngettext(
            "That is %(count)s character long; %(most)s is the most.",
            "That is %(count)s characters long; %(most)s is the most.",
            len(name),
        )
        raise ValidationError(problem % {"count": len(name), "most": max_length}, code="max_length")
    marks = 0
    for char in PLACE_FLAG.sub("", name):
        category = unicodedata.category(char)
        if (category[0] == "Z" and char != " ") or char in BLANK_LETTERS:
            raise ValidationError(
                _("There is a space in it that only looks like one. Please use the space bar."),
                code="whitespace",
            )
        if category[0] == "C" and char not in ZERO_WIDTH_JOINERS:
            raise ValidationError(
                _("It holds a character that cannot be seen. Please type it again."), code="control"
            )
        marks = marks + 1 if category[0] == "M" else 0
        if marks > MOST_MARKS:
            raise ValidationError(_("It has too many accents on one letter."), code="marks")
    if not any(unicodedata.category(char)[0] in "LNSP" for char in name):
        raise ValidationError(_("Please type a name that can be seen."), code="invisible")
    return name


def same_name_key(name: str) -> str:
    """Equal for two names that differ only in case, width or composition (NFKC, casefolded)."""
    return _kept(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()))


def holds_comma(name: str) -> bool:
    """Whether a reader may see a comma in it, as between two names."""
    commas = {_prototype(comma) for comma in COMMAS}
    return any(_prototype(char) in commas for char in unicodedata.normalize("NFKC", name))


def without_commas(name: str) -> str:
    """The name with a space in place of each comma; empty if that is all there is."""
    return " ".join("".join(" " if holds_comma(char) else char for char in name).split())


def look_alike_keys(name: str) -> tuple[str, str]:
    """Two keys; names with an equal first or an equal second key look the same to a reader.

    They are the skeletons of Unicode Technical Standard 39, once of the casefolded name
    (АNN in Cyrillic, Ann) and once of the name as it is written (Ian, lan), then casefolded.
    """
    plain = UNSEEN.sub("", unicodedata.normalize("NFKC", name))
    folded = "".join(map(_prototype, unicodedata.normalize("NFKC", plain.casefold())))
    written = "".join(map(_prototype, plain))
    return _kept(folded), _kept(written.casefold())


@lru_cache(maxsize=4096)
def _prototype(char: str) -> str:
    """One character that stands for all that `char` may be taken for."""
    # The data names for I only l, and for l all that look like it, among them I and 1.
    near = {char, *_taken_for(char)}
    return min(near.union(*map(_taken_for, near)))


def _taken_for(char: str) -> list[str]:
    entries = confusables.confusables_data.get(char, ())
    return [entry["c"] for entry in entries if len(entry["c"]) == 1]


def _kept(key: str) -> str:
    """The key, or what stands for it where it is too long to be kept."""
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()


def slug_for(name: str) -> str:
    """The name as a part of an address: its letters and digits in any script, `room` if it has none."""
    text = UNSEEN.sub("", unicodedata.normalize("NFKC", name).lower())
    # Not Django's slugify, which drops the vowels of Hindi and Thai: they are marks.
    kept = (char for char in text if char.isalnum() or char in " -_" or unicodedata.category(char)[0] == "M")
    return re.sub("[ -]+", "-", "".join(kept))[:80].strip("-_") or "room"
