"""Pictures of people: how they are taken, kept, and handed out."""

import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings as site
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from pytest_django import DjangoCaptureOnCommitCallbacks

from rooms import pictures
from rooms.models import Person
from rooms.views.person import HUES
from tests.html import find, find_all

pytestmark = pytest.mark.django_db

GPS, ORIENTATION = 0x8825, 0x0112
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """Where pictures are kept: in a directory that begins empty."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def ann(client: Client, person: Callable[..., Person]) -> Person:
    """Ann, signed in."""
    ann = person("ann")
    client.force_login(ann)
    return ann


def made(format: str = "PNG", size: tuple[int, int] = (300, 200), color: Any = RED, **options: Any) -> bytes:
    """A picture of one colour."""
    return saved(Image.new("RGB", size, color), format, **options)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def upload(client: Client, content: bytes, name: str = "me.png") -> Any:
    return client.post("/settings/picture/", {"picture": SimpleUploadedFile(name, content)})


def shown(client: Client, person: Person) -> Image.Image:
    """The picture that the site hands out."""
    response = client.get(f"/people/{person.pk}/picture/")
    assert response.headers["Content-Type"] == "image/webp"
    return Image.open(BytesIO(response.content))


def kept(media: Path) -> list[Path]:
    return [file for file in media.rglob("*") if file.is_file()]


def near(one: Any, other: tuple[int, ...]) -> bool:
    """Whether two colours are the same but for what compression does."""
    return all(abs(a - b) < 40 for a, b in zip(one, other, strict=False))


# What is taken -------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(300, 200), (20, 1000), (256, 256), (1, 1), (3000, 2000)])
def test_any_picture_becomes_a_small_square_one(
    client: Client, ann: Person, format: str, size: tuple[int, int]
) -> None:
    assert upload(client, made(format, size)).status_code == 302
    picture = shown(client, ann)
    assert (picture.format, picture.size) == ("WEBP", (256, 256))
    assert near(picture.convert("RGB").getpixel((128, 128)), RED)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_any_kind_of_pixels_is_taken(client: Client, ann: Person, mode: str) -> None:
    assert upload(client, saved(Image.new(mode, (300, 200)), "PNG")).status_code == 302
    assert shown(client, ann).size == (256, 256)


def test_a_jpeg_for_print_is_taken(client: Client, ann: Person) -> None:
    assert upload(client, saved(Image.new("CMYK", (300, 200), (0, 255, 255, 0)), "JPEG")).status_code == 302
    assert near(shown(client, ann).convert("RGB").getpixel((128, 128)), RED)


def test_it_is_the_middle_that_is_shown(client: Client, ann: Person) -> None:
    image = Image.new("RGB", (600, 200), GREEN)
    ImageDraw.Draw(image).rectangle((200, 0, 399, 199), RED)
    upload(client, saved(image, "PNG"))
    picture = shown(client, ann).convert("RGB")
    for corner in ((4, 4), (251, 4), (4, 251), (251, 251), (128, 128)):
        assert near(picture.getpixel(corner), RED)


def test_what_can_be_seen_through_stays_so(client: Client, ann: Person) -> None:
    upload(client, saved(Image.new("RGBA", (300, 300), (255, 0, 0, 0)), "PNG"))
    picture = shown(client, ann)
    assert picture.mode == "RGBA"
    assert picture.getpixel((128, 128))[3] == 0  # type: ignore[index]


def quarters(turn: int) -> Image.Image:
    """Red, green, blue and white in the quarters of a page, as a camera held otherwise sees them."""
    upright = Image.new("RGB", (400, 400))
    draw = ImageDraw.Draw(upright)
    for corner, color in zip(
        [(0, 0), (200, 0), (0, 200), (200, 200)], [RED, GREEN, BLUE, WHITE], strict=True
    ):
        draw.rectangle((*corner, corner[0] + 199, corner[1] + 199), color)
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return upright.transpose(undo[turn]) if turn in undo else upright


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_it_is_turned_as_the_camera_was_held(client: Client, ann: Person, format: str, turn: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    upload(client, saved(quarters(turn), format, exif=exif))
    picture = shown(client, ann).convert("RGB")
    for place, color in [((64, 64), RED), ((192, 64), GREEN), ((64, 192), BLUE), ((192, 192), WHITE)]:
        assert near(picture.getpixel(place), color)
    assert ORIENTATION not in picture.getexif()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_where_it_was_taken_is_forgotten_and_all_else_it_tells(
    client: Client, ann: Person, media: Path, format: str
) -> None:
    exif = Image.Exif()
    exif[0x010F] = "secret camera"
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[29] = "secret date"
    told: dict[str, Any] = {
        "exif": exif,
        "icc_profile": b"secret profile",
        "xmp": b"<x:xmpmeta>secret</x:xmpmeta>",
    }
    told |= {"comment": b"secret comment"} if format == "JPEG" else {}
    content = made(format, **told)
    assert b"secret" in content
    assert upload(client, content).status_code == 302
    assert b"secret" not in kept(media)[0].read_bytes()
    picture = shown(client, ann)
    assert not picture.getexif()
    assert not {"exif", "xmp", "icc_profile", "comment"} & set(picture.info)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_a_film_the_first_picture_is_shown(client: Client, ann: Person, format: str) -> None:
    frames = [Image.new("RGB", (300, 300), color) for color in (RED, GREEN, BLUE)]
    upload(client, saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100))
    picture = shown(client, ann)
    assert not getattr(picture, "is_animated", False)
    assert near(picture.convert("RGB").getpixel((128, 128)), RED)


# What is refused -----------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def gif_claiming(width: int, height: int) -> bytes:
    gif = bytearray(made("GIF", (1, 1)))
    gif[6:10] = struct.pack("<HH", width, height)
    return bytes(gif)


NO_PICTURE, TOO_MANY_PIXELS = "That is no picture, or not all of it.", "too many pixels; 25 million"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
REFUSED = {
    "an SVG": (SVG, NO_PICTURE),
    "a page": (b"<!doctype html><script>alert(1)</script>", NO_PICTURE),
    "text": (b"hello", NO_PICTURE),
    "a TIFF": (made("TIFF"), NO_PICTURE),
    "a BMP": (made("BMP"), NO_PICTURE),
    "an icon": (made("ICO"), NO_PICTURE),
    "a PDF": (made("PDF"), NO_PICTURE),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", NO_PICTURE),
    "a PSD": (b"8BPS\0\1" + b"\0" * 100, NO_PICTURE),
    "half a PNG": (saved(quarters(1), "PNG")[:300], NO_PICTURE),
    "half a JPEG": (saved(quarters(1), "JPEG")[:2000], NO_PICTURE),
    "the head of a WebP": (made("WEBP")[:30], NO_PICTURE),
    "the head of a GIF": (made("GIF")[:10], NO_PICTURE),
    "a PNG with a wrong sum": (made().replace(b"IDAT", b"IDAx"), NO_PICTURE),
    "a bomb": (claiming(50_000, 50_000), TOO_MANY_PIXELS),
    "what Pillow but warns of": (claiming(10_000, 10_000), TOO_MANY_PIXELS),
    "what Pillow takes": (claiming(5_001, 5_000), TOO_MANY_PIXELS),
    "a GIF of a bomb": (gif_claiming(65_535, 65_535), TOO_MANY_PIXELS),
    "a huge file": (made() + b"\0" * 5_000_000, "That file has 5.0 MB; 5 MB is the most."),
    "nothing": (b"", "That file is empty."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_picture_is_refused_beside_the_field(
    client: Client, ann: Person, media: Path, what: str
) -> None:
    content, said = REFUSED[what]
    response = upload(client, content)
    assert response.status_code == 422
    field = find(response.content, "input", name="picture")
    assert field["aria-invalid"] == "true"
    _, error = field["aria-describedby"].split()
    assert said in find(response.content, "p", id=error).text
    assert kept(media) == []
    ann.refresh_from_db()
    assert not ann.picture


def test_what_is_in_the_refused_pictures_is_what_is_wrong_with_them() -> None:
    """They would be taken but for that."""
    assert pictures.portrait(BytesIO(claiming(10, 10)), 1)
    assert pictures.portrait(BytesIO(gif_claiming(10, 10)), 1)
    assert pictures.portrait(BytesIO(made() + b"\0" * 1000), 5_000_000)
    assert pictures.portrait(BytesIO(saved(quarters(1), "JPEG")), 1)
    assert pictures.portrait(BytesIO(saved(quarters(1), "PNG")), 1)


@given(st.binary(max_size=300), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.integers(0, 200))
@settings(deadline=None, database=None, derandomize=True, max_examples=300)
def test_a_file_with_anything_in_it_is_a_picture_or_refused(junk: bytes, format: str, at: int) -> None:
    content = bytearray(made(format, (40, 40)))
    content[at : at + len(junk)] = junk
    try:
        picture = pictures.portrait(BytesIO(bytes(content)), len(content))
    except ValidationError:
        return
    assert Image.open(BytesIO(picture)).size == (256, 256)


@pytest.mark.parametrize("form", [{}, {"picture": "me.png"}, {"picture": ""}])
def test_no_file_is_asked_for_again(client: Client, ann: Person, form: dict[str, str]) -> None:
    response = client.post("/settings/picture/", form)
    assert response.status_code == 422
    assert find(response.content, class_="problem").text == "Please choose a file first."


# What is harmless ----------------------------------------------------------------------


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("evil.html", "<script>alert(1)</script>")
    return file.getvalue()


@pytest.mark.parametrize("tail", [zipped(), SVG, b"<?php evil(); ?>", b"\0" * 100_000])
def test_of_a_file_that_is_two_things_only_the_picture_is_kept(
    client: Client, ann: Person, media: Path, tail: bytes
) -> None:
    assert upload(client, made() + tail, "me.zip").status_code == 302
    (file,) = kept(media)
    assert not zipfile.is_zipfile(file)
    assert tail[:20] not in file.read_bytes()
    assert len(file.read_bytes()) < 10_000
    assert shown(client, ann).size == (256, 256)


@pytest.mark.parametrize(
    "name",
    [
        "me.gif",
        "me.html",
        "me.svg",
        "me",
        ".webp",
        "../../../etc/passwd",
        "..\\..\\evil.png",
        "/etc/passwd",
        "a/b.png",
        "me.png\0.html",
        "<b>.png",
        "x" * 5000 + ".png",
        "图.png",
    ],
)
def test_nothing_goes_by_the_name_of_the_file(client: Client, ann: Person, media: Path, name: str) -> None:
    assert upload(client, made(), name).status_code == 302
    (file,) = kept(media)
    assert re.fullmatch(r"pictures/[0-9a-f]{32}\.webp", file.relative_to(media).as_posix())
    assert near(shown(client, ann).convert("RGB").getpixel((128, 128)), RED)


# How it is kept ------------------------------------------------------------------------


def test_it_is_kept_with_the_data_of_the_site_and_has_no_address(client: Client, ann: Person) -> None:
    upload(client, made())
    ann.refresh_from_db()
    for path in (f"/{ann.picture.name}", f"/media/{ann.picture.name}", f"/static/{ann.picture.name}"):
        assert client.get(path).status_code == 404


def test_the_directory_of_the_site_has_pictures(settings: Any) -> None:
    from project import settings as default

    assert Path(default.MEDIA_ROOT) == Path(site.DATA_DIR) / "media"


def test_a_new_picture_takes_the_place_of_the_old(
    client: Client,
    ann: Person,
    media: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    upload(client, made(color=RED))
    (old,) = kept(media)
    with django_capture_on_commit_callbacks(execute=True):
        upload(client, made(color=GREEN))
        assert old in kept(media)  # until this is committed
    (new,) = kept(media)
    assert new != old
    assert near(shown(client, ann).convert("RGB").getpixel((128, 128)), GREEN)


def test_a_picture_can_be_removed(
    client: Client,
    ann: Person,
    media: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert not find_all(client.get("/settings/").content, "button", name="remove")
    upload(client, made())
    assert find(client.get("/settings/").content, "button", name="remove")
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/settings/picture/", {"remove": "1"}).status_code == 302
    assert kept(media) == []
    ann.refresh_from_db()
    assert not ann.picture
    assert client.get(f"/people/{ann.pk}/picture/").headers["Content-Type"] == "image/svg+xml"
    assert client.post("/settings/picture/", {"remove": "1"}).status_code == 302  # again


def test_a_picture_that_cannot_be_kept_leaves_no_file(
    ann: Person, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.show(ann, b"old")
    (old,) = kept(media)

    def fail(*args: object, **kwargs: object) -> None:
        raise IntegrityError

    monkeypatch.setattr(Person, "save", fail)
    with pytest.raises(IntegrityError):
        pictures.show(ann, b"new")
    assert kept(media) == [old]


@pytest.mark.django_db(transaction=True)
def test_of_many_pictures_sent_at_once_one_is_kept(person: Callable[..., Person], media: Path) -> None:
    ann = person("ann")

    def show(number: int) -> None:
        pictures.show(ann, b"%d" % number)
        connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(show, range(16)))
    ann.refresh_from_db()
    assert [file.relative_to(media).as_posix() for file in kept(media)] == [ann.picture.name]


def test_a_picture_that_will_not_do_leaves_the_old_one(client: Client, ann: Person, media: Path) -> None:
    upload(client, made())
    (old,) = kept(media)
    page = upload(client, b"hello")
    assert kept(media) == [old]
    assert find(page.content, "img", class_="picture")["src"].startswith(f"/people/{ann.pk}/picture/")


def test_a_stranger_keeps_nothing(client: Client, media: Path, db: None) -> None:
    assert upload(client, made()).status_code == 302
    assert kept(media) == []


# How it is handed out ------------------------------------------------------------------


@pytest.fixture(params=["picture", "initials"])
def address(request: pytest.FixtureRequest, client: Client, ann: Person) -> str:
    """Of a picture, and of initials, with which one it is."""
    if request.param == "picture":
        upload(client, made())
    return find(client.get(f"/people/{ann.pk}/").content, "img")["src"]


def test_a_picture_is_for_whoever_is_signed_in(
    client: Client, address: str, person: Callable[..., Person]
) -> None:
    bob = Client()
    assert bob.get(address).status_code == 404
    bob.force_login(person("bob"))
    assert bob.get(address).content == client.get(address).content
    assert "Cookie" in bob.get(address).headers["Vary"]


def test_a_browser_keeps_it_for_itself_while_it_is_the_one(client: Client, address: str) -> None:
    cached = client.get(address).headers["Cache-Control"]
    assert set(cached.split(", ")) == {"private", "max-age=2592000", "immutable"}
    for other in (address.partition("?")[0], f"{address}x"):
        assert set(client.get(other).headers["Cache-Control"].split(", ")) == {"private", "no-cache"}


def test_what_a_browser_has_is_not_sent_again(client: Client, address: str) -> None:
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert client.get(address, headers={"If-None-Match": '"other"'}).content == first.content


def test_a_changed_picture_and_a_changed_name_have_another_address(client: Client, ann: Person) -> None:
    def address() -> str:
        return find(client.get(f"/people/{ann.pk}/").content, "img")["src"]

    seen = [address()]
    Person.objects.filter(pk=ann.pk).update(username="bea")
    seen.append(address())
    for color in (RED, RED, GREEN):
        upload(client, made(color=color))
        seen.append(address())
    assert len(set(seen)) == 5
    old = client.get(seen[0], headers={"If-None-Match": client.get(seen[0]).headers["ETag"]})
    assert old.status_code == 304
    upload(client, made())
    assert client.get(seen[0], headers={"If-None-Match": old.headers["ETag"]}).status_code == 200


def test_it_is_a_picture_and_nothing_else_to_a_browser(client: Client, address: str) -> None:
    headers = client.get(address).headers
    assert headers["Content-Type"] in ("image/webp", "image/svg+xml")
    assert headers["X-Content-Type-Options"] == "nosniff"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_where_the_file_is_gone_there_are_initials(client: Client, ann: Person, media: Path) -> None:
    upload(client, made())
    (file,) = kept(media)
    file.unlink()
    response = client.get(f"/people/{ann.pk}/picture/")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/svg+xml")


def test_a_closed_account_shows_no_picture(
    client: Client, ann: Person, person: Callable[..., Person]
) -> None:
    bob = person("bob")
    pictures.show(bob, pictures.portrait(BytesIO(made()), 1))
    assert shown(client, bob)
    Person.objects.filter(pk=bob.pk).update(is_active=False)
    assert client.get(f"/people/{bob.pk}/picture/").headers["Content-Type"] == "image/svg+xml"


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30, "9" * 5000, "-1", "x"])
def test_nobody_has_no_picture(client: Client, ann: Person, pk: str) -> None:
    assert client.get(f"/people/{pk}/picture/").status_code == 404


# Initials ------------------------------------------------------------------------------


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.text(st.sampled_from("<>&\"'a \x01\ufffe👩🏽\u200d"), max_size=40)
)
@settings(deadline=None, database=None, derandomize=True, max_examples=200)
def test_the_initials_of_any_name_are_a_drawing(name: str) -> None:
    from rooms.views.person import _picture

    drawing = _picture(Person(pk=7, username=name)).content
    root = ElementTree.fromstring(drawing)
    assert [element.tag.partition("}")[2] for element in root.iter()] == ["svg", "rect", "text"]
    assert not {"style", "class"} & {name for element in root.iter() for name in element.attrib}


def test_initials_have_the_colour_of_their_person() -> None:
    css = (site.BASE_DIR / "static/css/tokens.css").read_text()
    hues = dict(re.findall(r'\[data-tint="(\d)"\] \{ --hue: (\d+); \}', css))
    assert {str(digit): str(hue) for digit, hue in enumerate(HUES)} == hues


def test_initials_are_those_of_the_name_now(client: Client, ann: Person) -> None:
    drawing = client.get(f"/people/{ann.pk}/picture/").content.decode()
    assert ">A</text>" in drawing
    assert f"oklch(.5 .1 {HUES[ann.pk % 10]})" in drawing
    Person.objects.filter(pk=ann.pk).update(username="<b> & co")
    assert ">B\u200cC</text>" in client.get(f"/people/{ann.pk}/picture/").content.decode()
