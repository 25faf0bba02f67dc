"""What may be in a name, and when two are the same to a reader."""

import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import resolve, reverse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rooms import names
from rooms.forms import NameForm
from rooms.models import Person, Room
from rooms.names import clean_name, look_alike_keys, same_name_key, slug_for
from rooms.settings_forms import SettingsForm

GOOD = [
    "ann",
    "Zoë O'Neil-Smith",
    "C++ / C#",
    "<b>bold</b> & co",
    "Дмитрий",
    "Ελένη",
    "משה",
    "أحمد",
    "می\u200cخواهم",  # Persian, with a zero width non-joiner
    "สวัสดีที่นี่",
    "हिन्दी",
    "क्\u200dष",
    "தமிழ்",
    "Tiếng Việt",
    "日本語の部屋",
    "한국어",
    "😀",
    "👨\u200d👩\u200d👧\u200d👦 family",
    "🇳🇱 Dutch",
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",  # the flag of England
    "👋🏽",
    "❤\ufe0f",
    "1\ufe0f⃣",
    "42",
    "..",
    "?",
]

BAD = {
    "": "required",
    "   ": "required",
    "a\tb": "control",
    "a\nb": "control",
    "a\0b": "control",
    "a\x7fb": "control",
    "a\x85b": "control",
    "a\u202eb": "control",  # bidirectional overrides and isolates
    "a\u2066b": "control",
    "a\u200fb": "control",
    "a\u200bb": "control",  # zero width space
    "a\ufeffb": "control",
    "a\u00adb": "control",  # soft hyphen
    "a\u2060b": "control",  # word joiner
    "a\ud800b": "control",  # half a character
    "a\ue000b": "control",  # private use
    "a\u0378b": "control",  # unassigned
    "a\uffffb": "control",
    "a\U000e0067b": "control",  # a tag, on no flag
    "🏴\U000e0067": "control",  # a flag without an end
    "a\u00a0b": "whitespace",
    "a\u3000b": "whitespace",
    "a\u2003b": "whitespace",
    "a\u202fb": "whitespace",
    "a\u2028b": "whitespace",
    "\u3164": "whitespace",  # Hangul filler
    "a\uffa0": "whitespace",
    "\u115f": "whitespace",
    "\u2800": "whitespace",  # braille blank
    "x\u0301\u0302\u0303\u0304\u0305": "marks",
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A͂ͯL͒ͬGO": "marks",
    "\u200d": "invisible",
    "\u200c\u200d": "invisible",
    "\u0301": "invisible",
    "\ufe0f": "invisible",
}


@pytest.mark.parametrize("name", GOOD)
def test_names_of_any_script_are_kept_as_they_are(name: str) -> None:
    assert clean_name(name, 40) == name


@pytest.mark.parametrize(("name", "code"), BAD.items(), ids=[ascii(name) for name in BAD])
def test_what_cannot_be_seen_or_told_apart_is_refused(name: str, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        clean_name(name, 40)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  ann  ", "ann"),
        ("ann   lee", "ann lee"),
        ("Zoe\u0308", "Zoë"),
        (" \u0301a", "\u0301a"),
        ("x\u0301\u0302\u0303\u0304", "x\u0301\u0302\u0303\u0304"),  # four marks are the most
    ],
)
def test_a_name_is_kept_composed_and_without_needless_spaces(typed: str, kept: str) -> None:
    assert clean_name(typed, 40) == kept


def test_a_name_may_be_as_long_as_the_limit_and_no_longer() -> None:
    assert clean_name("é" * 40, 40) == "é" * 40
    assert clean_name(" " + "e\u0301" * 40 + " ", 40) == "é" * 40
    with pytest.raises(ValidationError, match="41 characters long; 40 is the most"):
        clean_name("é" * 41, 40)


@pytest.mark.parametrize("value", [None, "", [], {}, ["ann"], {"ann": 1}, 7, True, "ann\ud83d"])
@pytest.mark.django_db
def test_a_form_takes_nothing_for_a_name_but_whole_text(value: object) -> None:
    assert "username" in NameForm({"username": value}).errors


@pytest.mark.parametrize("name", ["ann, bob", "ann，bob", "ann、bob", "ann،bob", "ann‚ bob", "ann🄂 bob"])
@pytest.mark.django_db
def test_a_new_name_of_a_person_holds_no_comma(name: str, person: Callable[..., Person]) -> None:
    assert "comma" in NameForm({"username": name}).errors["username"][0]
    form = {"time_zone": "", "theme": "", "bio": ""}
    renamed = SettingsForm(form | {"username": name}, person("ann"))
    assert "comma" in renamed.errors["username"][0]
    assert SettingsForm(form | {"username": name}, person(name)).is_valid()


def test_what_names_cost_to_compare_is_bounded_in_memory() -> None:
    for start in range(0x4E00, 0x9FA0, 32):  # more characters than most sites ever see
        look_alike_keys("".join(map(chr, range(start, start + 32))))
    assert names._prototype.cache_info().currsize <= 4096


anything = st.text(st.characters(exclude_categories=()))
# What names are made of in earnest, which a random choice of all characters seldom hits.
likely = st.text(st.sampled_from("aAIl1о ’é\u0301\u0323\u200d\u200c\ufe0f\u00a0\u202e👩🏽\U0001f3f4ſßİﷺΣ㍿"))
quiet = settings(deadline=None, database=None, derandomize=True, max_examples=500)


@quiet
@given(anything | likely)
@example(" \u0301")
@example("a \u0301")
def test_cleaning_ends_in_a_name_that_is_clean_or_in_a_refusal(text: str) -> None:
    try:
        name = clean_name(text, 40)
    except ValidationError:
        return
    assert clean_name(name, 40) == name
    assert 1 <= len(name) <= 40
    assert unicodedata.is_normalized("NFC", name)
    name.encode()


@quiet
@given(anything | likely)
@example("ﷺ" * 60)
@example("ΐ" * 60)
@example("\ud83d" * 200)
def test_any_text_has_keys_and_a_slug_that_can_be_kept(text: str) -> None:
    folded, written = look_alike_keys(text)
    assert max(len(folded), len(written)) <= Person.NAME_LENGTH * 4
    assert len(same_name_key(text)) <= Room.NAME_LENGTH * 4
    assert 1 <= len(slug_for(text)) <= 80


@quiet
@given(anything | likely)
def test_a_name_looks_like_itself_however_it_is_composed(text: str) -> None:
    keys = look_alike_keys(text)
    for same in [text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD"))]:
        assert look_alike_keys(same) == keys


def look_alike(one: str, other: str) -> bool:
    return any(a == b for a, b in zip(look_alike_keys(one), look_alike_keys(other), strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann", "ANN"),
        ("straße", "STRASSE"),
        ("ΣΟΦΟΣ", "σοφος"),
        ("ann", "АNN"),  # Cyrillic А
        ("ann", "аnn"),
        ("paypal", "раураl"),
        ("scope", "ѕсоре"),
        ("Ann", "Αnn"),  # Greek Α
        ("Nick", "Νick"),
        ("nick", "Νick"),
        ("ann", "ａｎｎ"),
        ("ann", "𝓪𝓷𝓷"),
        ("IV", "Ⅳ"),
        ("Ian", "lan"),
        ("Ian", "1an"),
        ("Ian", "|an"),
        ("Ian", "Іan"),  # Cyrillic І
        ("Bill", "Bi11"),
        ("Bill", "BiII"),
        ("Ella", "EIIa"),
        ("Olga", "0lga"),
        ("Zoë", "Zoe\u0308"),
        ("ann", "a\u200dnn"),
        ("ann", "ann\u200c"),
        ("ann", "a\u034fnn"),
        ("ann", "ann\ufe0f"),
        ("ann", "a\U000e0100nn"),
        ("❤", "❤\ufe0f"),
    ],
)
def test_two_guests_cannot_be_mistaken_for_each_other(one: str, other: str) -> None:
    assert look_alike(one, other)
    assert look_alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mail", "mall"),
        ("ann", "anna"),
        ("ann", "ana"),
        ("ann", "ann 2"),
        ("ann 2", "ann 3"),
        ("ann", "änn"),
        ("bob", "rob"),
        ("Jan", "Jon"),
        ("👩", "👨"),
        ("👋", "👋🏽"),
        ("🇳🇱", "🇳🇴"),
        ("हिन्दी", "हन्दी"),
        ("ﷺ" * 40, "ﷺ" * 39),
    ],
)
def test_names_that_a_reader_can_tell_apart_may_both_be_had(one: str, other: str) -> None:
    assert not look_alike(one, other)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Ann", "x" * 40, "👩\u200d" * 19 + "👩", "ﷺ" * 40])
def test_a_suggestion_is_a_good_name_that_nobody_has(name: str) -> None:
    for _ in range(3):
        Person.guest(Person.free_name(name)).save()
    suggestion = Person.free_name(name)
    assert suggestion.endswith(" 5")
    assert clean_name(suggestion, Person.NAME_LENGTH) == suggestion
    assert not Person.looking_like(suggestion).exists()


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ann's  Lounge", "anns-lounge"),
        ("日本語の部屋", "日本語の部屋"),
        ("ที่นี่", "ที่นี่"),
        ("हिन्दी", "हिन्दी"),
        ("ＦＵＬＬ width", "full-width"),
        ("- a -", "a"),
        ("😀 ❤\ufe0f", "room"),
        ("..", "room"),
        ("%2f", "2f"),
        ("a/b?c#d", "abcd"),
    ],
)
def test_a_slug_is_the_letters_and_digits_of_a_name(name: str, slug: str) -> None:
    assert slug_for(name) == slug


ODD = ["..", ".", "/", "//", "%2f", "%", "?", "#", "?x=1#y", "&", "\\", "😀", "❤\ufe0f", "-", "_", "live"]


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*GOOD, *ODD, "x" * 60, "日" * 60, "😀" * 60, "ﷺ" * 60, "ΐ" * 60])
def test_any_name_opens_a_room_that_can_be_entered(client: Client, name: str) -> None:
    joined = client.post("/", {"room_name": name, "username": "ann"})
    assert joined.status_code == 302
    room = Room.objects.get()
    assert room.name == name
    assert joined.headers["Location"] == reverse("room", args=[room.slug])
    assert resolve(unquote(joined.headers["Location"])).kwargs == {"slug": room.slug}
    assert client.get(joined.headers["Location"]).status_code == 200


@pytest.mark.django_db
def test_rooms_whose_names_make_the_same_slug_have_addresses_of_their_own() -> None:
    rooms = [Room.named(name) for name in ["😀", "🎉", "?", "room", "room 2", "room-2", "Room!"]]
    assert len({room.slug for room in rooms}) == len(rooms)
    assert [room.slug for room in rooms[:4]] == ["room", "room-2", "room-3", "room-4"]


@pytest.mark.django_db
@pytest.mark.parametrize("again", ["lounge", "LOUNGE", "Ｌounge"])
def test_a_room_has_one_name_in_any_case_and_width(again: str) -> None:
    assert Room.named(again) == Room.named("Lounge")
    assert Room.objects.count() == 1
