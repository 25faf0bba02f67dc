"""Who and what may be named in a message: a person by an @ and a name, a room by a # and one, in any
case. Looked up before it is rendered; who is named is who is then shown so, and not what is in code.
"""

import re
from collections.abc import Iterable, Iterator

from django.db.models import Q

from rooms import access, markup
from rooms.markup import Rendered
from rooms.markup.words import PERSON_SIGN, ROOM_SIGN, WORD_END
from rooms.models import Person, Room
from rooms.names import look_alike_keys, same_name_key

MOST = 20  # signs of each kind that are looked at in one message
_PERSON_SIGN, _ROOM_SIGN = re.compile(PERSON_SIGN), re.compile(ROOM_SIGN)


def rendered(body: str, room_id: int) -> Rendered:
    """`body` as it is shown in the room."""
    return markup.render(body, people_in(body, room_id), rooms_in(body))


def people_in(body: str, room_id: int) -> dict[str, int]:
    """The ids of the members of the room whom `body` may name, by what it calls them. A name may hold
    spaces: every text after an @ that is one counts. One query, and none where there is no @."""
    texts = set(_candidates(body, _PERSON_SIGN, Person.NAME_LENGTH))
    if not texts:
        return {}
    keys = {text: look_alike_keys(text)[0] for text in texts}
    people = dict(_people(set(keys.values()), room_id))
    return {text: people[key] for text, key in keys.items() if key in people}


def rooms_in(body: str) -> dict[str, str]:
    """The slugs of the open rooms that `body` may name, by what it calls them: their slugs or names.
    Of other rooms nobody learns like this that they are there. One query, and none where there is
    no #."""
    keys = {text: same_name_key(text) for text in _candidates(body, _ROOM_SIGN, Room.NAME_LENGTH)}
    if not keys:
        return {}
    slugs: dict[str, str] = {}
    for name_key, slug in _rooms(set(keys.values())):
        slugs[name_key] = slug
        slugs.setdefault(slug, slug)
    return {text: slugs[key] for text, key in keys.items() if key in slugs}


def _candidates(body: str, sign: re.Pattern[str], longest: int) -> Iterator[str]:
    for count, match in enumerate(sign.finditer(body)):
        if count == MOST:
            return
        rest = body[match.end() : match.end() + longest].partition("\n")[0]
        ends = {end.end() for end in WORD_END.finditer(rest)} | {len(rest)}
        yield from (rest[:end] for end in ends if end)


def _people(keys: Iterable[str], room_id: int) -> Iterable[tuple[str, int]]:
    keys = sorted(keys)
    for start in range(0, len(keys), 500):
        yield from Person.objects.filter(
            folded_key__in=keys[start : start + 500], membership__room=room_id
        ).values_list("folded_key", "pk")


def _rooms(keys: Iterable[str]) -> Iterable[tuple[str, str]]:
    keys = sorted(keys)
    for start in range(0, len(keys), 400):
        some = keys[start : start + 400]
        named = Q(name_key__in=some) | Q(slug__in=some)
        yield from access.visible_to(None).filter(named).values_list("name_key", "slug")
