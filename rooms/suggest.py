"""What the last word of a text that is being written may become: @ and a person, # and a room, : and
an emoji. Where in its field somebody writes, no page can tell without a script; it is taken to be the end.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q

from rooms import access, fragments
from rooms.access import Access
from rooms.emoji import emoji_named
from rooms.forms import DraftForm
from rooms.models import Kind, Person
from rooms.names import look_alike_keys
from rooms.reading import reading
from rooms.tab import Tab

MOST = 6
LONGEST_WORD = 64  # characters of the text's end that are looked at

_WORDS = {
    "person": re.compile(r"(?<![\w@.])@((?:[^\s@]+(?: [^\s@]+){0,2})?)\Z"),  # a name may hold spaces
    "room": re.compile(r"(?<![\w#&/])#([^\s#]*)\Z"),
    "emoji": re.compile(r"(?<![\w:]):([a-z0-9_+-]{2,})\Z"),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """`text` may stand in place of the last word. `kind` and `value` name the offer: the id of a person
    or a room, the short name of an emoji. It is shown as `label`, behind a `sign`."""

    kind: str
    value: int | str
    text: str
    sign: str
    label: str


def offers(mine: Access, text: str) -> list[Offer]:
    """What may be offered to somebody in a room who has written `text`; hardly ever more than a query."""
    for kind, start, word in _last_words(text):
        found = [offer for offer in _offers(mine, kind, word) if offer.text != text[start:]]
        if found:
            return found
    return []


def completed(mine: Access, text: str, kind: str, value: str) -> str | None:
    """`text` with the offer in place of its last word, or None where that is not to be had there."""
    for of_kind, start, word in _last_words(text):
        if of_kind == kind:
            for offer in _offers(mine, kind, word, value):
                return f"{text[:start]}{offer.text} "
    return None


def _last_words(text: str) -> Iterator[tuple[str, int, str]]:
    """As what the last word may be read: the kind, where it starts, and what follows its sign."""
    for kind, pattern in _WORDS.items():
        before = max(0, len(text) - LONGEST_WORD)
        if found := pattern.search(text, before):
            yield kind, found.start(), found[1]


def _offers(mine: Access, kind: str, word: str, value: str | None = None) -> Iterable[Offer]:
    if kind == "emoji":
        named = emoji_named(word)
        return [Offer(kind, name, emoji, emoji, name) for name, emoji in named if value in (None, name)][
            :MOST
        ]
    pk = None
    if value is not None:
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            return []
        pk = int(value)
    if kind == "person":
        return [Offer(kind, one.pk, f"@{one.username}", "@", one.username) for one in _people(mine, word, pk)]
    return [Offer(kind, room.pk, f"#{room.slug}", "#", room.name) for room in _rooms(mine, word, pk)]


def _people(mine: Access, word: str, pk: int | None) -> Iterable[Any]:
    """Of the room, by the beginning of their name or of a word in it."""
    key = look_alike_keys(word)[0]
    starts = Q(folded_key__startswith=key) | Q(folded_key__contains=f" {key}") | Q(username__istartswith=word)
    people = Person.objects.filter(starts, membership__room=mine.room, is_active=True)
    others = people.exclude(pk=mine.person_id or 0)
    people = others if pk is None else people.filter(pk=pk)
    return people.only("username").order_by("username")[:MOST]


def _rooms(mine: Access, word: str, pk: int | None) -> Iterable[Any]:
    """That the person may know of, their own first. A direct one has no name."""
    starts = Q(name_key__startswith=word.casefold()) | Q(slug__startswith=word.casefold())
    rooms = access.visible_to(mine.person).filter(starts, archived_at=None).exclude(kind=Kind.DIRECT)
    rooms = rooms if pk is None else rooms.filter(pk=pk)
    return rooms.order_by(F("my_role").desc(nulls_last=True), "name_key", "pk")[:MOST]


class Suggester:
    """Offers words to one tab."""

    def __init__(self, mine: Access, tab: Tab) -> None:
        self.mine, self.tab = mine, tab
        self.offered_to = ""  # the key of the form that shows offers

    async def suggest(self, frame: dict[str, Any]) -> None:
        form = DraftForm(frame)
        key = form.key()
        # What was asked while there was no connection is answered too late.
        if not key or not self.tab.resumed or not form.is_valid():
            return
        found = await _found(self.mine, form.cleaned_data["body"])
        if found or self.offered_to == key:
            self.tab.give(fragments.offers(self.mine.room, key, found))
        self.offered_to = key if found else ""


_found = reading(offers)
