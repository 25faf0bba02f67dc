from django import template
from django.urls import reverse

from rooms.parts import parts_version

register = template.Library()


@register.simple_tag
def parts_url() -> str:
    """Where the parts are that a page puts in place by itself."""
    return reverse("parts", args=[parts_version()])
