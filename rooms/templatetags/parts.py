from collections.abc import Sequence
from typing import Any

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
def news(entry: Any) -> str:
    """What is new in a room of the sidebar."""
    return mark_safe(fragments.news(entry.room_id, entry, is_live=False))  # noqa: S308 — made of numbers


@register.simple_tag
def dot(people_ids: Sequence[int]) -> str:
    """Whether the other person of a direct room is here, once that is known; of several, nothing."""
    if len(people_ids) != 1:
        return ""
    return mark_safe(fragments.dot(people_ids[0], 0, is_live=False))  # noqa: S308 — likewise
