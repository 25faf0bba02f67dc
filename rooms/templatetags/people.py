from functools import lru_cache

from django import template
from django.conf import settings
from django.utils.translation import ngettext

from rooms.models import Person

register = template.Library()


@register.filter
def blocks(person: Person, other: Person) -> bool:
    """Whether `person` does not want to hear from `other`."""
    return person.blocks.filter(blocked=other).exists()


@register.filter
def people(count: int) -> str:
    """So many people, in words."""
    return _people(settings.LANGUAGE_CODE, count)


@lru_cache(maxsize=1024)
def _people(language: str, count: int) -> str:
    return ngettext("%(people)s person", "%(people)s people", count) % {"people": count}
