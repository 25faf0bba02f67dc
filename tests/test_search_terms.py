"""Texts and queries: what is looked for in what."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rooms.search.highlight import excerpt, score
from rooms.search.match import phrase_of
from rooms.search.query import LENGTH, MOST_PARTS, Filter, Query, days_of, parse, with_room
from rooms.search.terms import LONGEST, MOST_TERMS, located, singles, terms
from tests.html import elements
from tests.texts import QUERIES, TEXTS


class TestTerms:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("Hello, World!", ["hello", "world"]),
            ("don't foo_bar c++", ["don", "t", "foo", "bar", "c"]),
            ("Žofie ÅNGSTRÖM straße Ørsted İstanbul", ["zofie", "angstrom", "strasse", "orsted", "istanbul"]),
            ("Zoe\u0301 ＺＯＥ ﬁx", ["zoe", "zoe", "fix"]),
            ("Ёлка, ΆΛΦΑΣ", ["елка", "αλφασ"]),
            ("שָׁלוֹם", ["שלום"]),
            ("नमस्ते", ["नमस्ते"]),
            ("soft\xadhyphen", ["softhyphen"]),
            ("検索欄", ["検索", "索欄", "欄"]),
            ("Zig言語で", ["zig", "言語", "語で", "で"]),
            ("ｶﾞ", ["ガ"]),
            ("한국어", ["한국", "국어", "어"]),
            ("ไทย", ["ไท", "ทย", "ย"]),
            ("½", ["1", "2"]),
            ("🎉 … — \0", []),
        ],
    )
    def test_of_a_text(self, text: str, found: list[str]) -> None:
        assert terms(text) == found

    def test_marks_of_kana_are_no_accents(self) -> None:
        assert terms("か") != terms("が")

    def test_each_character_of_a_run_can_be_looked_for(self) -> None:
        assert singles(terms("Zig言語 à la")) == {"言", "語"}

    def test_a_long_word_is_cut_and_so_is_a_long_text(self) -> None:
        assert terms("x" * 500) == terms("x" * 400) == ["x" * LONGEST]
        assert terms("é" * 500) == ["e" * LONGEST]
        assert len(terms("a " * 50_000)) == len(terms("é " * 50_000)) == MOST_TERMS

    @given(st.text(max_size=200))
    @example("ﷺ㊀ª𝕏\u0345")
    def test_are_clean_and_have_their_places(self, text: str) -> None:
        found = located(text)
        assert [term.text for term in found] == terms(text)
        for term in found:
            assert 0 <= term.start < term.end <= len(text)
            assert term.text
            assert not any(char.isspace() or (char.isascii() and not char.isalnum()) for char in term.text)

    @given(st.text(max_size=100))
    def test_case_makes_no_difference(self, text: str) -> None:
        assert terms(text.swapcase().casefold()) == terms(text.casefold())


class TestQuery:
    @pytest.mark.parametrize(
        ("text", "words", "without"),
        [
            ("red Herring", ["red", "herring"], []),
            ('"red herring" -cod', ["red herring"], ["cod"]),
            ("“red herring” -«blue cod»", ["red herring"], ["blue cod"]),
            ("e-mail foo_bar", ["e mail", "foo bar"], []),
            ("http://a.example/b", ["http a example b"], []),
            ("note:this", ["note this"], []),
            ("OR and -x", ["or", "and"], ["x"]),
        ],
    )
    def test_words(self, text: str, words: list[str], without: list[str]) -> None:
        query = parse(text)
        assert [" ".join(phrase.terms) for phrase in query.words] == words
        assert [" ".join(phrase.terms) for phrase in query.without] == without
        assert query.problems == []

    def test_filters(self) -> None:
        query = parse('FROM:ann from:"Ann Lee" -in:lounge has:Link -has:file tea')
        assert query.filters == [
            Filter("from", "ann"),
            Filter("from", "Ann Lee"),
            Filter("in", "lounge", is_not=True),
            Filter("has", "link"),
            Filter("has", "file", is_not=True),
        ]
        assert query.text == "tea"

    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("2020-05-31", (date(2020, 5, 31), date(2020, 6, 1))),
            ("2020-5-1", (date(2020, 5, 1), date(2020, 5, 2))),
            ("2020-12", (date(2020, 12, 1), date(2021, 1, 1))),
            ("2020", (date(2020, 1, 1), date(2021, 1, 1))),
            ("2020-13", None),
            ("2021-02-29", None),
            ("0000", None),
            ("9999", None),
            ("yesterday", None),
            ("٢٠٢٠", None),
        ],
    )
    def test_dates(self, text: str, days: tuple[date, date] | None) -> None:
        assert days_of(text) == days

    def test_days_before_and_after(self) -> None:
        query = parse("before:2020-05 before:2021 after:2019-01-31 after:2018")
        assert (query.since, query.until) == (date(2019, 2, 1), date(2020, 5, 1))

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('"red herring', "The quotation mark before “red herring” has no other to close it."),
            ("from:", "What is to come right after “from:” is missing."),
            ("before:soon", "“soon” is not a date: it goes like 2020-05-31, 2020-05 or 2020."),
            ("-after:2020", "“-after:” is not known; “before:” is."),
            ("has:cheese", "“has:” takes link or file, and not “cheese”."),
            ("++", "“++” has no letter or digit to look for."),
            ("co*", "“co*” needs 3 letters before the *."),
            ("a " * 21, f"Only the first {MOST_PARTS} words were looked at."),
            ("x" * 301, f"Only the first {LENGTH} characters were looked at."),
        ],
    )
    def test_what_cannot_be_taken_is_explained(self, text: str, problem: str) -> None:
        assert parse(text).problems == [problem]
        both = parse(f"tea {text}")
        assert problem in both.problems and both.words[0].terms == ("tea",)

    @given(st.one_of(st.text(), QUERIES))
    def test_never_raises(self, text: str) -> None:
        query = parse(text)
        assert isinstance(query, Query)
        assert query or query.problems or not text.strip()

    def test_a_room_is_asked_for_once(self) -> None:
        assert with_room("tea", "lounge") == with_room("in:lounge tea", "lounge") == "in:lounge tea"
        assert with_room("", "lounge") == "in:lounge "


class TestExcerpt:
    def test_marks_the_words_in_their_context(self) -> None:
        words = parse('herring "blue cod" comp*').words
        assert excerpt("Herring, BLUE  Cod & compiler", words) == (
            "<mark>Herring</mark>, <mark>BLUE  Cod</mark> &amp; <mark>compiler</mark>"
        )

    def test_marks_a_part_of_a_run(self) -> None:
        assert excerpt("全文検索欄", parse("検索").words) == "全文<mark>検索</mark>欄"
        assert excerpt("全文検索欄", parse("検").words) == "全文<mark>検</mark>索欄"
        assert excerpt("全文検索欄", parse("欄").words) == "全文検索<mark>欄</mark>"

    def test_shows_what_is_around_the_first(self) -> None:
        shown = excerpt("before " * 100 + "tea " + "after " * 100, parse("tea").words)
        assert shown.startswith("… before ") and shown.endswith("after …")
        assert " <mark>tea</mark> " in shown
        assert len(shown) < 320

    def test_what_is_found_in_a_long_word_is_shown(self) -> None:
        assert "<mark>tea</mark>" in excerpt("x" * 1000 + "-tea-" + "y" * 1000, parse("tea").words)

    @given(TEXTS, QUERIES)
    def test_is_what_was_said_and_marks_what_was_found(self, text: str, typed: str) -> None:
        words = parse(typed).words
        shown = excerpt(text, words)
        found = elements(f"<p>{shown}</p>")
        assert {element.name for element in found} <= {"p", "mark"}
        if len(text) < 200:
            assert found[0].text == text
            is_there = any(phrase.places_in(terms(text)) for phrase in words)
            assert is_there == ("<mark>" in shown)

    @given(st.text(), QUERIES)
    def test_no_text_makes_markup(self, text: str, typed: str) -> None:
        shown = excerpt(text, parse(typed).words)
        assert {element.name for element in elements(shown)} <= {"mark"}

    def test_what_is_short_and_near_is_best(self) -> None:
        words = parse("green tea").words
        texts = ["green tea", "green is not tea", "tea " + "and so on " * 9 + "green"]
        assert sorted(texts, key=lambda text: score(text, words), reverse=True) == texts


@given(TEXTS)
def test_a_text_is_found_by_any_word_of_it(text: str) -> None:
    for word in text.split():
        phrase = phrase_of(word)
        assert phrase is None or phrase.places_in(terms(text))
