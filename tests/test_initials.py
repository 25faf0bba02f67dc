"""What stands for a person who has no picture."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rooms.initials import graphemes, initials

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ann", ["A"]),
        ("Ann Lee", ["A", "L"]),
        ("ann van der lee", ["A", "L"]),
        ("ann 2", ["A", "2"]),
        ("Zoë O'Neil-Smith", ["Z", "O"]),
        ("élodie", ["É"]),
        ("x\u0301\u0302 y", ["X\u0301\u0302", "Y"]),
        ("C++ / C#", ["C", "C"]),
        ("<b>bold</b> & co", ["B", "C"]),
        ("'ann'", ["A"]),
        ("..", ["."]),
        ("?", ["?"]),
        ("Дмитрий Иванов", ["Д", "И"]),
        ("ნინო", ["ნ"]),
        ("ßeta", ["ß"]),
        ("ﬁona", ["ﬁ"]),
        ("李小龙", ["李"]),
        ("عائشة", ["ع"]),
        ("أحمد علي", ["أ", "ع"]),
        ("हिन्दी", ["हि"]),
        ("क्षमा", ["क्ष"]),
        ("क्\u200dष", ["क्\u200dष"]),
        ("می\u200cخواهم", ["م"]),
        ("🦊", ["🦊"]),
        (f"{FAMILY} family", [FAMILY, "F"]),
        ("🇳🇱 🇩🇪", ["🇳🇱", "🇩🇪"]),
        ("🇳🇱🇩🇪", ["🇳🇱"]),
        (ENGLAND, [ENGLAND]),
        ("👋🏽 there", ["👋🏽", "T"]),
        ("❤\ufe0f", ["❤\ufe0f"]),
        ("1\ufe0f⃣ x", ["1\ufe0f⃣", "X"]),
        ("", ["?"]),
        ("\x01\u200d", ["?"]),
    ],
)
def test_they_are_of_the_first_and_the_last_word(name: str, shown: list[str]) -> None:
    assert initials(name) == "\u200c".join(shown)


def test_letters_and_flags_do_not_join_those_of_another_word() -> None:
    """Shown side by side, two letters of Arabic would, and the halves of two flags."""
    assert initials("🇳 🇱") == "🇳\u200c🇱"
    assert graphemes(initials("🇳 🇱")) == ["🇳\u200c", "🇱"]


likely = st.text(
    st.sampled_from("aA1 .<&'é\u0301\u0323\u200d\u200c\ufe0f👩🏽🇳🇱\U0001f3f4\U000e0067क्षबعßﬁﷺ\x01\x1f\ufffe")
)


@settings(deadline=None, database=None, derandomize=True, max_examples=500)
@given(st.text(st.characters(exclude_categories=())) | likely)
@example("\u200d")
@example("🇳 🇱")
def test_any_name_has_one_or_two_that_can_be_drawn(name: str) -> None:
    shown = initials(name)
    assert 1 <= len(graphemes(shown)) <= 2
    # What XML cannot hold would leave no picture at all.
    assert all(unicodedata.category(char) not in ("Cc", "Cs", "Cn", "Zl") for char in shown)


@settings(deadline=None, database=None, derandomize=True, max_examples=500)
@given(st.text(st.characters(exclude_categories=())) | likely)
def test_graphemes_are_the_text_in_pieces(text: str) -> None:
    pieces = graphemes(text)
    assert "".join(pieces) == text
    assert all(pieces)
