"""Time zones, by their IANA names."""

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# What is left out is there for old computers: offsets, and second names of places.
REGIONS = {
    "Africa": _("Africa"),
    "America": _("America"),
    "Antarctica": _("Antarctica"),
    "Arctic": _("Arctic"),
    "Asia": _("Asia"),
    "Atlantic": _("Atlantic Ocean"),
    "Australia": _("Australia"),
    "Europe": _("Europe"),
    "Indian": _("Indian Ocean"),
    "Pacific": _("Pacific Ocean"),
}

Choice = tuple[str, str]


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name here. Takes any text."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def zones_by_region() -> Sequence[tuple[str | Promise, Sequence[Choice]]]:
    """The time zones to choose from, as the groups of a form's choices."""
    names = sorted(name for name in available_timezones() if name.partition("/")[0] in REGIONS)
    regions = groupby(names, lambda name: name.partition("/")[0])
    grouped = [(REGIONS[region], [(name, _place(name)) for name in of_it]) for region, of_it in regions]
    return [*grouped, (_("Anywhere"), [("UTC", "UTC")])]


def _place(name: str) -> str:
    return name.partition("/")[2].replace("_", " ").replace("/", ", ")
