"""What somebody typed -> what they look for, and what of it could not be taken."""

import re
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rooms.search.match import Phrase, phrase_of

LENGTH = 300  # characters that are looked at
MOST_PARTS = 20  # words and filters
SHORTEST_BEGINNING = 3  # letters before a *

FILTERS = ("from", "in", "before", "after", "has")
THINGS = ("link", "file")

_OPENING, _CLOSING = '"“”„«', '"“”»'
_QUOTED = f"[{_OPENING}](?P<quoted>[^{_OPENING}{_CLOSING}]*)(?P<end>[{_CLOSING}]?)"
_PART = re.compile(
    rf"(?P<minus>-?)(?P<filter>{'|'.join(FILTERS)}):(?:{_QUOTED}|(?P<word>\S*))", re.IGNORECASE
)
_WORDS = re.compile(rf"(?P<minus>-?)(?:{_QUOTED}|(?P<word>\S+))")


@dataclass(frozen=True, slots=True)
class Filter:
    name: str  # one of FILTERS
    value: str
    is_not: bool = False


@dataclass(slots=True)
class Query:
    """What is looked for: all of `words` and `filters`, none of `without`. `problems` tell, in
    sentences, what could not be taken."""

    words: list[Phrase] = field(default_factory=list)
    without: list[Phrase] = field(default_factory=list)
    filters: list[Filter] = field(default_factory=list)
    since: date | None = None  # said on this day or later
    until: date | None = None  # said before this day
    text: str = ""  # the words alone, as a name of a person or room
    problems: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.words or self.without or self.filters or self.since or self.until)

    def called(self, name: str, *, is_not: bool = False) -> list[str]:
        """The values of the filters of this name."""
        return [one.value for one in self.filters if one.name == name and one.is_not == is_not]


def parse(text: str) -> Query:
    """What `text` asks for. Takes any text: what makes no sense is told in `problems`."""
    query = Query()
    if len(text) > LENGTH:
        problem = ngettext(
            "Only the first %(count)s character was looked at.",
            "Only the first %(count)s characters were looked at.",
            LENGTH,
        )
        query.problems.append(problem % {"count": LENGTH})
    parts = _parts(text[:LENGTH])
    if len(parts) > MOST_PARTS:
        problem = ngettext(
            "Only the first %(count)s word was looked at.",
            "Only the first %(count)s words were looked at.",
            MOST_PARTS,
        )
        query.problems.append(problem % {"count": MOST_PARTS})
    names = []
    for part in parts[:MOST_PARTS]:
        given = part.groupdict()
        is_quoted = given["quoted"] is not None
        value = given["quoted"] if is_quoted else given["word"]
        if is_quoted and not given["end"]:
            problem = _("The quotation mark before “%(text)s” has no other to close it.")
            query.problems.append(problem % {"text": value})
        if name := (given.get("filter") or "").lower():
            _take_filter(query, name, value.strip(), is_not=bool(given["minus"]))
        else:
            _take_words(query, value, is_quoted=is_quoted, is_not=bool(given["minus"]))
            names += [] if given["minus"] else [value]
    query.text = " ".join(names).strip()
    return query


def _parts(text: str) -> list[re.Match[str]]:
    parts, at = [], 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        part = _PART.match(text, at) or _WORDS.match(text, at)
        assert part is not None  # noqa: S101 — what is no space is at least a word
        parts.append(part)
        at = part.end()
    return parts


def _take_words(query: Query, text: str, *, is_quoted: bool, is_not: bool) -> None:
    is_open = not is_quoted and text.endswith("*")
    phrase = phrase_of(text, is_open=is_open)
    if phrase is None:
        query.problems.append(_("“%(text)s” has no letter or digit to look for.") % {"text": text})
    elif is_open and not phrase.tag and len(phrase.terms[-1]) < SHORTEST_BEGINNING:
        problem = ngettext(
            "“%(text)s” needs %(count)s letter before the *.",
            "“%(text)s” needs %(count)s letters before the *.",
            SHORTEST_BEGINNING,
        )
        query.problems.append(problem % {"text": text, "count": SHORTEST_BEGINNING})
    else:
        (query.without if is_not else query.words).append(phrase)


def _take_filter(query: Query, name: str, value: str, *, is_not: bool) -> None:
    if not value:
        problem = _("What is to come right after “%(filter)s:” is missing.")
        query.problems.append(problem % {"filter": name})
    elif name in ("before", "after"):
        _take_days(query, name, value, is_not=is_not)
    elif name == "has" and value.lower() not in THINGS:
        problem = _("“has:” takes %(one)s or %(other)s, and not “%(text)s”.")
        query.problems.append(problem % {"one": THINGS[0], "other": THINGS[1], "text": value})
    else:
        query.filters.append(Filter(name, value.lower() if name == "has" else value, is_not))


def _take_days(query: Query, name: str, value: str, *, is_not: bool) -> None:
    days = days_of(value)
    if days is None:
        problem = _("“%(text)s” is not a date: it goes like 2020-05-31, 2020-05 or 2020.")
        query.problems.append(problem % {"text": value})
    elif is_not:
        other = "after" if name == "before" else "before"
        problem = _("“-%(filter)s:” is not known; “%(other)s:” is.")
        query.problems.append(problem % {"filter": name, "other": other})
    elif name == "before":
        query.until = min(filter(None, (query.until, days[0])))
    else:
        query.since = max(filter(None, (query.since, days[1])))


def days_of(text: str) -> tuple[date, date] | None:
    """The first of the days that a year, a month or a day has, and the one after its last; None if
    `text` is none of these."""
    given = re.fullmatch("([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?", text)
    if given is None:
        return None
    year, month, day = (int(part) if part else 0 for part in given.groups())
    try:
        first = date(year, month or 1, day or 1)
        if day:
            return first, date.fromordinal(first.toordinal() + 1)
        return first, date(year + (month in (0, 12)), month % 12 + 1 if month else 1, 1)
    except (ValueError, OverflowError):
        return None


def with_room(text: str, slug: str) -> str:
    """`text`, in which messages of the room at `slug` are asked for."""
    return text if slug in parse(text).called("in") else f"in:{slug} {text}".rstrip() + " " * (not text)
