from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse
from django.utils.safestring import mark_safe

from rooms import fragments
from rooms.parts import parts_version

register = template.Library()


@register.simple_tag
def part_url(name: str) -> str:
    """Where the part of this name is, which a page puts in place by itself."""
    return reverse("part", args=[parts_version(), name])


@register.simple_tag
def field_url(slug: str, tall: Any = False) -> str:
    """Where the next field to write in the room is, for one line or several."""
    return f"{part_url('tall-field' if tall else 'field')}?{urlencode({'slug': slug})}"


@register.simple_tag
def compose_url(slug: str, thread: Any = 0) -> str:
    """Where a message that is being written for the room, or a thread in it, changes its form."""
    url = reverse("compose", args=[slug])
    return f"{url}?{urlencode({'thread': thread})}" if thread else url


@register.simple_tag
def news(entry: Any) -> str:
    """What is new in a room of the sidebar."""
    return mark_safe(fragments.news(entry.room_id, entry, is_live=False))  # noqa: S308 — made of numbers


@register.simple_tag
def threads_news(is_new: bool = False) -> str:
    """Whether something is new in the threads that the viewer follows."""
    return mark_safe(fragments.threads(is_new, is_live=False))  # noqa: S308 — likewise


@register.simple_tag
def dot(person_id: int, state: int = 0) -> str:
    """Whether a person is here, away or neither, as far as that is known."""
    return mark_safe(fragments.dot(person_id, state, is_live=False))  # noqa: S308 — likewise


@register.simple_tag(takes_context=True)
def dot_of(context: Mapping[str, Any], person: Any) -> str:
    """Whether `person` is here or away, by the `states` of a page that has them."""
    state = context.get("states", {}).get(person.pk, 0)
    return dot(person.pk, state) if state else ""
