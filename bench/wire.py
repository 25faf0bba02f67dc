"""How a server is spoken to: what a tab sends, and what it is sent."""

from collections.abc import Callable
from dataclasses import dataclass


def nothing(payload: bytes) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Wire:
    """One tab's way of speaking. Texts are sent as frames."""

    path: str
    say: Callable[[str], list[str]]  # a message's text -> what a page sends for it
    headers: tuple[str, ...] = ()
    hello: Callable[[str], list[str]] = lambda cursor: []  # the last cursor -> what a new socket begins with
    ready: bytes = b""  # what the answer to that holds; a socket is ready at once where it is empty
    answer: Callable[[bytes], str | None] = nothing  # what was sent to this tab alone -> what it replies
    is_refusal: Callable[[bytes], bool] = lambda payload: False
    type: str = ""  # tells the others in the room that somebody is writing, if anything does
    blink: str = ""  # tells the server that the tab was hidden or shown, if anything does
