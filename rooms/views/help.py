"""How to do things here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from rooms import markup

WRITING = [
    ("**bold**", ""),
    ("*leaning*", ""),
    ("~~struck out~~", ""),
    ("||hidden until it is pointed at||", ""),
    ("`code`", ""),
    ("```python\nprint('hello')\n```", "The word after the three signs is the language, if there is one."),
    ("> a quote\nand what you say to it", ""),
    ("- a list\n- of things", ""),
    ("1. first\n2. second", ""),
    ("https://example.com/", "Addresses become links by themselves."),
    ("[a name](https://example.com/)", ""),
    ("@ann", "Names somebody in the room, who is told."),
    ("#lounge", "Leads to an open room, by its name or address."),
    (":tada:", "Emoji have names."),
    ("\\*as it is\\*", "A backslash takes a sign its meaning."),
]


@require_safe
def writing(request: HttpRequest) -> HttpResponse:
    """What one can write in a message, and how it looks."""
    rows = [(typed, _shown(typed), why) for typed, why in WRITING]
    return render(request, "help-writing.html", {"rows": rows})


def _shown(typed: str) -> SafeString:
    html = markup.render(typed, {"ann": 0}, {"lounge": "lounge"}).html
    # There need not be such a room: this one leads to those there are.
    return mark_safe(html.replace(reverse("room", args=["lounge"]), reverse("lobby")))  # noqa: S308 — as it was
