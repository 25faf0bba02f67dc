from typing import Any

from django.conf import settings
from django.template import Context, Library, Node, NodeList
from django.template.base import Parser, Token
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import get_current_timezone

from rooms import moulds
from rooms.models import Message

MOST = 4096  # messages; some 8 MB
made: dict[tuple[Any, ...], SafeString] = {}
register = Library()


class Remembered(Node):
    """What is within is made of `message` alone. A plain one is put together of its texts; any other is kept
    for whoever is shown it next: everybody who opens a room is shown its newest messages."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self.moulds: dict[tuple[str, bool], str] = {}

    def render(self, context: Context) -> SafeString:
        message: Message | moulds.StandIn = context["message"]
        if isinstance(message, moulds.StandIn):
            return self.nodelist.render(context)
        zone = get_current_timezone()
        if (looks := moulds.plain(message, zone)) is not None:
            is_grouped, texts = looks
            return mark_safe(self._mould(is_grouped, context) % texts)  # noqa: S308 — all of them escaped
        key = (self, str(zone), *message.shown)
        html = made.get(key)
        if html is None:
            if len(made) >= MOST:
                made.clear()
            html = made[key] = self.nodelist.render(context)
        return html

    def _mould(self, is_grouped: bool, context: Context) -> str:
        key = settings.LANGUAGE_CODE, is_grouped
        if key not in self.moulds:
            with context.push(message=moulds.StandIn(is_grouped)):
                self.moulds[key] = moulds.mould(self.nodelist.render(context), moulds.PLAIN)
        return self.moulds[key]


@register.tag
def remembered(parser: Parser, token: Token) -> Remembered:
    """{% remembered %} … {% endremembered %}, around what shows `message`."""
    nodelist = parser.parse(("endremembered",))
    parser.delete_first_token()
    return Remembered(nodelist)
