"""What the index is asked: phrases, and tags that say of a message where it is and whose."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rooms.search.terms import is_unspaced, located

# No term of a text holds a "=": none can be taken for a tag.
OPEN = "=o"  # said in an open room
LINK = "=link"  # with a link in it
FILE = "=file"  # with a file


def in_room(room_id: int) -> str:
    return f"=r{room_id}"


def by(person_id: int) -> str:
    return f"=a{person_id}"


def single(char: str) -> str:
    """Of each character that can be looked for by itself: terms of two would hide it."""
    return f"={char}"


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that follow each other."""

    terms: tuple[str, ...]
    is_open: bool = False  # the last is only how a term begins

    def places_in(self, terms: Sequence[str]) -> list[int]:
        """Where in `terms` it begins."""
        first, count = self.terms[0], len(self.terms)
        if count == 1 and not self.is_open:
            return [place for place, term in enumerate(terms) if term == first]
        exact, last = self.terms[: count - self.is_open], self.terms[-1]
        return [
            place
            for place in range(len(terms) - count + 1)
            if tuple(terms[place : place + len(exact)]) == exact
            and (not self.is_open or terms[place + count - 1].startswith(last))
        ]

    @property
    def tag(self) -> str:
        """What tells that it is there, if a tag does."""
        is_single = self.is_open and len(self.terms) == 1 and len(self.terms[0]) == 1
        return single(self.terms[0]) if is_single and is_unspaced(self.terms[0]) else ""


def phrase_of(text: str, *, is_open: bool = False) -> Phrase | None:
    """`text` as it is looked for, or None where there is nothing in it to look for. `is_open`: its
    last word may go on."""
    found = located(text)
    if not found:
        return None
    terms = [term.text for term in found]
    if not found[-1].is_last:
        return Phrase(tuple(terms), is_open)
    # What is looked for may be a part of a longer run, where other characters follow its last.
    if len(found) > 1 and len(terms[-2]) == 2 and terms[-2][1] == terms[-1] and not found[-2].is_last:
        return Phrase(tuple(terms[:-1]))
    return Phrase(tuple(terms), True)


@dataclass(frozen=True, slots=True)
class Match:
    """Messages with one of each of `all_of`, and nothing of `none_of`. A str is a tag."""

    all_of: Sequence[Sequence[Phrase | str]]
    none_of: Sequence[Phrase | str] = ()

    def takes(self, terms: Sequence[str], tags: Iterable[str]) -> bool:
        """Whether it takes a message of these. What an index answers at once, for one message."""
        tags = set(tags)

        def has(one: Phrase | str) -> bool:
            return one in tags if isinstance(one, str) else bool(one.places_in(terms))

        return all(any(map(has, some)) for some in self.all_of) and not any(map(has, self.none_of))
