"""The parts that pages put in place by themselves, kept by browsers."""

import hashlib
from functools import cache

from django.template.loader import get_template

NAMES = ["connection", "field", "mark", "unmark"]


@cache
def parts_version() -> str:
    """Changes when the parts do, so that browsers may keep them for ever."""
    sources = (get_template(name).template.source for name in [f"parts/{name}.html" for name in [*NAMES, "live-field"]])  # type: ignore[attr-defined]
    return hashlib.sha256("".join(sources).encode()).hexdigest()[:12]
