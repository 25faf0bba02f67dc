from datetime import date, datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from rooms.calendar import path
from rooms.texts import text as _

register = template.Library()


@register.filter
def day_path(day: date) -> str:
    """The end of the address of this day's page, below that of the room's history."""
    return path(day)


@register.filter(expects_localtime=True)
def moment(at: datetime) -> SafeString:
    """This date and time as a <time> element, to stand in a sentence."""
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), date_format(at, "DATETIME_FORMAT"))


@register.filter(expects_localtime=True)
def day(day: date) -> SafeString:
    """This date, or that of a time, as a <time> element, to stand in a sentence."""
    return format_html('<time datetime="{}">{}</time>', f"{day:%Y-%m-%d}", date_format(day, "DATE_FORMAT"))


@register.filter
def ago(at: datetime) -> str:
    """How long ago this was, to the minute."""
    if timezone.now() - at < timedelta(minutes=1):
        return _("just now")
    return _("%(time)s ago") % {"time": timesince(at)}


# Locales have no formats for these two, but for what they are put together of.


@register.filter(expects_localtime=True)
def long_date(day: date) -> str:
    """The date with its day of the week."""
    return _("%(weekday)s, %(date)s") % {
        "weekday": date_format(day, "l"),
        "date": date_format(day, "DATE_FORMAT"),
    }


@register.filter(expects_localtime=True)
def month_day_and_time(at: datetime) -> str:
    """Date and time, without the year."""
    return _("%(date)s, %(time)s") % {
        "date": date_format(at, "MONTH_DAY_FORMAT"),
        "time": date_format(at, "TIME_FORMAT"),
    }
