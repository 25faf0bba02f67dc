"""The sanitiser: whatever the parser made, only this is shown."""

import nh3
from pygments.token import STANDARD_TYPES

TAGS = {
    "p": set[str](),
    "br": set[str](),
    "strong": set[str](),
    "em": set[str](),
    "s": set[str](),
    "b": {"data-person"},
    "a": {"href", "target", "rel"},
    "span": {"tabindex"},
    "code": set[str](),
    "pre": {"tabindex", "data-language"},
    "blockquote": set[str](),
    "ul": set[str](),
    "ol": set[str](),
    "li": {"value"},
    "div": set[str](),
    "details": set[str](),
    "summary": set[str](),
}
CLASSES = {
    "p": {"emoji"},
    "b": {"mention"},
    "a": {"room"},
    "span": {"spoiler", "more", "less", *filter(None, STANDARD_TYPES.values())},
    "div": {"long"},
}
_cleaner = nh3.Cleaner(
    tags=set(TAGS),
    attributes={tag: names for tag, names in TAGS.items() if names},
    allowed_classes=CLASSES,
    url_schemes={"http", "https", "mailto"},
    link_rel=None,  # links have theirs, and rooms need none
)


def clean(html: str) -> str:
    """`html` with no tag, attribute, class or protocol but those above."""
    return _cleaner.clean(html)
