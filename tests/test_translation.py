"""Every text can be translated: in a language that marks each, nothing is said without a mark."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.conf import settings as site
from django.core import mail
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import trans_real
from pytest_django import Settings

from rooms import access, calendar, changes, fragments, joining, limits, moderation
from rooms.access import Refused
from rooms.export_file import write_export
from rooms.forms import JoinForm, MessageForm
from rooms.models import Message, Person, Room
from rooms.names import clean_name
from rooms.room_forms import BanForm, DirectForm, KeepForm, LinkForm
from rooms.search.query import parse
from rooms.settings_forms import PictureForm
from rooms.templatetags.days import long_date, month_day_and_time
from rooms.templatetags.remembered import made
from rooms.texts import number
from tests.html import find
from tests.test_promises import PAGES, TEMPLATES, all_fragments, clients, urlpatterns

pytestmark = pytest.mark.any_database

__all__ = ["clients", "urlpatterns"]

ROOT = Path(site.BASE_DIR)
BEGIN, END = "⟦⟧"
READ_OUT = {"abbr", "alt", "aria-description", "aria-label", "label", "placeholder", "title"}
# What is within is somebody's own words, a name, code or a date.
NOT_OURS = {"bdi", "code", "pre", "script", "textarea", "time"}
VOID = {"br", "hr", "img", "input", "link", "meta"}
# Names, and what is no word of any language.
DATA = {"parlor", "club", "lounge", "ann", "bob", "keeper", "see", "noise", "x"}
DATA |= {"html", "kb", "mb", "script", "utc"}


class Marked:
    """A language in which every text is as in English, between marks."""

    def gettext(self, text: str) -> str:
        return f"{BEGIN}{text.rpartition(trans_real.CONTEXT_SEPARATOR)[2]}{END}"

    def ngettext(self, one: str, many: str, count: int) -> str:
        return self.gettext(one if count == 1 else many)


@pytest.fixture
def marked(settings: Settings) -> Iterator[None]:
    """The site speaks that language."""
    settings.LANGUAGE_CODE = "en-au"
    real = trans_real.translation("en-au")
    languages: dict[str, Any] = vars(trans_real)["_translations"]
    languages["en-au"] = Marked()
    made.clear()
    yield
    made.clear()
    languages["en-au"] = real


# What a page says ----------------------------------------------------------------------


class _Reader(HTMLParser):
    """Reads what is said outside all marks, which may be around elements too."""

    def __init__(self) -> None:
        super().__init__()
        self.depth = 0
        self.said: list[str] = []
        self.skipped: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        is_emoji = "emoji" in about.get("hx-vals", "") + about.get("name", "") or about.get("role") == "img"
        is_zone = tag == "option" and ("/" in about.get("value", "") or about.get("value") == "UTC")
        is_others = tag in NOT_OURS or (about.get("dir") == "auto" and tag != "input")
        if not is_emoji:
            for name in sorted(READ_OUT & about.keys()):
                self.said += unmarked(about[name])
            if tag == "input" and about.get("type") in ("submit", "button", "reset"):
                self.said += unmarked(about.get("value", ""))
        if tag not in VOID:
            self.skipped.append(is_others or is_zone)

    def handle_endtag(self, tag: str) -> None:
        if self.skipped and tag not in VOID:
            self.skipped.pop()

    def handle_data(self, data: str) -> None:
        before = self.depth
        self.depth += data.count(BEGIN) - data.count(END)
        if not any(self.skipped):
            self.said += unmarked(data, before)


def unmarked(text: str, depth: int = 0) -> list[str]:
    """The words of `text` that are outside all marks, of which `depth` are open before it."""
    kept = []
    for char in text:
        depth += (char == BEGIN) - (char == END)
        kept.append(" " if depth or char == END else char)
    words = [word for word in "".join(kept).split() if not re.search(r"[/@:.\d]\w", word)]
    lettered = [word for word in words if re.search(r"[^\W\d_]", word)]
    return [word for word in lettered if word.lower().strip("()<>#+.,:“”") not in DATA]


def said_in(html: str | bytes) -> list[str]:
    """The words that `html` shows or reads out, and that cannot be translated."""
    reader = _Reader()
    reader.feed(html if isinstance(html, str) else html.decode())
    reader.close()
    return reader.said


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<p>Hello</p>", ["Hello"]),
        ("<p>⟦Hello⟧ there</p>", ["there"]),
        ("<p>⟦You are <bdi>ann</bdi> here⟧.</p>", []),
        ("<p>⟦You are⟧ <bdi>somebody</bdi></p>", []),
        ("<p>⟦You <a title='so'>are⟧</a> here</p>", ["so", "here"]),
        ("<input placeholder='Name'>", ["Name"]),
        ("<input placeholder='⟦Name⟧' value='so'>", []),
        ("<input type=submit value='Go'>", ["Go"]),
        ("<img alt='A picture'>", ["A", "picture"]),
        ("<title>⟦Lounge⟧ – Parlor</title>", []),
        ("<p dir=auto>what somebody said</p><p>and we</p>", ["and", "we"]),
        ("<p>see http://a.example/1 and ann@a.example</p>", ["and"]),
    ],
)
def test_the_check_sees_what_is_not_marked(html: str, said: list[str]) -> None:
    assert said_in(html) == said


@pytest.mark.urls("tests.test_promises")
@pytest.mark.django_db
def test_every_page_can_be_translated(marked: None, clients: dict[str, Client]) -> None:
    said = {}
    for page, (who, ask, _status, _policy) in PAGES.items():
        response = ask(clients[who])
        if response.headers["Content-Type"].startswith("text/html"):
            said[page] = said_in(response.content)
    assert {page: words for page, words in said.items() if words} == {}
    assert [text for sent in mail.outbox for text in unmarked(f"{sent.subject} {sent.body}")] == []


@pytest.mark.django_db(transaction=True)
def test_every_fragment_can_be_translated(marked: None, lounge: Room, ann: Person) -> None:
    changes.post(lounge, ann, "see http://a.example/")
    for fragment in all_fragments(lounge, Message.objects.get()):
        assert said_in(fragment.replace("because", "").replace("a problem", "").replace("a notice", "")) == []


@pytest.mark.django_db
def test_an_export_can_be_translated(marked: None, lounge: Room, ann: Person, tmp_path: Path) -> None:
    for n in range(3):
        message = changes.post(lounge, ann, f"see {n}")
    changes.delete(message, ann)
    lounge.refresh_from_db()
    with (tmp_path / "lounge.zip").open("w+b") as file:
        write_export(lounge, "Lounge", "UTC", file, lambda done, of: None)
        file.seek(0)
        with ZipFile(BytesIO(file.read())) as zipped:
            pages = [name for name in zipped.namelist() if name.endswith(".html")]
            assert len(pages) == 2
            assert [word for name in pages for word in said_in(zipped.read(name))] == []


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.txt")), ids=lambda file: file.name)
def test_mail_and_notices_can_be_translated(marked: None, file: Path) -> None:
    room = {"title": "Lounge", "lines": ["ann: see"], "url": "http://a.example/"}
    people = {"user": {"username": "ann"}, "person": {"username": "ann"}}
    times = {"timestamp": datetime(2026, 6, 2, 12, tzinfo=UTC)}
    text = render_to_string(file.relative_to(TEMPLATES).as_posix(), {"rooms": [room]} | people | times)
    assert unmarked(text) == []


# What the sources say ------------------------------------------------------------------


IN_A_TAG = TEMPLATES / "parts" / "lines.html"  # has branches within one, which pages show


def without_translated(template: str) -> str:
    """The HTML of a template, of all its branches, without what it has translated."""
    template = re.sub(r"{% comment %}.*?{% endcomment %}|{#.*?#}", "", template, flags=re.DOTALL)
    template = re.sub(r"{% block (page|width|main_class) %}.*?{% endblock %}", "", template)  # are classes
    marked = re.sub(
        r"{% blocktranslate\b.*?%}(.*?){% endblocktranslate %}", f"{BEGIN}{END}", template, flags=re.DOTALL
    )
    return re.sub(r"{%.*?%}|{{.*?}}", "", marked)


@pytest.mark.parametrize(
    "file",
    [
        file
        for file in sorted(TEMPLATES.rglob("*.*"))
        if file.suffix in (".html", ".txt") and file != IN_A_TAG
    ],
    ids=lambda file: file.relative_to(TEMPLATES).as_posix(),
)
def test_no_branch_of_a_template_says_anything_by_itself(file: Path) -> None:
    left = without_translated(file.read_text())
    assert (said_in(left) if file.suffix == ".html" else unmarked(left)) == []


SAYS = {"Refused", "TooMany", "NotKept", "ValidationError", "mistake", "turn_away", "refuse", "_fail"}
SAYS |= {"success", "error", "warning", "info", "message_user", "add_error", "too_many", "Limit"}
LABELS = {"label", "help_text", "description", "error_messages"}


def untranslated(source: str) -> list[str]:
    """What Python says to people without having it translated, as far as that can be told."""
    return [text for node in ast.walk(ast.parse(source)) for text in _untranslated(node)]


def _untranslated(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):  # in which xgettext finds nothing
        calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
        yield from (
            ast.unparse(node) for call in calls if getattr(call, "id", "") in ("_", "gettext", "ngettext")
        )
    if not isinstance(node, ast.Call):
        return
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    is_log = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "log"
    said = [] if is_log or function not in SAYS else list(node.args)
    said += [word.value for word in node.keywords if word.arg in LABELS]
    for part in said:
        values = part.values if isinstance(part, ast.Dict) else [part]
        for value in values:
            pieces = value.values if isinstance(value, ast.JoinedStr) else [value]
            for piece in pieces:
                text = piece.value if isinstance(piece, ast.Constant) else None
                if isinstance(text, str) and (" " in text.strip() or text[:1].isupper()):
                    yield text


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise Refused('You may not.')", ["You may not."]),
        ("raise Refused(_('You may not.'))", []),
        ("raise Refused(f'You may not, {name}.')", ["You may not, "]),
        ("raise Refused(f'{one} {other}')", []),
        ("ValidationError(_('%s is the most.') % 5, code='most')", []),
        ("field(label='Your name')", ["Your name"]),
        ("field(error_messages={'required': 'Please say why.'})", ["Please say why."]),
        ("f'<p>{_(one)}</p>'", ["f'<p>{_(one)}</p>'"]),
        ("log.error('this is not for people')", []),
    ],
)
def test_the_check_sees_what_python_says(source: str, said: list[str]) -> None:
    assert untranslated(source) == said


SOURCES = sorted(
    file for file in (ROOT / "rooms").rglob("*.py") if not {"management", "migrations"} & set(file.parts)
)


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_source_says_anything_by_itself(file: Path) -> None:
    assert untranslated(file.read_text()) == []


# Those that are told only when it comes to that -----------------------------------------


def refused(what: Callable[[], Any]) -> str:
    with pytest.raises(Refused) as refusal:
        what()
    return str(refusal.value)


@pytest.mark.django_db
def test_what_is_refused_can_be_translated(
    marked: None, lounge: Room, ann: Person, person: Callable[..., Person]
) -> None:
    bob = person("bob")
    for one in (ann, bob):
        joining.enter(access.find(lounge.slug, one))
    Room.objects.filter(pk=lounge.pk).update(is_closed=True)
    said = [
        refused(lambda: moderation.ban(lounge, bob, ann, "noise")),
        refused(lambda: moderation.configure(lounge, ann, is_closed=True)),
        refused(lambda: joining.private_room("Cellar", ann)),
        refused(lambda: joining.block(ann, ann)),
        refused(lambda: joining.leave(joining.direct_room(ann, [bob]), ann)),
        refused(lambda: changes.post(lounge, bob, "see")),
        limits._how_long(90),
        *parse('in: has:x before:x -before:2020 "++ a* ' + "x " * 200).problems,
    ]
    for text in said:
        assert text
        assert unmarked(text) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "data"),
    [
        (JoinForm, {}),
        (JoinForm, {"room_name": "x" * 61, "username": "ann, bob"}),
        (JoinForm, {"room_name": "\u200b", "username": "a\u00a0b"}),
        (JoinForm, {"room_name": "x", "username": "ann"}),
        (MessageForm, {}),
        (MessageForm, {"body": "x" * 4001}),
        (BanForm, {}),
        (DirectForm, {"names": "x"}),
        (KeepForm, {"days": "5"}),
        (LinkForm, {"days": "x", "most_uses": "0"}),
        (PictureForm, {}),
    ],
)
def test_what_is_wrong_with_a_form_can_be_translated(
    marked: None, ann: Person, form: Any, data: dict[str, str]
) -> None:
    problems = [text for texts in form(data).errors.values() for text in texts]
    assert problems
    assert [word for text in problems for word in unmarked(text)] == []


def test_a_text_with_a_number_has_a_form_for_one(marked: None) -> None:
    with pytest.raises(ValidationError, match="is the most"):
        clean_name("x" * 61, 60)
    assert calendar.said(1) == "⟦1 message⟧"
    assert calendar.said(1234).endswith("messages⟧")


# The ways of a language ----------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "direction"), [("en-gb", "ltr"), ("de", "ltr"), ("ar", "rtl")])
def test_pages_tell_the_language_and_its_direction(
    settings: Settings, client: Client, language: str, direction: str
) -> None:
    settings.LANGUAGE_CODE = language
    html = find(client.get("/").content, "html")
    assert (html["lang"], html["dir"]) == (language, direction)


NOON = datetime(2026, 6, 2, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "day", "moment", "time"),
    [
        ("en-gb", "Tuesday, 2 June 2026", "2 June, 14:05", "14:05"),
        ("de", "Dienstag, 2. Juni 2026", "2. Juni, 14:05", "14:05"),
        ("en-us", "Tuesday, June 2, 2026", "June 2, 2:05 p.m.", "2:05 p.m."),
    ],
)
def test_dates_and_times_follow_the_language(
    settings: Settings, language: str, day: str, moment: str, time: str
) -> None:
    settings.LANGUAGE_CODE = language
    assert (long_date(NOON), month_day_and_time(NOON), Message(at=NOON).time) == (day, moment, time)


@pytest.mark.django_db
def test_machines_read_the_same_times_in_every_language(
    settings: Settings, client: Client, lounge: Room, ann: Person
) -> None:
    settings.LANGUAGE_CODE = "de"
    message = changes.post(lounge, ann, "see")
    html = fragments.change(message, "UTC", is_new=True)
    day, at = re.findall('<time datetime="(.*?)">', html)
    assert date.fromisoformat(day) == message.at.date()
    assert datetime.fromisoformat(at) == message.at


@pytest.mark.parametrize(("language", "said"), [("en-gb", "1,234"), ("de", "1.234"), ("fr", "1\u202f234")])
def test_numbers_follow_the_language(settings: Settings, language: str, said: str) -> None:
    settings.LANGUAGE_CODE = language
    assert number(1234).replace("\xa0", "\u202f") == said
    assert calendar.said(1234).replace("\xa0", "\u202f").startswith(said)


@pytest.mark.parametrize(("language", "first"), [("en-gb", "Monday"), ("ar", "الأحد"), ("en-us", "Sunday")])
def test_weeks_begin_as_the_language_has_it(settings: Settings, language: str, first: str) -> None:
    settings.LANGUAGE_CODE = language
    june = calendar.Month(date(2026, 6, 1), [calendar.Day(date(2026, 6, n + 1), n) for n in range(30)])
    names = [str(name) for name, _letter in june.weekdays]
    assert (names[0], len(set(names))) == (first, 7)
    tuesday = next(week for week in june.weeks for day in week if day and day.date.day == 2).index(
        june.days[1]
    )
    assert tuesday == (1 - calendar.first_weekday()) % 7


# Style sheets --------------------------------------------------------------------------

SIDES = r"(?<![\w-])(?:(?:margin|padding|border|scroll-\w+|inset)-)?(?:left|right)(?:-\w+)?\s*:"
SIDES += r"|(?:float|clear|text-align|justify-\w+)\s*:\s*(?:left|right)|border-(?:top|bottom)-(?:left|right)"


@pytest.mark.parametrize(
    "css", ["margin-left: 1rem", "right:0", "text-align: left", "border-top-left-radius: 0"]
)
def test_the_check_sees_sides(css: str) -> None:
    assert re.search(SIDES, f"a {{ {css} }}")


@pytest.mark.parametrize("file", sorted((ROOT / "static" / "css").glob("*.css")), ids=lambda file: file.name)
def test_style_sheets_know_no_left_and_right(file: Path) -> None:
    assert re.findall(SIDES, file.read_text()) == []


@pytest.mark.django_db
def test_style_sheets_write_in_the_language_of_the_site(marked: None, client: Client, ann: Person) -> None:
    written = [
        text
        for file in (ROOT / "static" / "css").glob("*.css")
        for text in re.findall(r"""(?<!\w)content:\s*["']([^"']*)""", file.read_text())
    ]
    assert [text for text in written if re.search(r"\w\w", text)] == []
    client.force_login(ann)
    assert f'"{BEGIN}waiting to be sent{END}"' in client.get("/me.css").content.decode()
