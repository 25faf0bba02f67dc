"""Pictures: taken from files that nobody can trust, and kept small.

What is made of them holds what is seen and nothing else: neither where it was taken nor by what.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from secrets import token_hex
from threading import Lock
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from PIL import ExifTags, Image, ImageOps

from rooms.models import Person
from rooms.texts import number

FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]
LARGEST = 5_000_000  # bytes of a file
MOST_PIXELS = 25_000_000  # up to 300 MB of memory, while it is made small
SIDE = 256  # pixels
ORIENTATION = ExifTags.Base.Orientation

# Of pictures in messages, which the worker makes.
SENT_FORMATS = [*FORMATS, "AVIF"]
SENT_PIXELS = 50_000_000  # what the cameras of phones take
LARGE, SMALL = (2560, 2560), (720, 560)  # pixels, at most
MOST_FRAMES, MOVING_PIXELS = 300, 60_000_000  # in all, of a picture that moves
MOVING = (960, 960)

# One at a time: a few large ones together would take the memory of a small machine.
_making = Lock()


def portrait(file: IO[bytes], size: int) -> bytes:
    """The picture in `file`, which has `size` bytes: a square cut from its middle, as WebP, with
    nothing else that the file may hold, neither where it was taken nor what moves.

    Raises ValidationError, with a message for whoever sent it, where there is no such picture.
    """
    if size > LARGEST:
        problem = _("That file has %(size)s MB; %(most)s MB is the most.")
        sizes = {"size": number(size / 1e6, 1), "most": LARGEST // 1_000_000}
        raise ValidationError(problem % sizes, code="too_large")
    with _opened(file, FORMATS, MOST_PIXELS) as image:
        return _webp(_small(image))


@dataclass(frozen=True, slots=True)
class Views:
    """A picture as it is shown in a message, as WebP, and its size in pixels when it is large."""

    large: bytes
    small: bytes
    size: tuple[int, int]


def views(file: IO[bytes]) -> Views:
    """The picture in `file`, turned the way it was taken and at most LARGE, and a still one at most SMALL.

    Raises ValidationError where there is no such picture.
    """
    with _opened(file, SENT_FORMATS, SENT_PIXELS) as image:
        frames = _frames(image)
        if len(frames) > 1:
            pace = {"duration": [frame.info["duration"] for frame in frames], "loop": 0}
            large = _webp(frames[0], save_all=True, append_images=[_bare(one) for one in frames[1:]], **pace)
            seen = frames[0]
        else:
            seen = _within(image, LARGE)
            large = _webp(seen, quality=90)
        still = seen.copy()
        still.thumbnail(SMALL)
        return Views(large, _webp(still), seen.size)


def size_of(file: IO[bytes]) -> tuple[int, int] | None:
    """How large `views` will make the picture in `file`, as far as that says so of itself; None where
    it is no picture. Nothing is unpacked for it. Raises ValidationError where it has too many pixels."""
    try:
        with Image.open(file, formats=SENT_FORMATS) as image:
            _check_pixels(image, SENT_PIXELS)
            # To look for it in a PNG that has it at its end takes unpacking.
            turn = image.getexif().get(ORIENTATION, 1) if "exif" in image.info else 1
            width, height = image.size if turn < 5 else image.size[::-1]
            scale = min(1, LARGE[0] / width, LARGE[1] / height)
            return max(round(width * scale), 1), max(round(height * scale), 1)
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(SENT_PIXELS) from None
    except Exception:  # noqa: BLE001 — as below
        return None


@contextmanager
def _opened(file: IO[bytes], formats: list[str], most: int) -> Iterator[Image.Image]:
    try:
        with _making, Image.open(file, formats=formats) as image:
            _check_pixels(image, most)
            yield image
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels(most) from None
    except Exception:  # noqa: BLE001 — of what Pillow raises over a broken file there is no list
        raise ValidationError(
            _("That is no picture, or not all of it. It has to be a JPEG, PNG, WebP or GIF file."),
            code="no_picture",
        ) from None


def show(person: Person, picture: bytes | None) -> None:
    """Show `person` by `picture`, as `portrait` returns it, or by their initials.

    The old file goes when this is committed.
    """
    name = default_storage.save(f"pictures/{token_hex(16)}.webp", ContentFile(picture)) if picture else ""
    try:
        with transaction.atomic():
            # Locked: of two pictures sent at once, the second to come takes the first away.
            row = Person.objects.select_for_update(no_key=True).get(pk=person.pk)
            old, row.picture = row.picture.name, name
            row.save(update_fields=["picture"])
            if old:
                transaction.on_commit(lambda: default_storage.delete(old), robust=True)
    except BaseException:
        if name:
            default_storage.delete(name)
        raise


def _check_pixels(image: Image.Image, most: int) -> None:
    # By what the file says of itself, before any of it is unpacked.
    if image.width * image.height > most:
        raise _too_many_pixels(most)


def _too_many_pixels(most: int) -> ValidationError:
    return ValidationError(
        ngettext(
            "That picture has too many pixels; %(most)s million is the most.",
            "That picture has too many pixels; %(most)s million is the most.",
            most // 1_000_000,
        )
        % {"most": most // 1_000_000},
        code="too_many_pixels",
    )


def _small(image: Image.Image) -> Image.Image:
    image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG need not be unpacked in full
    square = ImageOps.fit(_plain(image), (SIDE, SIDE))
    # Turned only now that it is small: the middle is the same either way.
    return ImageOps.exif_transpose(square)


def _within(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    image.draft("RGB", box)
    plain = _plain(image)
    plain.thumbnail(box)
    return ImageOps.exif_transpose(plain)


def _frames(image: Image.Image) -> list[Image.Image]:
    """Those of a picture that moves, and is not too much to move; none of another."""
    count = getattr(image, "n_frames", 1)
    if not 1 < count <= MOST_FRAMES or count * image.width * image.height > MOVING_PIXELS:
        image.seek(0)
        return []
    frames = []
    for place in range(count):
        image.seek(place)
        duration = image.info.get("duration") or 100
        frame = _within(image, MOVING)
        frame.info["duration"] = max(int(duration), 20)
        frames.append(frame)
    return frames


def _plain(image: Image.Image) -> Image.Image:
    image.load()
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _webp(image: Image.Image, **options: Any) -> bytes:
    file = BytesIO()
    _bare(image).save(file, "WEBP", **{"quality": 85} | options)
    return file.getvalue()


def _bare(image: Image.Image) -> Image.Image:
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare
