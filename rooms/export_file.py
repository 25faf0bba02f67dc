"""A room as a file to keep: a zip of pages to read, and of lines to load again.

    index.html            what the room is, and which page holds which days
    pages/0001.html …     the conversation
    files/12-0.webp …     what was sent with it: the first file of message 12
    messages.jsonl        the same as `load_history` reads it
    style.css

The pages need no site and no script. Nothing that anybody chose is part of a name in the zip.
Memory and what is read at once stay the same, however long the room is.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.conf import settings
from django.core.files.storage import default_storage
from django.template.loader import get_template, render_to_string
from django.utils import timezone

from rooms.history_file import written
from rooms.markup.plain import with_room_links
from rooms.models import File, Message, Room
from rooms.models.message import apart

PAGE = 500  # messages
STYLES = ("base", "tokens", "messages", "markup", "files", "export")
# Of files in the zip: what would run or be a page is not to open as one.
ENDINGS = {"csv", "docx", "flac", "m4a", "mp3", "mp4", "odp", "ods", "odt", "ogg", "pdf", "pptx"}
ENDINGS |= {"txt", "wav", "webm", "webp", "xlsx", "zip"}

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the conversation, as the index lists it."""

    number: int
    first_at: datetime
    last_at: datetime
    size: int  # messages

    @property
    def name(self) -> str:
        return f"{self.number:04}.html"

    @property
    def year(self) -> int:
        """In which it begins, in the current time zone."""
        return timezone.localtime(self.first_at).year


def write_export(room: Room, title: str, zone: str, file: IO[bytes], progress: Progress) -> int:
    """Write `room`, called `title`, to `file`, with times in the time zone `zone`. Returns how many
    messages are in it: all that were said by now.

    `progress` is told after each page how many ticks of the clock are in, and how many there are;
    what it raises ends the writing.
    """
    with (
        timezone.override(zone),
        ZipFile(file, "w", ZIP_DEFLATED) as zipped,
        TemporaryFile(dir=Path(file.name).parent) as lines,
    ):
        pages = list(_write_pages(room, title, zipped, lines, progress))
        said = sum(page.size for page in pages)
        context = {
            "room": room,
            "title": title,
            "pages": pages,
            "said": said,
            "now": timezone.now(),
            "zone": zone,
        }
        zipped.writestr("index.html", render_to_string("export/index.html", context))
        zipped.writestr("style.css", style())
        lines.seek(0)
        with zipped.open("messages.jsonl", "w", force_zip64=True) as entry:
            shutil.copyfileobj(lines, entry)
    return said


def _write_pages(
    room: Room, title: str, zipped: ZipFile, lines: IO[bytes], progress: Progress
) -> Iterator[Page]:
    template = get_template("export/page.html")
    last = room.latest_seq
    before = first = None
    messages = _page_after(room, 0, last)
    for number in count(1):
        if not messages:
            return
        if first is None:
            first = messages[0].seq
            progress(0, last - first + 1)
        following = _page_after(room, messages[-1].seq, last)
        page = Page(number, messages[0].at, messages[-1].at, len(messages))
        for message in messages:
            message.html = with_room_links(message.html, "")  # which are not among the pages
        context = {
            "room": room,
            "title": title,
            "messages": messages,
            "page": page,
            "before": before,
            "after": f"{number + 1:04}.html" if following else "",
        }
        for message in messages:
            message.enclosed = list(_enclose(message, zipped))  # type: ignore[attr-defined]
        zipped.writestr(f"pages/{page.name}", template.render(context))
        for message in messages:
            if message.deleted_at is None:
                lines.write(written(message, ascii_only=False).encode() + b"\n")
        progress(messages[-1].seq - first + 1, last - first + 1)
        yield page
        before, messages = page.name, following


def _enclose(message: Message, zipped: ZipFile) -> Iterator[dict[str, Any]]:
    """Put the files of `message` into the zip. Each comes as in its extras, with its path; without one
    where the storage does not have it, as when a picture is not ready."""
    for place, shown in enumerate((message.extras or {}).get("files", [])):
        is_picture = shown["kind"] == File.Kind.PICTURE
        file = File(token=shown["token"])
        ending = "webp" if is_picture else shown["name"].rpartition(".")[2].lower()
        path = f"files/{message.seq}-{place}.{ending if ending in ENDINGS else 'bin'}"
        try:
            stored = default_storage.open(file.large if is_picture else file.stored)
            with stored, zipped.open(path, "w", force_zip64=True) as entry:
                shutil.copyfileobj(stored, entry)
        except FileNotFoundError:
            path = ""
        yield shown | {"path": path}


def _page_after(room: Room, seq: int, last: int) -> list[Message]:
    after = Message.objects.filter(room=room, seq__gt=seq, seq__lte=last).select_related("author")
    return apart(list(after.order_by("seq")[:PAGE]))


def style() -> str:
    """The style sheet: the room's own, in one."""
    folder = Path(settings.BASE_DIR) / "static" / "css"
    sheets = "\n".join((folder / f"{name}.css").read_text() for name in STYLES)
    return re.sub(r"[^;{}]*url\([^)]*\)[^;}]*;", "", sheets)  # no page of an export fetches anything
