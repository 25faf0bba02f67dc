"""A change -> HTML, rendered once and the same for every viewer."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.dispatch import receiver
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.autoreload import file_changed
from django.utils.translation import ngettext

from rooms import moulds
from rooms.history import Page
from rooms.models import Message, Room
from rooms.texts import text as _

TOKENS = 12  # of the people in a room, at its head


def change(message: Message, zone: str, *, is_new: bool) -> str:
    """The fragment that shows the last change of `message`, with times in the time zone `zone`.

    A new message is put in its place. One that was there before is replaced where a tab shows
    it, and nowhere else: a tab that begins after it would show it above a gap.
    """
    if is_new and (looks := moulds.plain(message, ZoneInfo(zone))) is not None:
        is_grouped, texts = looks
        return _changed(settings.LANGUAGE_CODE, is_grouped) % texts
    with timezone.override(zone):
        return _render("changed" if is_new else "replaced", {"message": message})


@lru_cache
def _changed(language: str, is_grouped: bool) -> str:
    html = _render("changed", {"message": moulds.StandIn(is_grouped)})
    return moulds.mould(html, moulds.PLAIN)


def gone(seqs: Iterable[int]) -> str:
    """The fragment that takes these messages away where a tab shows them; nothing, if there are none."""
    targets = ",".join(f"#message-{seq}" for seq in seqs)
    return f'<hx-partial hx-target="{targets}" hx-swap="delete"></hx-partial>' if targets else ""


def head(room: Room) -> str:
    """The fragment that shows what a room is called and says of itself, in its tabs and elsewhere."""
    return _render("new-head", {"room": room})


def cursor(version: int) -> str:
    """The fragment that moves a tab's cursor to `version`."""
    return f'<input type="hidden" id="cursor" name="cursor" value="{version}" hx-swap-oob="true">'


def news(room_id: int, state: Any, *, is_live: bool = True) -> str:
    """Whether something is new in a room, and how often the viewer was named or written to there;
    `state` has `is_new` and `mentions`."""
    kind = "mentions" if state.mentions else "some" if state.is_new else "none"
    if state.mentions:
        html = ngettext(
            '%(count)s<span class="unseen"> mentions</span>',
            '%(count)s<span class="unseen"> mentions</span>',
            state.mentions,
        ) % {"count": state.mentions}
    else:
        html = _unseen_news() if state.is_new else ""
    swap = ' hx-swap-oob="true"' if is_live else ""
    return f'<b id="news-{room_id}" class="news {kind}"{swap}>{html}</b>'


def threads(is_new: bool, *, is_live: bool = True) -> str:
    """Whether something is new in the threads that the viewer follows."""
    html = _unseen_news() if is_new else ""
    swap = ' hx-swap-oob="true"' if is_live else ""
    return f'<b id="news-threads" class="news {"some" if is_new else "none"}"{swap}>{html}</b>'


def _unseen_news() -> str:
    told = escape(_("new"))
    return f'<span class="unseen">{told}</span>'


def title(name: str, mentions: int) -> str:
    """The title of a page that shows what is called so."""
    return f"<title>{f'({mentions}) ' if mentions else ''}{escape(name)} – Parlor</title>"


def chime() -> str:
    """What has a tab sound, once."""
    return _render("chime", {})


def dot(person_id: int, state: int, *, is_live: bool = True) -> str:
    """Beside a person's name: whether they are here (2), away (1) or neither (0)."""
    kind, name = (("gone", _("not here")), ("away", _("away")), ("here", _("here")))[state]
    label = escape(name)
    swap = f""" hx-swap-oob="outerHTML:[data-presence='{person_id}']\"""" if is_live else ""
    says = f'role="img" aria-label="{label}" title="{label}"'
    return f'<i class="presence {kind}" data-presence="{person_id}" {says}{swap}></i>'


def present(people: Sequence[tuple[int, str, int]], count: int) -> str:
    """Who is in a room now: the id and name of the first few, and whether they are here (2) or away
    (1); `count` is how many there are."""
    about = {"tokens": f":{TOKENS}", "more": count - TOKENS, "unnamed": count - len(people)}
    return _render("new-present", {"people": people, "count": count} | about)


def typing(people: Sequence[tuple[int, str]]) -> str:
    """Who is writing in a room, by id and name."""
    return _render("new-typing", {"typists": people})


def rooms(sidebar: Any, room: Room | None) -> str:
    """The list of a person's rooms, `room` the one they look at."""
    return _render("new-rooms", {"sidebar": sidebar, "room": room})


def eye() -> str:
    """What tells the server, once, that the tab is before somebody: nothing is drawn in one that is
    hidden. Sent whenever that is in question."""
    return '<i id="eye" hx-ws:send hx-vals="action:seen" hx-trigger="intersect once" hx-swap-oob="true"></i>'


def farewell(why: str) -> str:
    """In place of a room that its viewer may see no more: why."""
    return _render("farewell", {"why": why})


def start_over(room: Room, page: Page, zone: str, thread: int = 0, above: Message | None = None) -> str:
    """The whole list anew: `page`, the newest, and what loads the messages before it; of a thread, the
    message `above` it too."""
    with timezone.override(zone):
        return _render("start-over", {"room": room, "page": page, "thread": thread, "above": above})


def accepted(room: Room, key: str, spare: str, lead: str = "", thread: int = 0) -> str:
    """For the sender alone: the message sent under `key` is kept, and its form may go. Brings the
    form `spare`, and puts `lead` before what is being written in the form after it."""
    if lead:
        return _accepted(room, key, spare, lead, thread)
    return _accepted_mould(room.slug, thread) % {"key": escape(key), "spare": escape(spare)}


def _accepted(room: Room, key: str, spare: str, lead: str, thread: int) -> str:
    return _render("accepted", {"room": room, "key": key, "spare": spare, "lead": lead, "thread": thread})


@lru_cache(maxsize=1024)
def _accepted_mould(slug: str, thread: int) -> str:
    keys = {name: moulds.stand_in(name) for name in ("key", "spare")}
    return moulds.mould(_accepted(Room(slug=slug), **keys, lead="", thread=thread), keys)


def refused(room: Room, key: str, problems: Iterable[str]) -> str:
    """For the sender alone: why the message sent under `key` was not taken."""
    return _render("refused", {"room": room, "key": key, "problems": problems})


def offers(room: Room, key: str, found: Iterable[Any]) -> str:
    """For the sender alone: what the last word of what is being written under `key` may become."""
    return _render("offers", {"room": room, "key": key, "offers": found})


def notice(text: str) -> str:
    """For one tab alone: something was wrong with what it sent."""
    return _render("notice", {"notice": text})


@receiver(file_changed)
def _forget(**kwargs: Any) -> None:
    """Somebody works on the templates, which are loaded anew."""
    _changed.cache_clear()
    _accepted_mould.cache_clear()


def _render(partial: str, context: dict) -> str:
    return render_to_string(f"room.html#{partial}", context)
