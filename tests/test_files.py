"""Files in messages: what is taken, what is made of it, who gets it, and how it goes."""

import json
import zipfile
import zlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from asgiref.sync import async_to_sync
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rooms import changes, file_store, files, housekeeping
from rooms.file_names import clean_caption, clean_file_name, played_as
from rooms.files_shown import said_in
from rooms.history import all_said, newest
from rooms.models import Ban, File, Membership, Message, Person, Room
from rooms.views.file import part_of
from tests.html import Element, find, find_all
from tests.tasks import work
from tests.test_pictures import BLUE, GPS, GREEN, ORIENTATION, RED, near, saved

LOUNGE = "/rooms/lounge/"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
HTML = b"<!doctype html><script>alert(document.domain)</script>"
MP3, MP4 = b"ID3\3" + bytes(60), b"\0\0\0\x18ftypisom" + bytes(60)
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + bytes(60)

# What is done once a transaction has committed is a part of most of these.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def ann(lounge: Room, person: Callable[..., Person]) -> Person:
    ann = person("ann")
    Membership.join(lounge.pk, ann.pk)
    return ann


@pytest.fixture
def browser(client: Client, ann: Person) -> Client:
    client.force_login(ann)
    return client


def picture(
    size: tuple[int, int] = (300, 200), color: Any = RED, format: str = "PNG", **options: Any
) -> bytes:
    return saved(Image.new("RGB", size, color), format, **options)


def uploads(*sent: tuple[str, bytes]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(name, content, "text/html") for name, content in sent]  # nobody looks at it


def send(browser: Client, *sent: tuple[str, bytes], **fields: Any) -> Any:
    return browser.post(f"{LOUNGE}messages/", {"files": uploads(*sent), "attach": "1"} | fields)


def sent_file(browser: Client, name: str, content: bytes) -> File:
    assert send(browser, (name, content)).status_code == 302
    return File.objects.latest("pk")


def at(file: File) -> str:
    return f"{LOUNGE}files/{file.token}/"


def content(answer: Any) -> bytes:
    if not answer.streaming:
        return answer.content

    async def collected() -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    return async_to_sync(collected)()


def kept(media: Path) -> list[str]:
    return sorted(file.name for file in media.rglob("*") if file.is_file())


def shown(browser: Client) -> list[Element]:
    return find_all(browser.get(LOUNGE).content, "figure")


def problems(answer: Any) -> str:
    assert answer.status_code in (403, 422, 429, 503)
    return " ".join(find(answer.content, "div", class_="problem").text.split())


# Sending -------------------------------------------------------------------------------


def test_files_go_with_a_message_in_order_each_with_its_caption(browser: Client, lounge: Room) -> None:
    answer = send(
        browser, ("b.pdf", b"%PDF-1.4"), ("a.mp3", MP3), body="look", caption=["The plan", "<b>"], key="k1"
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, LOUNGE)
    message = Message.objects.get()
    assert (message.body, message.version) == ("look", 1)
    assert [(file.name, file.caption, file.kind) for file in message.files.order_by("place")] == [
        ("b.pdf", "The plan", "other"),
        ("a.mp3", "<b>", "audio"),
    ]
    figures = shown(browser)
    assert [" ".join(figure.text.split()) for figure in figures] == [
        "PDFb.pdf 8 bytes The plan",
        "a.mp3 64 bytes <b>",
    ]
    assert b"<b></figcaption>" not in browser.get(LOUNGE).content


def test_a_message_may_be_files_alone(browser: Client) -> None:
    assert send(browser, ("a.txt", b"tea")).status_code == 302
    assert Message.objects.get().body == ""
    assert problems(send(browser)) == "There is nothing in it: please choose a file, or write something."
    assert send(browser, body="and words alone").status_code == 302


def test_what_is_sent_again_is_not_sent_twice(browser: Client, media: Path) -> None:
    for _ in range(3):
        assert send(browser, ("a.txt", b"tea"), key="k1").status_code == 302
    assert (Message.objects.count(), File.objects.count(), len(kept(media))) == (1, 1, 1)


def test_of_two_sent_at_once_under_one_key_one_is_kept(ann: Person, lounge: Room, media: Path) -> None:
    first, second = (files.keep(ann, upload) for upload in uploads(("a.txt", b"tea"), ("a.txt", b"tea")))
    said = files.post(lounge, ann, "", [first], key="k1")
    assert files.post(lounge, ann, "", [second], key="k1") == said
    assert File.objects.get() == first and len(kept(media)) == 1


def test_files_go_up_when_they_are_chosen_and_out_with_the_message(browser: Client) -> None:
    added = browser.post(f"{LOUNGE}attach/", {"files": uploads(("a.txt", b"tea"), ("b.txt", b"cake"))})
    tokens = [field["value"] for field in find_all(added.content, "input", name="added")]
    assert Message.objects.count() == 0 and len(tokens) == 2
    assert browser.get(f"{LOUNGE}files/{tokens[0]}/").status_code == 404  # nobody's yet
    typed = {"added": tokens, f"caption-{tokens[1]}": "with cream", "body": "five o'clock"}
    removed = browser.post(f"{LOUNGE}attach/", {"remove": tokens[0]} | typed)
    assert find(removed.content, "input", name="added")["value"] == tokens[1]
    assert find(removed.content, "input", name=f"caption-{tokens[1]}")["value"] == "with cream"
    assert find(removed.content, "textarea").text == "five o'clock"
    assert "there any more" in problems(send(browser, **typed))
    assert send(browser, **typed | {"added": tokens[1:]}).status_code == 302
    assert [(file.name, file.caption) for file in Message.objects.get().files.all()] == [
        ("b.txt", "with cream")
    ]


def test_with_htmx_answers_are_fragments(browser: Client) -> None:
    headers: Any = {"HX-Request": "true"}
    form = browser.get(f"{LOUNGE}attach/", headers=headers).content
    assert b"<html" not in form and find(form, "form")["hx-encoding"] == "multipart/form-data"
    data = {"files": uploads(("a.txt", b"tea"), ("b.txt", b""))}
    added = browser.post(f"{LOUNGE}attach/", data, headers=headers).content
    targets = [one["hx-target"] for one in find_all(added, "hx-partial")]
    assert targets == ["#added", "#picker"]
    assert "“b.txt” is empty." in find(added, "div", class_="problem").text
    token = find(added, "input", name="added")["value"]
    fields = {"attach": "1", "added": token}
    done = browser.post(f"{LOUNGE}messages/", fields, headers=headers)
    assert done.status_code == 200
    assert find(done.content, "hx-partial")["hx-target"] == "#attach"


def test_nobody_sends_what_another_sent_up(
    browser: Client, person: Callable[..., Person], lounge: Room
) -> None:
    bobs = files.keep(person("bob"), uploads(("a.txt", b"tea"))[0])
    assert "there any more" in problems(send(browser, added=bobs.token))
    assert browser.post(f"{LOUNGE}attach/", {"remove": bobs.token}).status_code == 200
    assert File.objects.filter(pk=bobs.pk, dropped_at=None).exists()


# What is refused, and what is harmless ---------------------------------------------------


def bomb() -> bytes:
    """A picture of some hundred bytes that says it has 900 million pixels."""
    small = bytearray(picture((8, 8)))
    small[16:24] = (30_000).to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(small[12:29]).to_bytes(4, "big")
    return bytes(small)


CARD = ("other", "application/octet-stream", "attachment")
AUDIO = ("audio", "audio/mpeg", "inline")
PICTURE = ("picture", "image/webp", "inline")
# What is sent: its name, what is in it; what becomes of it, or why it is refused.
HOSTILE: dict[str, tuple[str, bytes, Any]] = {
    "a picture bomb": ("bomb.png", bomb(), "“bomb.png”: That picture has too many pixels"),
    "an empty file": ("empty.txt", b"", "“empty.txt” is empty."),
    "a file too large": ("big.bin", bytes(1_000_001), "“big.bin” has 1.0 MB; 1 MB is the most."),
    "a page": ("page.html", HTML, CARD),
    "a page that is called a picture": ("cat.png", HTML, CARD),
    "an SVG with a script": ("logo.svg", SVG, CARD),
    "an SVG that is called a picture": ("logo.png", SVG, CARD),
    "a PDF": ("a.pdf", b"%PDF-1.4\n/JavaScript", CARD),
    "a program that is called a picture": ("cat.jpg", b"MZ" + bytes(200), CARD),
    "half a picture": ("half.jpg", picture((900, 600), format="JPEG")[:2000], CARD),
    "a picture called a page": ("cat.html", picture(), PICTURE),
    "a picture with a page behind it": ("cat.png", picture() + HTML, PICTURE),
    "a picture with a script in a comment": ("cat.gif", picture(format="GIF", comment=HTML), PICTURE),
    "a picture that is a zip too": ("cat.jpg", picture(format="JPEG") + b"PK\3\4" + bytes(50), PICTURE),
    "music with a page in it": ("song.mp3", b"ID3\3" + HTML, AUDIO),
    "a film of a type that no browser plays": ("film.mkv", WEBM.replace(b"webm", b"mkvx"), CARD),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_files(browser: Client, settings: Any, media: Path, what: str) -> None:
    settings.FILE_MAX_MB = 1
    name, sent, outcome = HOSTILE[what]
    answer = send(browser, (name, sent), body="look", caption="<script>x</script>")
    if isinstance(outcome, str):
        assert problems(answer).startswith(outcome)
        assert find(answer.content, "textarea").text == "look"
        assert (Message.objects.count(), File.objects.count(), kept(media)) == (0, 0, [])
        return
    assert answer.status_code == 302
    work()
    file = File.objects.get()
    handed = browser.get(at(file))
    disposition = handed.headers["Content-Disposition"].partition(";")[0]
    assert (file.kind, handed.headers["Content-Type"], disposition) == outcome
    assert handed.headers["X-Content-Type-Options"] == "nosniff"
    assert handed.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert handed.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert handed.headers["X-Frame-Options"] == "DENY"
    if outcome is PICTURE:
        assert b"script" not in content(handed) and b"PK\3\4" not in content(handed)
        assert kept(media) == [f"{file.token}.large.webp", f"{file.token}.small.webp"]
    else:
        assert content(handed) == sent
    assert b"<script>x" not in browser.get(LOUNGE).content


NAMES = {
    "../../etc/passwd": "passwd",
    "C:\\Windows\\a.txt": "a.txt",
    "invoice\u202efdp.exe": "invoicefdp.exe",
    "a\x07\x1b[2J.txt": "a[2J.txt",
    "\u200d\u202e": "file",
    "a\u2028b\u00a0c.txt": "a b c.txt",
    "\u200d.png": "png",
    "....": "file",
    "\u2067\u202e": "file",
    "日本語.pdf": "日本語.pdf",
    "می\u200cخواهم.txt": "می\u200cخواهم.txt",
    "x" * 300 + ".pdf": "x" * 115 + "….pdf",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_made_harmless(name: str) -> None:
    assert clean_file_name(name) == NAMES[name]


@given(st.text(st.characters(), max_size=400))
def test_no_name_hides_anything(name: str) -> None:
    cleaned = clean_file_name(name)
    assert 0 < len(cleaned) <= File.NAME_LENGTH
    assert not set(cleaned) & set("/\\\0\r\n\t\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert cleaned == cleaned.strip(". ") == clean_file_name(cleaned)
    cleaned.encode()


@given(st.binary(max_size=300))
def test_whatever_is_in_a_file_it_is_something(head: bytes) -> None:
    kind, media_type = played_as(head)
    assert media_type.split("/")[0] in ("audio", "video", "application")
    assert (kind == File.Kind.OTHER) == (media_type == "application/octet-stream")


@given(st.text(st.characters(), max_size=290))
def test_a_caption_is_a_line(text: str) -> None:
    caption = clean_caption(text)
    assert "\n" not in caption and "\0" not in caption
    caption.encode()


@pytest.mark.parametrize(
    ("sent", "kind"), [(MP3, "audio"), (MP4, "video"), (WEBM, "video"), (b"\0\0\0\x18ftypheic", "other")]
)
def test_what_is_played_is_told_by_what_is_in_it(sent: bytes, kind: str) -> None:
    assert played_as(sent)[0] == kind


def test_too_many_files_are_refused_and_hundreds_not_even_looked_at(browser: Client, settings: Any) -> None:
    settings.FILES_PER_MESSAGE = 3
    many = [(f"{n}.txt", b"tea") for n in range(4)]
    assert problems(send(browser, *many, body="look")) == "A message takes 3 files, and these are 4."
    thousand = [(f"{n}.txt", b"tea") for n in range(1000)]
    assert send(browser, *thousand).status_code == 400
    assert File.objects.count() == 0


def test_a_site_may_take_some_kinds_alone(browser: Client, settings: Any) -> None:
    settings.FILE_ENDINGS = ["txt", "png"]
    assert send(browser, ("a.TXT", b"tea")).status_code == 302
    assert "only txt, png" in problems(send(browser, ("a.exe", b"tea")))


def test_a_caption_too_long_is_told_and_kept(browser: Client) -> None:
    answer = send(browser, ("a.txt", b"tea"), caption="x" * 301)
    assert "A caption has 301 characters; 300 is the most." in problems(answer)
    token = find(answer.content, "input", name="added")["value"]
    assert find(answer.content, "input", name=f"caption-{token}")["value"] == "x" * 301


def test_only_so_many_files_an_hour(browser: Client, rate_limits: None) -> None:
    for _ in range(20):
        many = uploads(*[(f"{n}.txt", b"tea") for n in range(10)])
        assert browser.post(f"{LOUNGE}attach/", {"files": many}).status_code == 200
    answer = send(browser, ("a.txt", b"tea"), body="look")
    assert answer.status_code == 429 and "too many files" in problems(answer)
    assert send(browser, body="words").status_code == 302


def test_a_storage_that_fails_loses_nothing_of_what_was_typed(browser: Client) -> None:
    with patch.object(default_storage, "save", side_effect=OSError("full")):
        answer = send(browser, ("a.txt", b"tea"), body="look")
    assert answer.status_code == 503 and "could not be kept just now" in problems(answer)
    assert find(answer.content, "textarea").text == "look"
    assert File.objects.count() == 0


# Pictures ------------------------------------------------------------------------------


def photo(turn: int) -> bytes:
    """Red at the left, blue at the right, to be turned; with where it was taken."""
    image = Image.new("RGB", (400, 100), RED)
    image.paste(BLUE, (200, 0, 400, 100))
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    exif[0x010F] = "A camera"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    return saved(image, "JPEG", exif=exif, quality=95)


def view(browser: Client, file: File, which: str = "") -> Image.Image:
    return Image.open(BytesIO(content(browser.get(f"{at(file)}{which}"))))


@pytest.mark.parametrize(
    ("turn", "size", "first"), [(1, (400, 100), RED), (6, (100, 400), RED), (8, (100, 400), BLUE)]
)
def test_a_photo_is_turned_and_tells_nothing(
    browser: Client, media: Path, turn: int, size: tuple[int, int], first: Any
) -> None:
    file = sent_file(browser, "me.jpg", photo(turn))
    assert (file.width, file.height) == size  # its place is kept before there is anything to show
    (figure,) = shown(browser)
    drawn = find_all(browser.get(LOUNGE).content, "svg")
    (box,) = [svg for svg in drawn if any(parent.name == "figure" for parent in svg.parents)]
    assert browser.get(at(file)).status_code == browser.get(f"{at(file)}small/").status_code == 404
    work()
    file.refresh_from_db()
    assert (file.width, file.height) == size
    image = find_all(browser.get(LOUNGE).content, "img")[0]
    assert (image["width"], image["height"]) == (box["width"], box["height"])
    for which in ("", "small/"):
        seen = view(browser, file, which)
        assert seen.format == "WEBP" and not seen.getexif() and not seen.info.get("exif")
        assert near(seen.convert("RGB").getpixel((5, 5)), first)
    assert view(browser, file).size == size
    assert b"camera" not in b"".join(path.read_bytes() for path in media.rglob("*") if path.is_file())
    assert file.token not in kept(media)  # what was sent is gone


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "AVIF"])
@pytest.mark.parametrize("size", [(4000, 500), (1, 1), (3, 2000)])
def test_large_pictures_are_made_smaller_and_small_ones_left(
    browser: Client, format: str, size: tuple[int, int]
) -> None:
    file = sent_file(browser, "a", picture(size, GREEN, format))
    before = (file.width, file.height)
    work()
    file.refresh_from_db()
    assert abs(file.width - before[0]) <= 1 and abs(file.height - before[1]) <= 1
    large, small = view(browser, file), view(browser, file, "small/")
    assert large.size == (file.width, file.height) and max(large.size) <= 2560
    assert small.width <= 720 and small.height <= 560


def test_what_moves_does_so_when_it_is_large(browser: Client) -> None:
    frames = [Image.new("RGB", (60, 40), color) for color in (RED, GREEN, BLUE)]
    moving = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=90)
    file = sent_file(browser, "a.gif", moving)
    work()
    large, small = view(browser, file), view(browser, file, "small/")
    assert (large.n_frames, small.n_frames) == (3, 1)  # type: ignore[attr-defined]


def test_a_picture_made_is_one_change_that_tabs_are_told_of(browser: Client, lounge: Room) -> None:
    sent_file(browser, "a.png", picture())
    before = Message.objects.get()
    with patch("project.layer.PipelinedLayer.group_send_all") as told:
        work()
    events = [event for call in told.call_args_list for _, event in call.args[0]]
    (event,) = [event for event in events if event["type"] == "change"]
    message = Message.objects.get()
    lounge.refresh_from_db()
    assert message.version == before.version + 1 == lounge.clock == event["version"]
    assert event["message"]["extras"]["files"][0]["ready"] is True and event["is_new"] is False
    assert newest(lounge, all_said()).messages[0].extras == event["message"]["extras"]


def test_a_picture_that_was_being_made_when_the_worker_died_is_made(browser: Client, media: Path) -> None:
    file = sent_file(browser, "a.png", picture())
    with (
        patch("rooms.files.clock.altered", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        files.make_picture.func(file.token)  # both are stored, and nothing tells so
    assert len(kept(media)) == 3
    work()
    file.refresh_from_db()
    assert file.state == File.State.READY and len(kept(media)) == 2


def test_a_picture_left_behind_is_queued_again(browser: Client) -> None:
    from django_tasks_db.models import DBTaskResult

    sent_file(browser, "a.png", picture())
    DBTaskResult.objects.all().delete()
    work()
    assert File.objects.get().state == File.State.READY


def test_while_the_storage_is_away_it_waits_and_is_not_handed_out_as_it_came(browser: Client) -> None:
    file = sent_file(browser, "a.png", picture())
    for _ in range(2 * files.MOST_ATTEMPTS):
        with patch.object(default_storage, "open", side_effect=OSError("away")):
            files.make_picture.func(file.token)
        assert File.objects.get().state == File.State.WAITING
        assert browser.get(at(file)).status_code == 404
    files.make_picture.func(file.token)
    assert browser.get(at(file)).status_code == 200


def test_one_that_ends_whoever_makes_it_is_there_to_download(browser: Client) -> None:
    file = sent_file(browser, "a.png", picture())
    for _ in range(files.MOST_ATTEMPTS):
        with patch("rooms.pictures.views", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
            files.make_picture.func(file.token)
        assert browser.get(at(file)).status_code == 404
    with patch("rooms.pictures.views", side_effect=KeyboardInterrupt):
        files.make_picture.func(file.token)
    assert browser.get(at(file)).headers["Content-Disposition"].startswith("attachment")


# Handing out -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=100-", (0, 0)),
        ("bytes=-0", (0, 0)),
        ("bytes=9-3", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=" + "9" * 30 + "-", None),
    ],
)
def test_parts(header: str | None, part: Any) -> None:
    assert part_of(header, 100) == part


@pytest.mark.parametrize("size", [1000, 700_000])
def test_players_get_the_part_they_ask_for(browser: Client, size: int) -> None:
    sent = (MP4 + bytes(n % 251 for n in range(size)))[:size]
    file = sent_file(browser, "film.mp4", sent)
    whole = browser.get(at(file))
    assert content(whole) == sent and whole.headers["Accept-Ranges"] == "bytes"
    part = browser.get(at(file), headers={"Range": f"bytes=10-{size - 5}", "Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in part.headers
    assert (part.status_code, content(part)) == (206, sent[10 : size - 4])
    assert part.headers["Content-Range"] == f"bytes 10-{size - 5}/{size}"
    beyond = browser.get(at(file), headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    etag = whole.headers["ETag"]
    assert browser.get(at(file), headers={"If-None-Match": etag}).status_code == 304
    older = browser.get(at(file), headers={"Range": "bytes=1-2", "If-Range": '"other"'})
    assert (older.status_code, content(older)) == (200, sent)
    assert whole.headers["Cache-Control"] in ("private, no-cache", "no-cache, private")
    assert browser.head(at(file)).headers["Content-Length"] == str(size)


def test_who_may_see_the_message_gets_its_files_and_nobody_else(
    browser: Client, person: Callable[..., Person], lounge: Room
) -> None:
    file = sent_file(browser, "a.txt", b"tea")
    assert browser.get(at(file)).status_code == 200
    other = Room.named("Attic")
    assert browser.get(f"/rooms/{other.slug}/files/{file.token}/").status_code == 404
    for guess in ("x", file.token[:-1], file.token.swapcase(), "%00", "..%2f..%2fetc"):
        assert browser.get(f"{LOUNGE}files/{guess}/").status_code == 404
    changes.configure(lounge, name="Salon")
    assert browser.get(at(file)).status_code == 200  # what was linked to before
    Ban.objects.create(room=lounge, person=Person.objects.get(username="ann"), reason="noise")
    assert browser.get(at(file)).status_code == 404
    browser.logout()
    assert browser.get(at(file)).status_code == 404


# How they go ---------------------------------------------------------------------------


def test_a_deleted_message_takes_its_files_along(browser: Client, ann: Person, media: Path) -> None:
    send(browser, ("a.png", picture()), ("a.txt", b"tea"))
    work()
    message = Message.objects.get()
    addresses = [at(file) for file in File.objects.all()]
    assert len(kept(media)) == 3
    changes.delete(message, ann)
    assert (File.objects.count(), kept(media)) == (0, [])
    assert [browser.get(address).status_code for address in addresses] == [404, 404]
    assert Message.objects.get().extras is None and not shown(browser)


def test_what_a_room_does_not_keep_goes_with_its_files(browser: Client, lounge: Room, media: Path) -> None:
    sent_file(browser, "a.txt", b"tea")
    lounge.refresh_from_db()
    changes.purge(lounge, list(Message.objects.select_related("room")))
    assert (Message.objects.count(), File.objects.count(), kept(media)) == (0, 0, [])


def test_a_room_that_is_deleted_leaves_no_file_behind(browser: Client, lounge: Room, media: Path) -> None:
    file = sent_file(browser, "a.txt", b"tea")
    lounge.delete()
    assert browser.get(at(file)).status_code == 404
    File.objects.update(at=timezone.now() - timedelta(hours=7))
    work()
    assert (File.objects.count(), kept(media)) == (0, [])


def test_what_was_sent_up_and_never_sent_goes_after_some_hours(
    browser: Client, ann: Person, media: Path
) -> None:
    old, new = (files.keep(ann, upload) for upload in uploads(("a.txt", b"tea"), ("b.txt", b"cake")))
    File.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(hours=7))
    sent = sent_file(browser, "c.txt", b"jam")
    File.objects.filter(pk=sent.pk).update(at=timezone.now() - timedelta(days=700))
    housekeeping.keep_house.func()
    assert set(File.objects.all()) == {new, sent}
    assert kept(media) == sorted([new.token, sent.token])


def test_what_the_storage_does_not_delete_is_tried_again(browser: Client, ann: Person, media: Path) -> None:
    file = sent_file(browser, "a.txt", b"tea")
    with patch.object(default_storage, "delete", side_effect=OSError("away")):
        changes.delete(Message.objects.get(), ann)
    assert File.objects.get().message is None and kept(media) == [file.token]
    assert browser.get(at(file)).status_code == 404
    file_store.delete_nobodys()
    assert (File.objects.count(), kept(media)) == (0, [])


def test_a_picture_whose_message_goes_while_it_is_made_leaves_nothing(
    browser: Client, ann: Person, media: Path
) -> None:
    file = sent_file(browser, "a.png", picture())
    settle = files._settle

    def meanwhile(*args: Any, **fields: Any) -> None:
        changes.delete(Message.objects.get(), ann)
        settle(*args, **fields)

    with patch("rooms.files._settle", meanwhile):
        files.make_picture.func(file.token)
    file_store.delete_nobodys()
    files.make_picture.func(file.token)  # as a worker that comes back to it
    assert (File.objects.count(), kept(media)) == (0, [])


# Elsewhere -----------------------------------------------------------------------------


def test_files_are_found_by_name_and_caption(browser: Client, lounge: Room) -> None:
    changes.post(lounge, Person.objects.get(), "no file, only the word pancakes")
    send(browser, ("Recipe for pancakes.pdf", b"%PDF-1.4"), caption="Grandmother's")
    send(browser, ("海.png", picture()))
    for query, count in [
        ("has:file", 2),
        ("pancakes", 2),
        ("has:file pancakes", 1),
        ("grandmother's", 1),
        ("海", 1),
    ]:
        page = browser.get("/search/", {"q": query}).content
        assert len(find_all(page, "p", class_="excerpt")) == count, query
    assert (
        "Recipe for <mark>pancakes</mark>.pdf" in browser.get("/search/", {"q": "pancakes"}).content.decode()
    )


def test_files_go_along_in_an_export(browser: Client, ann: Person) -> None:
    Person.objects.update(is_guest=False)
    send(browser, ("a.png", picture()), ("../x.html", HTML), ("song.mp3", MP3), caption=["Red & round"])
    work()
    assert browser.post(f"{LOUNGE}export/").status_code == 302
    work()
    link = find_all(browser.get("/exports/").content, "a", class_="button")[0]
    zipped = zipfile.ZipFile(BytesIO(content(browser.get(link["href"]))))
    names = ["files/1-0.webp", "files/1-1.bin", "files/1-2.mp3"]
    assert [name for name in zipped.namelist() if name.startswith("files/")] == names
    assert zipped.read(names[1]) == HTML
    page = zipped.read("pages/0001.html").decode()
    assert find(page, "img")["src"] == "../files/1-0.webp"
    assert [link["href"] for link in find_all(page, "a", download="x.html")] == ["../files/1-1.bin"]
    assert "Red &amp; round" in page
    line = json.loads(zipped.read("messages.jsonl"))
    assert [file["name"] for file in line["files"]] == ["a.png", "x.html", "song.mp3"]


def test_feeds_previews_and_the_terminal_name_them(browser: Client) -> None:
    send(browser, ("plan.pdf", b"%PDF-1.4"), caption="Where <we> go")
    assert said_in(Message.objects.get()) == "plan.pdf: Where <we> go"
    assert b"plan.pdf: Where &amp;lt;we&amp;gt; go" in browser.get(f"{LOUNGE}feed/").content
    assert b"plan.pdf: Where &lt;we&gt; go" in browser.get(f"{LOUNGE}messages/1/preview/").content


def test_reacting_to_a_message_keeps_its_files(browser: Client, ann: Person) -> None:
    sent_file(browser, "a.txt", b"tea")
    message = Message.objects.select_related("room").get()
    before = message.extras
    changes.alter(message, ann, lambda mine, message: [])
    assert Message.objects.get().extras == before


def test_history_shows_them_too(browser: Client) -> None:
    file = sent_file(browser, "a.mp3", MP3)
    for page in (f"{LOUNGE}history/", f"{LOUNGE}messages/1/", f"{LOUNGE}messages/1/about/"):
        assert find(browser.get(page).content, "audio")["src"] == at(file)
