"""Small answers: parts that browsers keep, a viewer's own style."""

import hashlib

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.cache import patch_cache_control
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from rooms.models import Person
from rooms.parts import NAMES, parts_version
from rooms.texts import text as _
from rooms.texts import texts_version
from rooms.views.acts import thread_in

YEAR = 60 * 60 * 24 * 365


@require_safe
def part(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """What a page puts in place by itself, the same for everybody and there when the server is not.

    An old page may ask by an old `version`; it gets what there is now. A field is told of the room by
    the page, its `slug` and `name`, or which `thread` of it: it needs no database then, and tells nothing
    that is not known.
    """
    if name not in NAMES:
        raise Http404
    room = {"slug": request.GET.get("slug", "").replace("/", "") or "-", "name": request.GET.get("name", "")}
    response = render(request, f"parts/{name}.html", {"room": room, "thread": thread_in(request)})
    # While one release takes over from another, either is asked for the other's parts. Kept under
    # that address, they would outlast it.
    if version == parts_version():
        patch_cache_control(response, public=True, max_age=YEAR, immutable=True)
    else:
        patch_cache_control(response, no_store=True)
    return response


@require_safe
@cache_control(private=True, max_age=3600)
def my_style(request: HttpRequest) -> HttpResponse:
    """What differs by viewer: my own messages, those that name me, those of people I have blocked; and
    what style sheets write, in the language of the site. `?v=` names the viewer and whom they block, so
    that what is kept is never another's or old."""
    css = ""
    if request.user.is_authenticated:
        me, waiting = request.user.pk, _in_css(_("waiting to be sent"))
        css = (
            f'.message[data-author="{me}"]{{--bubble:var(--mine);--bubble-edge:Highlight;--name:var(--accent)}}\n'
            f'.reaction[data-people~="{me}"]{{--chip:var(--mine);--chip-edge:var(--accent)}}\n'
            f'.mention[data-person="{me}"]{{--mention:var(--news-soft)}}\n'
            f'#typing [data-person="{me}"],#typing:not(:has(bdi:not([data-person="{me}"]))){{display:none}}\n'
            f':root{{--waiting:"{waiting}"}}\n'
        )
        blocked = request.user.blocks.values_list("blocked", flat=True)
        css += "".join(f'[data-author="{other}"]{{display:none}}\n' for other in blocked)
    return HttpResponse(css, content_type="text/css")


def _in_css(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def style_version(person: Person) -> str:
    """Changes when the person's own stylesheet does."""
    blocks = person.blocks.order_by("pk").values_list("pk", flat=True)
    shown = f"{list(blocks)} {texts_version()}"
    return f"{person.pk}-{hashlib.sha256(shown.encode()).hexdigest()[:8]}"


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    return redirect(static("favicon.svg"), permanent=True)
