"""What a room holds and what its pages show, side by side."""

import json
import re
from typing import Any

from playwright.sync_api import Page, expect

from e2e.commands import Commands
from tests.html import elements
from tests.process import Server

commands = Commands()


def manage(server: Server, *command: str, text: str | None = None) -> str:
    """Run `manage.py command` on the server's data, with `text` as its input. Returns what it prints."""
    done = commands.run(server.env, *command, text=text or "")
    assert done.code == 0, done.errors
    return done.written


def stored(server: Server, slug: str) -> list[dict[str, Any]]:
    """The room's messages in the database, in order: seq, version, author, body."""
    code = (
        "import json; from rooms.models import Message;"
        f"print(json.dumps(list(Message.objects.filter(room__slug={slug!r}).order_by('seq')"
        ".values('seq', 'version', 'author__username', 'body', 'html'))))"
    )
    return json.loads(manage(server, "shell", "-v", "0", "-c", code))


def shown(page: Page) -> list[tuple[int, str, str]]:
    """What the page shows from top to bottom: seq, author, text, without what folds it."""
    rows = page.locator("#messages > .message").evaluate_all(
        """items => items.map(item => {
            const text = item.querySelector('.text').cloneNode(true);
            text.querySelectorAll('details').forEach(fold => fold.remove());
            text.querySelectorAll('br').forEach(end => end.replaceWith('\\n'));
            text.querySelectorAll('p + p').forEach(part => part.prepend('\\n\\n'));
            return [Number(item.dataset.seq), item.querySelector('.author').textContent, text.textContent];
        })"""
    )
    return [tuple(row) for row in rows]


def expect_shows_all(page: Page, server: Server, slug: str) -> None:
    """The page comes to show exactly the newest that the database holds, in order, nothing twice."""
    rows = [(row["seq"], row["author__username"], bare(text_in(row["html"]))) for row in stored(server, slug)]
    if rows:
        expect(page.locator(f"#message-{rows[-1][0]}")).to_have_count(1, timeout=30_000)
    on_page = [(seq, author, bare(text)) for seq, author, text in shown(page)]
    assert on_page == rows[-len(on_page) :]
    assert len(on_page) == len(rows) or len(on_page) >= 50


def text_in(html: str) -> str:
    """What `html` shows, without what folds it."""
    without_folds = re.sub(r"<details>.*?</details>", "", html)
    return elements(f"<div>{without_folds}</div>")[0].text


def bare(text: str) -> str:
    """Without blanks, which a page shows as its style sheet has it."""
    return "".join(text.split())


def say(page: Page, text: str) -> None:
    """Type `text` into the field that has the focus, send it, and wait for the next, empty field."""
    expect(page.locator("[name=body]:focus")).to_be_visible()
    page.keyboard.type(text)
    send(page)


def send(page: Page) -> None:
    """Send what is in the field that has the focus, and wait for the next, empty field."""
    page.keyboard.press("Enter")
    expect(page.locator("[name=body]:focus")).to_have_value("")
