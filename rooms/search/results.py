"""What somebody finds: messages, people and rooms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rooms import access
from rooms.access import Scope
from rooms.files_shown import said_in, shown_in
from rooms.models import Membership, Message, Person, Room
from rooms.names import look_alike_keys, same_name_key
from rooms.search import index
from rooms.search.highlight import excerpt, score
from rooms.search.match import FILE, LINK, OPEN, Match, Phrase, by, in_room
from rooms.search.query import Query, parse
from rooms.sidebar import title_of

PAGE = 30  # messages
RANKED = 500  # the newest that match, of which the best are shown
MOST_NAMED = 6  # people, and rooms

Some = list[Phrase | str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found."""

    message: Message
    title: str  # of its room
    excerpt: SafeString


@dataclass(slots=True)
class Found:
    query: Query
    problems: list[str]
    hits: list[Hit] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    rooms: list[tuple[Room, str]] = field(default_factory=list)
    next_before: int | None = None  # after which place the next page begins
    is_best_of: int = 0  # so many of the newest were ranked; 0: they are the newest


def search(text: str, person: Person, *, before: int | None = None, best: bool = False) -> Found:
    """What `person` finds who looks for `text`: any text. Of messages a page, the newest whose places
    are below `before`, or the `best` of the newest RANKED."""
    text = text.replace("\0", " ")
    query = parse(text)
    found = Found(query, list(query.problems))
    if not query:
        return found
    scope = access.scope_of(person)
    match = _match(query, person, scope, found.problems)
    if match is not None:
        zone = ZoneInfo(person.zone)
        places = index.find(
            match,
            most=RANKED if best else PAGE + 1,
            since=_begins(query.since, zone),
            until=_begins(query.until, zone),
            before=None if best else before,
        )
        if best:
            found.is_best_of = len(places)
        elif len(places) > PAGE:
            places = places[:PAGE]
            found.next_before = places[-1]
        messages = _readable(places, scope)
        if best:
            messages.sort(key=lambda message: score(said_in(message), query.words), reverse=True)
        found.hits = _hits(messages[:PAGE], query.words, person)
    if query.text and before is None:
        found.people = people_called(query.text)
        rooms = rooms_called(query.text, person)
        titles = _titles(rooms, person)
        found.rooms = [(room, titles[room.pk]) for room in rooms]
    return found


def _begins(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone)


def _match(query: Query, person: Person, scope: Scope, problems: list[str]) -> Match | None:
    """What to ask the index, or None where nothing can be found; `problems` are told why."""
    all_of: list[Some] = [[phrase] for phrase in query.words]
    none_of: Some = list(query.without)
    # Of several rooms or people, a message has one; a link and a file it may have both.
    one_of: dict[str, Some] = {}
    is_empty = False
    for one in query.filters:
        tags, problem = _tags(one.name, one.value, person)
        if problem:
            problems.append(problem)
            is_empty = is_empty or not one.is_not
        if one.is_not:
            none_of += tags
        else:
            one_of.setdefault(one.name if one.name != "has" else f"has:{one.value}", []).extend(tags)
    all_of += one_of.values()
    if "in" not in one_of:
        all_of.append([OPEN, *map(in_room, sorted(scope.hidden))])
    none_of += map(in_room, sorted(scope.barred))
    none_of += map(by, person.blocks.values_list("blocked", flat=True))
    return None if is_empty else Match(all_of, none_of)


def _tags(name: str, value: str, person: Person) -> tuple[Some, str]:
    """The tags of the messages that a filter takes, and what is to be said where there are none."""
    if name == "has":
        return [LINK if value == "link" else FILE], ""
    if name == "from":
        people = people_named(value, person)
        return [by(pk) for pk in people], "" if people else _("Nobody is called “%(name)s”.") % {
            "name": value
        }
    rooms = rooms_named(value, person)
    return [in_room(pk) for pk in rooms], "" if rooms else _("You know no room “%(name)s”.") % {"name": value}


def people_named(name: str, person: Person) -> list[int]:
    """The ids of those of this name, or one like it; `me` is whoever asks."""
    if name.lower() == "me":
        return [person.pk]
    folded, written = look_alike_keys(name.removeprefix("@"))
    named = Q(username=name.removeprefix("@")) | Q(folded_key=folded) | Q(written_key=written)
    return list(Person.objects.filter(named).values_list("pk", flat=True))


def rooms_named(name: str, person: Person) -> list[int]:
    """The ids of the rooms of this name, or with this in their address, that `person` may read."""
    here = Q(pk__in=Room.objects.at(name).values("pk"))
    named = ~Q(name="") & Q(name_key=same_name_key(name.removeprefix("#")))
    return list(access.visible_to(person).filter(here | named).values_list("pk", flat=True))


def people_called(text: str) -> list[Person]:
    """Some whose names hold `text`, of those who are here."""
    folded, _ = look_alike_keys(text)
    named = Q(username__icontains=text) | Q(folded_key__contains=folded)
    return list(Person.objects.filter(named, is_active=True).order_by("username")[:MOST_NAMED])


def rooms_called(text: str, person: Person) -> list[Any]:
    """The liveliest rooms that `person` may read whose names or topics hold `text`."""
    named = Q(name_key__contains=same_name_key(text)) | Q(topic__icontains=text)
    return list(access.visible_to(person).filter(named).exclude(name="").liveliest_first()[:MOST_NAMED])


def _readable(places: Sequence[int], scope: Scope) -> list[Message]:
    """The messages at these places, in this order. The index is only a hint: what is not in `scope`,
    or is there no more, is left out."""
    found = Message.objects.filter(deleted_at=None).in_bulk([index.message_at(place) for place in places])
    rooms = Room.objects.in_bulk({message.room_id for message in found.values()})
    messages = [found[pk] for place in places if (pk := index.message_at(place)) in found]
    for message in messages:
        message.room = rooms[message.room_id]
    return [message for message in messages if scope.holds(message.room)]


def _hits(messages: Sequence[Message], phrases: Sequence[Phrase], person: Person) -> list[Hit]:
    authors = Person.objects.in_bulk({message.author_id for message in messages})
    titles = _titles({message.room_id: message.room for message in messages}.values(), person)
    for message in messages:
        message.author = authors[message.author_id]
    return [
        Hit(message, titles[message.room_id], excerpt(shown_in(message), phrases)) for message in messages
    ]


def _titles(rooms: Iterable[Room], person: Person) -> dict[int, str]:
    """What these rooms are called, by id. Two queries at most, however many there are."""
    rooms = list(rooms)
    nameless = [room.pk for room in rooms if not room.name]
    others: dict[int, list[Person]] = {pk: [] for pk in nameless}
    if nameless:
        members = Membership.objects.filter(room__in=nameless).exclude(person=person)
        for member in members.select_related("person").order_by("person__username"):
            others[member.room_id].append(member.person)
    return {room.pk: title_of(room.name, others.get(room.pk, [])) for room in rooms}
