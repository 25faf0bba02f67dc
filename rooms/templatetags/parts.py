from django import template
from django.urls import reverse

from rooms.parts import parts_version

register = template.Library()


@register.simple_tag
def part_url(name: str) -> str:
    """Where the part of this name is, which a page puts in place by itself."""
    return reverse("part", args=[parts_version(), name])
