from django import template

from rooms.models import Person

register = template.Library()


@register.filter
def blocks(person: Person, other: Person) -> bool:
    """Whether `person` does not want to hear from `other`."""
    return person.blocks.filter(blocked=other).exists()
