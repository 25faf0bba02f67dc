"""What of the files of a message its HTML is made of."""

from collections.abc import Iterable
from typing import Any

from django.template.defaultfilters import filesizeformat

from rooms.markup.plain import text_of
from rooms.models import File, Message

BOX = (360, 280)  # CSS pixels of a picture among the messages, at most


def files_shown(files: Iterable[File]) -> list[dict[str, Any]]:
    """Each of `files`, as it is kept with its message in `extras`."""
    return [_shown(file) for file in files]


def _shown(file: File) -> dict[str, Any]:
    _, dot, ending = file.name.rpartition(".")
    width, height = _within_box(file.width, file.height)
    return {
        "token": file.token,
        "kind": file.kind,
        "name": file.name,
        "caption": file.caption,
        "size": str(filesizeformat(file.size)),
        "ending": ending.upper() if dot and ending.isalnum() and len(ending) <= 4 else "",
        "ready": file.state == File.State.READY,
        "width": file.width,
        "height": file.height,
        "box": [width, height],
    }


def _within_box(width: int, height: int) -> tuple[int, int]:
    if not (width and height):
        return 0, 0
    scale = min(1, BOX[0] / width, BOX[1] / height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def said_in(message: Message) -> str:
    """All that `message` says, as it was written: its text, and what its files are called."""
    return "\n".join(filter(None, [message.body, *file_lines(message)]))


def shown_in(message: Message) -> str:
    """The same as it is shown, without markup and what is hidden."""
    return "\n".join(filter(None, [text_of(message.html), *file_lines(message)]))


def file_lines(message: Message) -> list[str]:
    """The names and captions of its files, a line each."""
    files = (message.extras or {}).get("files", [])
    return [f"{file['name']}: {file['caption']}" if file["caption"] else file["name"] for file in files]
