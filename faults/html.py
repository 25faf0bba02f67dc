"""The site's HTML, cut into elements without losing how they were written."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

# The site writes well-formed HTML: it escapes what is text, and closes what it opens.
TAG = re.compile(r"""<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>""")
ATTRIBUTE = re.compile(r"""([^\s"'=/]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
VOID = {"br", "col", "hr", "img", "input", "link", "meta", "source", "wbr", "path"}


@dataclass(frozen=True, slots=True)
class Element:
    """An element as it was written: `outer` with its own tags, `inner` without."""

    name: str
    attributes: dict[str, str]
    outer: str
    inner: str

    def get(self, name: str) -> str:
        return self.attributes.get(name, "")

    @property
    def classes(self) -> list[str]:
        return self.get("class").split()


def elements(html: str) -> Iterator[Element]:
    """Those of `html` that are in no other."""
    depth, start, opened = 0, 0, None
    for tag in TAG.finditer(html):
        name = tag[2].lower()
        if tag[1]:
            depth -= 1
            if depth == 0 and opened is not None:
                yield _element(opened, html[start : tag.end()], html[opened.end() : tag.start()])
        elif name in VOID or tag[3].endswith("/"):
            if depth == 0:
                yield _element(tag, tag[0], "")
        else:
            if depth == 0:
                start, opened = tag.start(), tag
            depth += 1


def element_at(html: str, start: str) -> Element | None:
    """The first element of `html` whose opening tag begins with `start`."""
    place = html.find(start)
    return next(elements(html[place:]), None) if place >= 0 else None


def _element(tag: re.Match[str], outer: str, inner: str) -> Element:
    found = ATTRIBUTE.findall(tag[3])
    return Element(tag[2].lower(), {name: unescape(a or b or c) for name, a, b, c in found}, outer, inner)
