"""What the parser found -> HTML, without a line break between its blocks: within, those are kept."""

from collections.abc import Iterable

from markdown_it.token import Token

from rooms.markup import code
from rooms.markup.folding import height
from rooms.markup.links import escape, link_start
from rooms.markup.words import Words

_TAGS = {
    "blockquote_open": "<blockquote>",
    "blockquote_close": "</blockquote>",
    "bullet_list_open": "<ul>",
    "bullet_list_close": "</ul>",
    "ordered_list_close": "</ol>",
    "list_item_open": "<li>",
    "list_item_close": "</li>",
    "paragraph_open": "<p>",
    "paragraph_close": "</p>",
    "strong_open": "<strong>",
    "strong_close": "</strong>",
    "em_open": "<em>",
    "em_close": "</em>",
    "s_open": "<s>",
    "s_close": "</s>",
    "spoiler_open": '<span class="spoiler" tabindex="0">',
    "spoiler_close": "</span>",
    "link_close": "</a>",
    "br": "<br>",
}


def tree_html(blocks: Iterable[Token], words: Words) -> tuple[str, int]:
    """The HTML of `blocks`, and how many lines it takes."""
    html: list[str] = []
    numbers: list[int] = []  # that come next, of the lists that are open
    lines = 0
    for token in blocks:
        if token.type == "inline":
            html.append(_inline_html(token.children or (), words))
            lines += height(token.content)
        elif token.type == "fence":
            block, tall = code.block_html(token.content, token.info)
            html.append(block)
            lines += tall
        elif token.type == "ordered_list_open":
            html.append("<ol>")
            numbers.append(1)
        elif token.type == "list_item_open" and token.info:
            number = int(token.info)
            html.append("<li>" if number == numbers[-1] else f'<li value="{number}">')
            numbers[-1] = number + 1
        elif not token.hidden:
            if token.type == "ordered_list_close":
                numbers.pop()
            html.append(_TAGS[token.type])
    return "".join(html).replace("<p></p>", ""), lines


def _inline_html(tokens: Iterable[Token], words: Words) -> str:
    html: list[str] = []
    in_link = False
    for token in tokens:
        kind = token.type
        if kind == "text":
            html.append(escape(token.content) if in_link else words.text_html(token.content))
        elif kind == "word":
            html.append(token.content)
        elif kind == "escaped":
            html.append(escape(token.content))
        elif kind == "code_inline":
            html.append(f"<code>{escape(token.content)}</code>")
        else:
            if kind == "link_open":
                href = str(token.attrs["href"])
                words.links.append(href)
                html.append(link_start(href))
            else:
                html.append(_TAGS[kind])
            in_link = kind == "link_open" or (in_link and kind != "link_close")
    return "".join(html)
