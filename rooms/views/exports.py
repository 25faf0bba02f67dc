"""Rooms as files to take along: asked for, waited for, taken and deleted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.http import content_disposition_header
from django.utils.timezone import localdate
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from rooms import exports as exporting
from rooms.access import Access
from rooms.addresses import address_of
from rooms.models import Export, Person
from rooms.sidebar import title_in
from rooms.views.acts import in_room, signed_in
from rooms.views.people import person_of

CHUNK = 256 * 1024  # bytes


@require_POST
@in_room
def export(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """Have the room made into a file."""
    exporting.ask(mine, address_of(request))
    return redirect("exports")


@require_safe
@signed_in
def exports(request: HttpRequest, person: Person) -> HttpResponse:
    """One's exports, and how far those are that are being made."""
    found = [_shown(export, person) for export in exporting.of(person)]
    context = {
        "exports": found,
        "is_waiting": any(export.is_unfinished for export in found),
        "days": exporting.KEPT_DAYS,
        "most": exporting.MOST_KEPT,
    }
    return render(request, "exports.html", context)


@require_safe
@never_cache
def export_row(request: HttpRequest, token: str) -> HttpResponse:
    """One export as a fragment, asked for again and again while it is being made; nothing where it
    is gone, which then goes from the page."""
    person = person_of(request)
    export = exporting.find(token, person) if person else None
    if person is None or export is None:
        return HttpResponse()
    return render(request, "exports.html#export", {"export": _shown(export, person)})


def _shown(export: Export, person: Person) -> Export:
    export.title = title_in(export.room, person)  # type: ignore[attr-defined]
    if export.ended_at:
        export.until = export.ended_at + timedelta(days=exporting.KEPT_DAYS)  # type: ignore[attr-defined]
    return export


@require_safe
@signed_in
def export_file(request: HttpRequest, person: Person, token: str) -> HttpResponseBase:
    """The file, to who asked for it, while they may see the room."""
    export = exporting.find(token, person)
    if export is None or export.state != Export.State.READY or not export.path.exists():
        raise Http404
    name = f"{export.room.slug if export.room.name else 'direct'}-{localdate(export.ended_at):%Y-%m-%d}.zip"
    # Not Django's FileResponse, all of which an ASGI server reads before it sends any.
    response = StreamingHttpResponse(_chunks(export.path), content_type="application/zip")
    response.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=name) or ""
    )
    response.headers["Content-Length"] = str(export.path.stat().st_size)
    add_never_cache_headers(response)
    return response


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


@require_POST
@signed_in
def delete_export(request: HttpRequest, person: Person, token: str) -> HttpResponse:
    export = exporting.find(token, person)
    if export is None:
        raise Http404
    exporting.delete(export)
    return redirect("exports")
