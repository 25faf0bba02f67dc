"""What is told of every request: how often which page was asked for, and how long it took."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from rooms import metrics


@sync_and_async_middleware
def told(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Counts and times requests; around all others."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            began = perf_counter()
            return _tell(request, await get_response(request), perf_counter() - began)

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        began = perf_counter()
        return _tell(request, get_response(request), perf_counter() - began)

    return answer


def _tell(request: HttpRequest, response: HttpResponseBase, seconds: float) -> HttpResponseBase:
    metrics.answered(view_of(request), request.method, response.status_code, seconds)
    return response


def view_of(request: HttpRequest) -> str:
    """The name of the address that was asked for: which page, and not what is in its address."""
    if request.resolver_match is not None:
        return request.resolver_match.view_name
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"
