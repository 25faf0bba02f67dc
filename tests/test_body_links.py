"""A body without a link never meets Urlizer: what comes out is the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.fragments import _links, body_html

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


@given(texts)
def test_as_urlizer_has_it(text: str) -> None:
    assert body_html(text) == _links(text, autoescape=True)


@pytest.mark.parametrize("text", ["see ziglang.org.", "HTTP://x", "www.x", "a@b.cd", "x.mİl", "x.ıNT/"])
def test_links_are_found(text: str) -> None:
    assert body_html(text) == _links(text, autoescape=True)
    assert "<a " in body_html(text) or not text.isascii()
