"""Who is named in a message: @ and a name, in any case."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rooms.models import Person
from rooms.names import look_alike_keys

MOST = 20  # @ signs that are looked at in one message
_SIGN = re.compile(r"(?<![\w@.])@(?=\S)")
_WORD_END = re.compile(r"(?<=\S)(?=\s|$)|(?<=\w)(?=[^\w\s])|(?<=[^\w\s])(?=[^\s])")


@dataclass(frozen=True, slots=True)
class Mention:
    """`body[start:end]` names the person."""

    start: int
    end: int
    person_id: int


def mentions_in(body: str, room_id: int) -> list[Mention]:
    """The members of the room that `body` names, in order. A name may hold spaces: the longest
    that anybody has counts. One query, and none where there is no @."""
    spans = {(start, end): body[start + 1 : end] for start, end in _candidates(body)}
    if not spans:
        return []
    keys = {span: look_alike_keys(name)[0] for span, name in spans.items()}
    people = dict(_people(set(keys.values()), room_id))
    found: list[Mention] = []
    for (start, end), key in sorted(keys.items(), key=lambda item: (item[0][0], -item[0][1])):
        if key in people and not (found and start < found[-1].end):
            found.append(Mention(start, end, people[key]))
    return found


def _candidates(body: str) -> Iterator[tuple[int, int]]:
    for count, sign in enumerate(_SIGN.finditer(body)):
        if count == MOST:
            return
        rest = body[sign.end() : sign.end() + Person.NAME_LENGTH].partition("\n")[0]
        ends = {match.end() for match in _WORD_END.finditer(rest)} | {len(rest)}
        yield from ((sign.start(), sign.end() + end) for end in ends if end)


def _people(keys: Iterable[str], room_id: int) -> Iterable[tuple[str, int]]:
    keys = sorted(keys)
    for start in range(0, len(keys), 500):
        yield from Person.objects.filter(
            folded_key__in=keys[start : start + 500], membership__room=room_id
        ).values_list("folded_key", "pk")
