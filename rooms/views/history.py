"""A room's past as pages to leaf through, by seq and by day.

They are kept by browsers and asked for again: each has an ETag made of all that is on it, and as
long as that is so, the answer is that nothing has changed, for the price of reading it.
"""

import hashlib
from datetime import date
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError
from django.forms import DateField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import Engine
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from rooms import calendar, days
from rooms import history as pages
from rooms.access import Access
from rooms.models import Person
from rooms.sidebar import title_in
from rooms.texts import texts_version
from rooms.views.acts import in_room_kept, number
from rooms.views.small import style_version

kept = cache_control(private=True, no_cache=True)
TEMPLATES = ["base.html", "room.html", "files.html", "history.html", "day.html", "year.html", "month.html"]
TEMPLATES += ["leaf.html", "message-styles.html"]
STYLES = ["base", "forms", "tokens", "messages", "markup", "files", "history", "print"]


@require_safe
@kept
@in_room_kept
def history(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """The newest messages; `?before=SEQ`, `?after=SEQ`: those before or after that one. Whichever way a
    page was come to, its own address is `?before=` what follows it or, at the end, that of the newest
    page. `?day=2020-06-02` leads to the nearest day that has messages."""
    room = mine.room
    if "day" in request.GET:
        return _nearest(request, mine)
    before, after = number(request, "before"), number(request, "after")
    here, said = reverse("history", args=[room.slug]), pages.all_said()
    if before is not None:
        page = pages.before(room, before, said)
    elif after is not None:
        page = pages.after(room, after, said)
    else:
        page = pages.newest(room, said)
    if not page.messages and before is not None and room.latest_seq:
        return redirect(f"{here}?after=0")
    if (before is not None and not page.has_newer) or (after is not None and not page.messages):
        return redirect(here)
    if page.messages:
        page.messages[0].is_topmost = True
    newest = page.messages[-1].at if page.messages else timezone.now()
    context = {
        "page": page,
        "canonical": f"{here}?before={page.last + 1}" if page.has_newer else here,
        **_around(mine, timezone.localdate(newest)),
    }
    return _answer(request, mine, person, "history.html", context)


def _nearest(request: HttpRequest, mine: Access) -> HttpResponse:
    try:
        asked = DateField().clean(request.GET["day"])
    except ValidationError:
        asked = timezone.localdate()
    found = days.nearest(mine.room, min(max(asked, days.FIRST), days.LAST))
    return redirect("day", mine.room.slug, found) if found else redirect("history", mine.room.slug)


@require_safe
@kept
@in_room_kept
def day(request: HttpRequest, mine: Access, person: Person, day: date) -> HttpResponse:
    """What was said on one day, in the viewer's time zone; a long one in parts, `?after=SEQ`."""
    part = days.part(mine.room, day, number(request, "after") or 0)
    here = reverse("day", args=[mine.room.slug, day])
    if not part.messages and part.count:
        return redirect(here)
    if part.messages:
        part.messages[0].is_topmost = True
    context = {
        "day": day,
        "part": part,
        "said": calendar.said(part.count),
        "canonical": f"{here}?after={part.after}" if part.after else here,
        "near": days.neighbours(mine.room, day, day + days.DAY),
        **_around(mine, day),
    }
    return _answer(request, mine, person, "day.html", context)


@require_safe
@kept
@in_room_kept
def year(request: HttpRequest, mine: Access, person: Person, year: int) -> HttpResponse:
    """How much was said on each day of a year."""
    months = calendar.year(mine.room, year)
    context = {
        "year": year,
        "months": months,
        "said": calendar.said(sum(month.count for month in months)),
        "years": _years(days.neighbours(mine.room, months[0].first, months[0].first)),
        "canonical": reverse("year", args=[mine.room.slug, year]),
    }
    return _answer(request, mine, person, "year.html", context)


def _around(mine: Access, day: date) -> dict[str, Any]:
    """The calendar of the month that `day` is in, and where to go from there."""
    month = calendar.month(mine.room, day)
    around = days.neighbours(mine.room, month.first, calendar.month_after(month.first))
    return {"shown": day, "month": month, "around": around, "years": _years(around)}


def _years(around: days.Neighbours) -> list[int]:
    """Those from the first to the last day that has messages."""
    return [*range(around.first.year, around.last.year + 1)] if around.first and around.last else []


def _answer(
    request: HttpRequest, mine: Access, person: Person, template: str, context: dict[str, Any]
) -> HttpResponse:
    context |= {
        "room": mine.room,
        "title": title_in(mine.room, person),
        "style_version": style_version(person),
        "history_url": reverse("history", args=[mine.room.slug]),
    }
    etag = _etag(request.get_full_path(), person.zone, person.theme, mine.room.slug, release(), **context)
    response = get_conditional_response(request, etag) or render(request, template, context)
    response["ETag"] = etag
    return response


def _etag(*parts: object, **context: Any) -> str:
    """Another whenever the page shows anything else."""
    shown = context.pop("page", None) or context.pop("part", None)
    # The HTML too: it may be made anew, which is no change of the message.
    seen = [(m.seq, m.version, m.html, m.author.username) for m in shown.messages] if shown else []
    context.pop("room", None)
    return quote_etag(hashlib.sha256(repr((parts, seen, shown, context)).encode()).hexdigest()[:32])


@cache
def release() -> str:
    """Changes when the templates, styles or texts of these pages do."""
    engine = Engine.get_default()
    sources = [str(engine.get_template(name).source) for name in TEMPLATES]
    sources += [static(f"css/{name}.css") for name in STYLES] + [texts_version()]
    return hashlib.sha256("".join(sources).encode()).hexdigest()
