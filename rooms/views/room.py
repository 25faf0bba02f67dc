import logging
from collections.abc import Sequence

from asgiref.sync import async_to_sync
from csp.constants import SELF
from csp.decorators import csp_replace, csp_update
from django.contrib.auth import login
from django.db import IntegrityError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods

from rooms import access, changes, drafts, history, joining, limits, metrics, publishing, threads
from rooms.access import Access, Refused
from rooms.addresses import address_of
from rooms.events import Notice
from rooms.forms import MessageForm, NameForm, new_key
from rooms.history import Page
from rooms.limits import TooMany
from rooms.models import Message, Person, Room, SiteSettings
from rooms.sidebar import sidebar, title_in
from rooms.unread import mark_read
from rooms.views.acts import moved, number, thread_in
from rooms.views.attach import send
from rooms.views.people import new_guest, person_of
from rooms.views.small import style_version

log = logging.getLogger(__name__)

SPARES = 20  # messages that can wait to be sent at once


@never_cache
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # it takes views with arguments too
@require_http_methods(["GET", "HEAD", "POST"])
def room(request: HttpRequest, slug: str) -> HttpResponse:
    """The live room; a stranger is asked for a name first."""
    person = person_of(request)
    mine = access.find(slug, person)
    # Who is banned is not told where the room is now: its address holds its name.
    if mine.room.slug != slug and not mine.is_banned:
        return moved(request, mine)
    if person is None:
        return _ask_name(request, mine.room)
    # The clock in `mine.room` was read before the messages: the page shows at least that much.
    seq = number(request, "before")
    said = history.said_in(0)
    page = None if seq is None else history.before(mine.room, seq, said)
    return show(request, mine, person, page if page and page.messages else history.newest(mine.room, said))


def _ask_name(request: HttpRequest, room: Room) -> HttpResponse:
    if not SiteSettings.current().guests_allowed:
        return render(request, "name.html", {"room": room}, status=403 if request.method == "POST" else 200)
    form = NameForm(request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        try:
            login(request, new_guest(request, form.cleaned_data["username"]))
            return redirect(room)
        except TooMany as too_many:
            form.add_error(None, str(too_many))
            status = too_many.status
        except IntegrityError:
            form = NameForm(request.POST)
            form.is_valid()
    return render(request, "name.html", {"form": form, "room": room}, status=status)


def show(
    request: HttpRequest,
    mine: Access,
    person: Person,
    page: Page,
    key: str = "",
    writing: dict[str, object] | None = None,
    problems: list[str] | None = None,
    status: int = 200,
    about: threads.Shown | None = None,
) -> HttpResponse:
    """The room, open at `page` of it, or the thread that the page is `about`. It is live if that is the
    newest. `writing` is what is being written there, under `key`: their draft, unless given."""
    if mine.is_banned:
        return render(request, "banned.html", {"access": mine}, status=403)
    room, thread = mine.room, about.seq if about else 0
    if not page.has_newer:
        joining.enter(mine)
    rooms = sidebar(person)
    if not page.has_newer and mine.is_member and not thread:
        _mark_read(mine, person)
    context = {
        "access": mine,
        "room": room,
        "title": title_in(room, person),
        "sidebar": rooms if thread else rooms.looking_at(room.pk),
        "page": page,
        "first_new": None if page.has_newer or thread else _first_new(mine, page.messages),
        "is_any_thread_new": threads.is_any_new(person.pk),
        "style_version": style_version(person),
        "problems": problems,
        "thread": thread,
        "about": about,
    }
    if not page.has_newer:
        context |= composer(request, mine, key, writing, thread)
    return render(request, "room.html", context, status=status)


def show_newest(
    request: HttpRequest,
    mine: Access,
    person: Person,
    thread: int,
    key: str,
    writing: dict[str, object],
    problems: list[str] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The live page of the room, or of a thread in it, with what is being written, as `show` takes it."""
    page = history.newest(mine.room, history.said_in(thread))
    about = threads.shown(mine.room, thread, person) if thread else None
    return show(request, mine, person, page, key, writing, problems, status, about)


def composer(
    request: HttpRequest,
    mine: Access,
    key: str = "",
    writing: dict[str, object] | None = None,
    thread: int = 0,
) -> dict[str, object]:
    """What the part of the page needs in which one writes; `key` names what is written first."""
    keys = [key or new_key(), *(new_key() for _ in range(SPARES))]
    draft = None
    if writing is None and mine.person_id:
        draft = drafts.find(mine.room.pk, mine.person_id, thread)
    begun = {"body": draft.body, "draft": draft.key} if draft else {"focus": True}
    about = {"keys": keys, "why_not_post": mine.why_not_post(), "tall": request.session.get("tall")}
    return about | (begun if writing is None else writing)


def _first_new(mine: Access, messages: Sequence[Message]) -> int | None:
    """The seq of the first of these messages that the person has not read, if others wrote any."""
    unread = [message for message in messages if message.seq > mine.read_seq] if mine.is_member else []
    is_by_others = any(message.author_id != mine.person_id for message in unread)
    return unread[0].seq if is_by_others else None


def _mark_read(mine: Access, person: Person) -> None:
    """Opening a room reads it: all of the person's tabs show so."""
    if mine.read_seq < mine.room.last_seq or mine.mentions:
        mark_read(mine.room.pk, [person.pk], mine.room.latest_seq)
        async_to_sync(publishing.notify)(Notice(person.pk, "read", mine.room.pk))


@never_cache
@xframe_options_sameorigin
@csp_replace({"frame-ancestors": [SELF]})
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]
@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest, slug: str) -> HttpResponse:
    """GET `?before=SEQ`: the messages before that one, as a fragment. GET `?after=SEQ`: those after
    it, as a small page that refreshes itself, for a frame where there is no JavaScript.
    POST `body`: say it, without a socket. With `thread=SEQ` in its address, all that is in the thread
    under that message."""
    person = person_of(request)
    mine = access.find(slug, person)
    room = mine.room
    if person is None:
        return redirect(room)
    if request.method == "POST":
        return _post(request, mine, person)
    if mine.is_banned:
        return render(request, "banned.html", {"access": mine}, status=403)
    if room.slug != slug:
        return moved(request, mine)
    before, after, thread = number(request, "before"), number(request, "after"), thread_in(request)
    said = history.said_in(thread)
    page = history.newest(room, said) if before is None else history.before(room, before, said)
    if after is None:
        return render(request, "room.html#older", {"room": room, "page": page, "thread": thread})
    newer = [message for message in page.messages if message.seq > after]
    return render(
        request, "newer.html", {"room": room, "messages": newer, "now": timezone.now(), "thread": thread}
    )


def _post(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    if request.FILES or "attach" in request.POST:
        return send(request, mine, person)
    room = mine.room
    form, status, thread = MessageForm(request.POST), 422, thread_in(request)
    problems = [] if form.is_valid() else form.problems()
    if not problems and (too_many := limits.count(limits.POSTS, person.pk, address_of(request))):
        problems, status = [too_many], 429
    if problems:
        metrics.refused(status)
    else:
        try:
            joining.enter(mine)  # as with a page of it, or a socket
            body, reply = form.cleaned_data["body"], form.cleaned_data["reply"]
            message = changes.post(room, person, body, key=form.key() or None, reply=reply, thread=thread)
            drafts.forget(room.pk, person.pk, form.key(), form.began_as())
            return redirect(message.thread_url if message.thread_seq else room)
        except Refused as refusal:
            problems, status = [str(refusal)], refusal.status
            metrics.refused(status)
        except OperationalError:
            log.warning("room %s: a message could not be kept", room.pk, exc_info=True)
            problems = [_("It could not be kept just now. Please send it again.")]
    writing: dict[str, object] = {
        "body": request.POST.get("body", ""),
        "draft": form.began_as(),
        "focus": True,
    }
    return show_newest(request, mine, person, thread, form.key(), writing, problems, status)
