from typing import Any

from django.template import Context, Library, Node, NodeList
from django.template.base import Parser, Token
from django.utils.safestring import SafeString
from django.utils.timezone import get_current_timezone

from rooms.models import Message

MOST = 4096  # messages; some 8 MB
made: dict[tuple[Any, ...], SafeString] = {}
register = Library()


class Remembered(Node):
    """What is within is made of `message` alone, and kept for whoever is shown it next: everybody
    who opens a room is shown its newest messages."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        message: Message = context["message"]
        key = (self, str(get_current_timezone()), *message.shown)
        html = made.get(key)
        if html is None:
            if len(made) >= MOST:
                made.clear()
            html = made[key] = self.nodelist.render(context)
        return html


@register.tag
def remembered(parser: Parser, token: Token) -> Remembered:
    """{% remembered %} … {% endremembered %}, around what shows `message`."""
    nodelist = parser.parse(("endremembered",))
    parser.delete_first_token()
    return Remembered(nodelist)
