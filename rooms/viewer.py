"""What every page has as its viewer likes it: times in their time zone, and their colours."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def viewers_zone(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Shows times in the time zone of whoever asks."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            with timezone.override(ViewersZone(request)):
                return await get_response(request)

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        with timezone.override(ViewersZone(request)):
            return get_response(request)

    return answer


class ViewersZone(tzinfo):
    """The time zone of whoever asks. Who that is, the database is asked when the first time is
    shown, for most answers show none."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _zone(self) -> tzinfo:
        person = self._request.user
        return ZoneInfo(person.zone) if person.is_authenticated else timezone.get_default_timezone()

    def fromutc(self, when: datetime) -> datetime:
        return self._zone.fromutc(when.replace(tzinfo=self._zone))

    def utcoffset(self, when: datetime | None) -> timedelta | None:
        return self._zone.utcoffset(when)

    def dst(self, when: datetime | None) -> timedelta | None:
        return self._zone.dst(when)

    def tzname(self, when: datetime | None) -> str | None:
        return self._zone.tzname(when)

    def __str__(self) -> str:
        return str(self._zone)


def theme(request: HttpRequest) -> dict[str, str]:
    """The colours that the viewer chose, for templates.

    Only where it is known already who that is. Every page that is about anybody has asked; one
    that says what went wrong has not, and must not need the database for it.
    """
    return {"theme": getattr(getattr(request, "_cached_user", None), "theme", "")}
