"""A file of a message, to those who may see the message.

Nothing in it may act on this site: it has a policy of its own that lets nothing run, its type is not
guessed, and what is neither a picture that we made nor something that is played goes to the disk.
"""

import asyncio
import re
from collections.abc import AsyncIterator

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import content_disposition_header, quote_etag
from django.views.decorators.http import require_safe

from rooms import access
from rooms.file_store import opened
from rooms.models import File
from rooms.views.people import person_of

CHUNK = 256 * 1024  # bytes
POLICY = "sandbox; default-src 'none'"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@require_safe
def file(request: HttpRequest, slug: str, token: str, is_small: bool = False) -> HttpResponseBase:
    """The file or, where it `is_small`, a picture as it is shown among the messages; of one that is
    large as it is, this is a part (RFC 9110, 14.2). To who may not see it, there is none."""
    person = person_of(request)
    mine = access.find(slug, person)
    if person is None or not mine.may_enter:
        raise Http404
    found = File.objects.filter(token=token.replace("\0", " "), message__room=mine.room.pk).first()
    name = found and _stored(found, is_small)
    if found is None or not name:
        raise Http404
    etag = quote_etag(f"{found.token}{'-small' if is_small else ''}")
    response = get_conditional_response(request, etag) or _answer(request, found, name, etag)
    response.headers["ETag"] = etag
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    # Asked for again each time: who may not see it any more is not to find it kept.
    patch_cache_control(response, private=True, no_cache=True)
    return response


def _stored(file: File, is_small: bool) -> str:
    """What the storage has to show for it; nothing, where that is not made yet or never will be."""
    if file.kind != File.Kind.PICTURE:
        return "" if is_small else file.stored
    if file.state != File.State.READY:
        return ""
    return file.small if is_small else file.large


def _answer(request: HttpRequest, file: File, name: str, etag: str) -> HttpResponseBase:
    try:
        size = default_storage.size(name)
    except FileNotFoundError:
        raise Http404 from None  # the database was brought back without its files
    start, stop, status = 0, size, 200
    is_same = request.headers.get("If-Range", etag) == etag
    if is_same and (part := part_of(request.headers.get("Range"), size)):
        start, stop = part
        status = 206 if start < stop else 416
    if status == 416:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response: HttpResponseBase
    if stop - start <= CHUNK:
        with opened(name, start, stop) as stored:
            response = HttpResponse(stored.read(stop - start), content_type=file.type, status=status)
    else:
        chunks = _chunks(name, start, stop)
        response = StreamingHttpResponse(chunks, content_type=file.type, status=status)
    is_shown = file.kind != File.Kind.OTHER
    response.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=not is_shown, filename=_name(file)) or ""
    )
    response.headers["Content-Length"] = str(stop - start)
    response.headers["Accept-Ranges"] = "bytes"
    if status == 206:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return response


def _name(file: File) -> str:
    is_made = file.kind == File.Kind.PICTURE
    return f"{file.name.rpartition('.')[0] or file.name}.webp" if is_made else file.name


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Where the part begins and ends that a Range header asks for, of something of `size` bytes; (0, 0)
    where there is no such part, and None where all of it is to be sent: without the header, and with
    one that makes no sense or asks for several parts."""
    asked = _RANGE.fullmatch(header or "")
    if asked is None or asked[0] == "bytes=-":
        return None
    first, last = asked.groups()
    if not first:
        return (max(size - int(last), 0), size) if int(last) and size else (0, 0)
    if last and int(last) < int(first):
        return None
    start, stop = int(first), min(int(last) + 1, size) if last else size
    return (start, stop) if start < size else (0, 0)


async def _chunks(name: str, start: int, stop: int) -> AsyncIterator[bytes]:
    stored = await asyncio.to_thread(opened, name, start, stop)
    try:
        left = stop - start
        while left and (chunk := await asyncio.to_thread(stored.read, min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    finally:
        stored.close()
