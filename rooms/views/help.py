"""How to do things here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from rooms import markup

WRITING = [
    (_("**bold**"), ""),
    (_("*leaning*"), ""),
    (_("~~struck out~~"), ""),
    (_("||hidden until it is pointed at||"), ""),
    (_("`code`"), ""),
    ("```python\nprint('hello')\n```", _("The word after the three signs is the language, if there is one.")),
    (_("> a quote\nand what you say to it"), ""),
    (_("- a list\n- of things"), ""),
    (_("1. first\n2. second"), ""),
    ("https://example.com/", _("Addresses become links by themselves.")),
    (_("[a name](https://example.com/)"), ""),
    ("@ann", _("Names somebody in the room, who is told.")),
    ("#lounge", _("Leads to an open room, by its name or address.")),
    (":tada:", _("Emoji have names.")),
    (_("\\*as it is\\*"), _("A backslash takes a sign its meaning.")),
]


@require_safe
def writing(request: HttpRequest) -> HttpResponse:
    """What one can write in a message, and how it looks."""
    rows = [(typed, _shown(str(typed)), why) for typed, why in WRITING]
    return render(request, "help-writing.html", {"rows": rows})


def _shown(typed: str) -> SafeString:
    html = markup.render(typed, {"ann": 0}, {"lounge": "lounge"}).html
    # There need not be such a room: this one leads to those there are.
    return mark_safe(html.replace(reverse("room", args=["lounge"]), reverse("lobby")))  # noqa: S308 — as it was
