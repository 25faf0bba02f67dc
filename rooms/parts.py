"""The parts that pages put in place by themselves, kept by browsers."""

import hashlib
from functools import cache

from django.template import Engine

from rooms.texts import texts_version

NAMES = ["connection", "field", "mark", "tall-field", "unmark"]
_INCLUDED = ["line", "lines", "live-field", "placeholder", "preview", "tools"]


@cache
def parts_version() -> str:
    """Changes when the parts do, so that browsers may keep them for ever."""
    engine = Engine.get_default()
    sources = (engine.get_template(f"parts/{name}.html").source for name in [*NAMES, *_INCLUDED])
    return hashlib.sha256("".join([texts_version(), *map(str, sources)]).encode()).hexdigest()[:12]
