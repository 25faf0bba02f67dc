"""What a file is called, and what it is: the one as its sender says, made harmless; the other by what
is in it, whatever it is called."""

import re
import unicodedata

import puremagic
from django.core.exceptions import ValidationError
from django.utils.translation import ngettext

from rooms.models import File

HEAD = 4096  # bytes of a file that tell what it is
DOWNLOAD = "application/octet-stream"
Kind = File.Kind

# Joiners, which Persian and Indic spelling and joined emoji need, are all that may be there unseen: a
# mark that turns what follows right to left makes fdp.exe of exe.pdf.
_JOINERS = "\u200c\u200d"
_ENDS = f". {_JOINERS}"
_PATH = re.compile(r".*[/\\]", re.DOTALL)
_LONGEST_ENDING = 12  # characters

# What players play, by the ending that such a file should have. Nothing else is shown in a page.
_PLAYED = {
    ".webm": (Kind.VIDEO, "video/webm"),
    ".m4a": (Kind.AUDIO, "audio/mp4"),
    ".mp4": (Kind.VIDEO, "video/mp4"),
    ".oga": (Kind.AUDIO, "audio/ogg"),
    ".wav": (Kind.AUDIO, "audio/wav"),
    ".flac": (Kind.AUDIO, "audio/flac"),
    ".mp3": (Kind.AUDIO, "audio/mpeg"),
    ".mpga": (Kind.AUDIO, "audio/mpeg"),
}
_ALIKE = {".heic", ".heif", ".avif", ".mov", ".avi"}  # which begin as one of those does


def clean_file_name(name: str) -> str:
    """The name as it is kept and shown: without a path, what cannot be seen, or dots at its ends, and
    at most File.NAME_LENGTH characters, the ending among them."""
    name = unicodedata.normalize("NFC", _PATH.sub("", name))
    kept = (" " if unicodedata.category(char)[0] == "Z" else char for char in name if _is_kept(char))
    name = " ".join("".join(kept).split()).strip(_ENDS)
    if not any(unicodedata.category(char)[0] in "LNSP" for char in name):
        return "file"
    stem, dot, ending = name.rpartition(".")
    if len(name) > File.NAME_LENGTH and dot and len(ending) <= _LONGEST_ENDING:
        return f"{stem[: File.NAME_LENGTH - len(ending) - 2].rstrip(_ENDS)}….{ending}"
    return name[: File.NAME_LENGTH].rstrip(_ENDS)


def _is_kept(char: str) -> bool:
    return unicodedata.category(char)[0] != "C" or char in _JOINERS


def clean_caption(text: str) -> str:
    """The caption as it is kept: one line. Raises ValidationError where it is longer than
    File.CAPTION_LENGTH characters."""
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs") or char.isspace())
    caption = " ".join(text.split())
    if len(caption) > File.CAPTION_LENGTH:
        problem = ngettext(
            "A caption has %(count)s character; %(most)s is the most.",
            "A caption has %(count)s characters; %(most)s is the most.",
            len(caption),
        )
        raise ValidationError(
            problem % {"count": len(caption), "most": File.CAPTION_LENGTH}, code="max_length"
        )
    return caption


def played_as(head: bytes) -> tuple[Kind, str]:
    """What a file that begins with `head` is for a player, and its media type: `Kind.OTHER`, and one
    that no browser shows, if it is nothing to be played."""
    try:
        endings = {match.extension for match in puremagic.magic_string(head[:HEAD])}
    except (puremagic.PureError, ValueError):
        endings = set()
    if b"webm" not in head[:64]:
        endings.discard(".webm")  # other Matroska begins alike, and is not played
    if not endings & _ALIKE or head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        for ending, played in _PLAYED.items():
            if ending in endings:
                return played
    return Kind.OTHER, DOWNLOAD
