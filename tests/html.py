"""HTML as tests look at it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Element:
    name: str
    attributes: list[tuple[str, str]]
    pieces: list[str] = field(default_factory=list, repr=False)  # joined late: a page may be long
    parents: list["Element"] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """Of all that is in it."""
        return "".join(self.pieces)

    def __getitem__(self, name: str) -> str:
        return dict(self.attributes)[name]

    def get(self, name: str) -> str:
        return dict(self.attributes).get(name, "")

    @property
    def classes(self) -> list[str]:
        return self.get("class").split()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, [(name, value or "") for name, value in attrs], parents=self.open[:])
        self.elements.append(element)
        if tag == "br":
            self.handle_data("\n")
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in (element.name for element in self.open):
            while self.open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        for element in self.open:
            element.pieces.append(data)


def elements(html: str | bytes) -> list[Element]:
    """Every element of `html`, in order."""
    reader = _Reader()
    reader.feed(html if isinstance(html, str) else html.decode())
    reader.close()
    return reader.elements


def find_all(html: str | bytes, tag: str = "", /, **attributes: str) -> list[Element]:
    """Those called `tag` with these attributes. `class_="a"`: with that class among others."""
    return list(_found(html, tag, attributes))


def find(html: str | bytes, tag: str = "", /, **attributes: str) -> Element:
    """The only one."""
    found = find_all(html, tag, **attributes)
    assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
    return found[0]


def _found(html: str | bytes, tag: str, attributes: dict[str, str]) -> Iterator[Element]:
    wanted = dict(attributes)
    css_class = wanted.pop("class_", "")
    for element in elements(html):
        has = dict(element.attributes)
        if (
            (not tag or element.name == tag)
            and (not css_class or css_class in element.classes)
            and all(has.get(key) == value for key, value in wanted.items())
        ):
            yield element
