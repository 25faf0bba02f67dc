"""Pictures of people: taken from files that nobody can trust, and kept small."""

from io import BytesIO
from secrets import token_hex
from threading import Lock
from typing import IO

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from PIL import Image, ImageOps

from rooms.models import Person

FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]
LARGEST = 5_000_000  # bytes of a file
MOST_PIXELS = 25_000_000  # up to 300 MB of memory, while it is made small
SIDE = 256  # pixels

# One at a time: a few large ones together would take the memory of a small machine.
_making = Lock()


def portrait(file: IO[bytes], size: int) -> bytes:
    """The picture in `file`, which has `size` bytes: a square cut from its middle, as WebP, with
    nothing else that the file may hold, neither where it was taken nor what moves.

    Raises ValidationError, with a message for whoever sent it, where there is no such picture.
    """
    if size > LARGEST:
        raise ValidationError(
            f"That file has {size / 1e6:.1f} MB; {LARGEST // 1_000_000} MB is the most.", code="too_large"
        )
    try:
        with _making, Image.open(file, formats=FORMATS) as image:
            _check_pixels(image)
            return _webp(_small(image))
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception:  # noqa: BLE001 — of what Pillow raises over a broken file there is no list
        raise ValidationError(
            "That is no picture, or not all of it. It has to be a JPEG, PNG, WebP or GIF file.",
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
            row = Person.objects.select_for_update().get(pk=person.pk)
            old, row.picture = row.picture.name, name
            row.save(update_fields=["picture"])
            if old:
                transaction.on_commit(lambda: default_storage.delete(old), robust=True)
    except BaseException:
        if name:
            default_storage.delete(name)
        raise


def _check_pixels(image: Image.Image) -> None:
    # By what the file says of itself, before any of it is unpacked.
    if image.width * image.height > MOST_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> ValidationError:
    return ValidationError(
        f"That picture has too many pixels; {MOST_PIXELS // 1_000_000} million is the most.",
        code="too_many_pixels",
    )


def _small(image: Image.Image) -> Image.Image:
    image.draft("RGB", (2 * SIDE, 2 * SIDE))  # a JPEG need not be unpacked in full
    image.load()
    has_alpha = image.has_transparency_data
    square = ImageOps.fit(image.convert("RGBA" if has_alpha else "RGB"), (SIDE, SIDE))
    # Turned only now that it is small: the middle is the same either way.
    return ImageOps.exif_transpose(square)


def _webp(image: Image.Image) -> bytes:
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    file = BytesIO()
    bare.save(file, "WEBP", quality=85)
    return file.getvalue()
