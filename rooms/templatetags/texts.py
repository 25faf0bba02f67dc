from django.conf import settings
from django.template import Context, Library, Node
from django.template.base import Parser, Token
from django.templatetags.i18n import TranslateNode, do_translate

register = Library()


class Constant(Node):
    """What a `translate` makes of the same text each time, made once: there are some in every message."""

    def __init__(self, node: TranslateNode) -> None:
        self.node = node
        self.made: dict[str, str] = {}

    def render(self, context: Context) -> str:
        language = settings.LANGUAGE_CODE
        if language not in self.made:
            self.made[language] = self.node.render(context)
        return self.made[language]


@register.tag
def translate(parser: Parser, token: Token) -> Node:
    """Django's tag, in which text that stands alone, with neither filter nor context, costs nothing."""
    node: TranslateNode = do_translate(parser, token)
    is_constant = len(token.split_contents()) == 2 and token.contents[-1] in "\"'"
    return Constant(node) if is_constant else node
