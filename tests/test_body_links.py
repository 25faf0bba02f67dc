"""A word that is no link never meets Urlizer: what comes out is the same."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.markup import links, render
from rooms.markup.links import linked

PIECES = [
    "http",
    "https",
    "HTTPſ",
    "://",
    ":",
    "//",
    "www",
    ".",
    "WWW.",
    "@",
    "com",
    "ORG",
    "ıNT",
    "mİl",
    "net",
]
PIECES += [
    "edu",
    "gov",
    "mailto:",
    "a",
    "é",
    "例え",
    " ",
    "\n",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    '"',
    "'",
    "&",
    ";",
]
PIECES += ["&amp;", "&lt;", "!", ",", "/", "xn--", "1"]
texts = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=12).map("".join))


@pytest.fixture(scope="module")
def every_word() -> Callable[[str], str]:
    """`linked` as it is where no text or word is spared Urlizer."""

    def as_urlizer_has_it(text: str) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(links, "_MAY_BE_IN_LINKS", re.compile(""))
            patch.setattr(links, "_IN_LINKS", re.compile(""))
            return linked(text)

    return as_urlizer_has_it


@given(texts)
def test_as_urlizer_has_it(every_word: Callable[[str], str], text: str) -> None:
    assert linked(text) == every_word(text)


@pytest.mark.parametrize("text", ["see ziglang.org.", "HTTP://x", "www.x", "a@b.cd", "x.mİl", "x.ıNT/"])
def test_links_are_found(every_word: Callable[[str], str], text: str) -> None:
    assert linked(text) == every_word(text)
    assert "<a " in linked(text) or not text.isascii()


@pytest.mark.parametrize(
    "text", ["http://[", "www.]", "http://a:99999/", "http://1.2.3.4.5/", "http:///x", "http://%"]
)
def test_where_no_browser_finds_its_way_there_is_no_link(text: str) -> None:
    assert linked(text) == text
    assert not render(text).has_link
    assert not render(f"[x]({text})").has_link
