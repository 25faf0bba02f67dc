from datetime import date

from django import template

from rooms.calendar import path

register = template.Library()


@register.filter
def day_path(day: date) -> str:
    """The end of the address of this day's page, below that of the room's history."""
    return path(day)
