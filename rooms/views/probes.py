"""What those who mind the site ask of each process."""

from collections.abc import Callable
from secrets import compare_digest
from typing import Any

from asgiref.sync import async_to_sync, iscoroutinefunction
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import resolve
from django.utils.decorators import sync_and_async_middleware
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from rooms import health as checks
from rooms import scrape

PATHS = {"/healthz", "/readyz", "/metrics"}


@sync_and_async_middleware
def probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Answers the probes ahead of all that needs a session, a database or a host that the site goes by:
    a balancer asks by the address of the machine, in plain HTTP."""
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            if _is_probe(request):
                return await _answer(request)
            return await get_response(request)

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        if _is_probe(request):
            return async_to_sync(_answer)(request)
        return get_response(request)

    return answer


def _is_probe(request: HttpRequest) -> bool:
    # What comes by another method is refused as everywhere.
    return request.path_info in PATHS and request.method in ("GET", "HEAD")


async def _answer(request: HttpRequest) -> HttpResponse:
    request.resolver_match = found = resolve(request.path_info)
    response = await found.func(request)
    response.setdefault("Content-Length", str(len(response.content)))  # as Django's middleware has it
    return response


@never_cache
@require_safe
async def health(request: HttpRequest) -> HttpResponse:
    """Whether the process answers at all, of whatever else is out of order."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
async def ready(request: HttpRequest) -> HttpResponse:
    """Whether it can serve: 200 or 503, and a line for each check. `?exclude=` leaves out the check of that
    name; there may be several."""
    failed = await checks.failures(request.GET.getlist("exclude"))
    lines = [f"{name} {'failed' if is_failed else 'ok'}\n" for name, is_failed in failed.items()]
    status = 503 if any(failed.values()) else 200
    response = HttpResponse("".join(lines), status=status, content_type="text/plain")
    # Why is logged by now. Django would log it as an error of ours, at every probe.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@never_cache
@require_safe
async def metrics(request: HttpRequest) -> HttpResponse:
    """What this process counts and measures, for Prometheus: for whoever knows METRICS_TOKEN. Where there is
    none, there is nothing here."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
        return HttpResponse("", status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    exposed, content_type = await scrape.exposition(request.headers.get("Accept", ""))
    return HttpResponse(exposed, content_type=content_type)
