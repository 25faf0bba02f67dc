"""Long messages, and long code in them, show their beginning until somebody wants to see the rest.

Decided here, by lines, so that it is the same for everybody. All of it is in the page; what folds it
is <details> and a style sheet.
"""

from html import escape

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MOST_LINES = 20  # of a message
MOST_LINES_OF_CODE = 15
WIDTH = 90  # characters that are taken for a line


def height(text: str) -> int:
    """How many lines `text` takes, as good as that can be told."""
    return sum(1 + len(line) // WIDTH for line in text.split("\n"))


def folded(html: str, lines: int, most: int = MOST_LINES) -> str:
    """`html`, folded if it is taller than `most` lines."""
    if lines <= most:
        return html
    less = _("Show less")
    more = ngettext("Show all %(count)s line", "Show all %(count)s lines", lines) % {"count": lines}
    return (
        f'<div class="long"><div>{html}</div><details><summary><span class="more">{escape(more)}'
        f'</span><span class="less">{escape(less)}</span></summary></details></div>'
    )
