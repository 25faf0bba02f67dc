"""Messages that link to messages of this site: those are shown below them, small.

What is stored says only where a preview is to be had, and is the same for every viewer. Each
viewer's own page asks for it, and is given it if they may see that message.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

MOST = 3  # previews below one message

_PERMALINK = re.compile(
    r"https?://([^/\s]+)/rooms/((?:[\w-]|%[0-9A-Fa-f]{2})+)/messages/(\d{1,18})/?(?![\w/])"
)


def quotes_html(links: Iterable[str]) -> SafeString:
    """Places for previews of the messages to which `links`, addresses, lead, each once, at most MOST."""
    found = dict.fromkeys(_quoted(links))
    html = SafeString()
    for slug, seq in list(found)[:MOST]:
        html += format_html(
            '<span class="quote" hx-get="{}" hx-trigger="intersect once" hx-swap="outerHTML"></span>',
            reverse("preview", args=[slug, seq]),
        )
    return html


def _quoted(links: Iterable[str]) -> Iterator[tuple[str, int]]:
    for link in map(_PERMALINK.match, links):
        slug = unquote(link[2]) if link else ""
        if link and _is_here(link[1]) and re.fullmatch(r"[\w-]+", slug):
            yield slug, int(link[3])


def _is_here(host: str) -> bool:
    """Whether this site goes by that name. Where it may go by any, links to it cannot be told from
    links to other such sites."""
    names = [name for name in settings.ALLOWED_HOSTS if name != "*"]
    return validate_host(split_domain_port(host)[0], names)
