"""What is told of every request: which it is, how often which page was asked for, how long it took."""

import logging
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from rooms import context, metrics

log = logging.getLogger(__name__)

# As proxies make them. Another is not taken over: it goes into the log, and back.
SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@sync_and_async_middleware
def told(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Names, counts and times requests; around all others."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            name, began = _begin(request), perf_counter()
            return _tell(request, await get_response(request), name, perf_counter() - began)

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        name, began = _begin(request), perf_counter()
        return _tell(request, get_response(request), name, perf_counter() - began)

    return answer


def _begin(request: HttpRequest) -> str:
    """The request's id. It stays when the answer is on its way: Django logs what that is afterwards."""
    given = request.headers.get("X-Request-ID", "")
    name = given if SANE_ID.fullmatch(given) else context.new_id()
    context.begin(request=name)
    return name


def _tell(request: HttpRequest, response: HttpResponseBase, name: str, seconds: float) -> HttpResponseBase:
    response.headers["X-Request-ID"] = name
    view, method, status = view_of(request), metrics.method_of(request.method), response.status_code
    metrics.answered(view, method, status, seconds)
    if log.isEnabledFor(logging.INFO):
        answer = {"view": view, "method": method, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("%s %s: %d in %d ms", method, view, status, answer["ms"], extra=answer)
    return response


def view_of(request: HttpRequest) -> str:
    """The name of the address that was asked for: which page, and not what is in its address."""
    if request.resolver_match is not None:
        return request.resolver_match.view_name
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"
