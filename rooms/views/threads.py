"""Threads: side conversations, each under one message."""

from asgiref.sync import async_to_sync
from csp.constants import SELF
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rooms import history, publishing, threads
from rooms.access import Access, Refused
from rooms.events import Notice
from rooms.models import Message, Person, Thread
from rooms.sidebar import title_in
from rooms.views.acts import in_room, is_on, number, signed_in
from rooms.views.past import in_thread
from rooms.views.room import show


@csp_update({"frame-src": [SELF]})
@require_safe
@in_room
def thread(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The thread under the message at `seq`, live; one with nothing in it yet, to begin it. `?at=SEQ`: what
    was said around one of its messages; `?before=SEQ`: before that one."""
    if Message.objects.filter(room=mine.room, seq=seq).exclude(thread_seq=None).exists():
        return redirect(in_thread(mine, seq))
    about = threads.shown(mine.room, seq, person)
    if about.above is None:
        get_object_or_404(Thread, room=mine.room, seq=seq)
    said, at, before = history.said_in(seq), number(request, "at"), number(request, "before")
    page = history.newest(mine.room, said)
    if at is not None:
        page = history.around(mine.room, at, said)
        for message in page.messages:
            message.is_here = message.seq == at
    elif before is not None:
        page = history.before(mine.room, before, said)
        page = page if page.messages else history.newest(mine.room, said)
    if not page.has_newer and threads.mark_read(person.pk, mine.room.pk, seq):
        async_to_sync(publishing.notify)(Notice(person.pk, "threads"))
    return show(request, mine, person, page, about=about)


@require_POST
@in_room
def follow(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """POST `on`, 1 or 0: be told of what is said in the thread, or no longer."""
    found = get_object_or_404(Thread, room=mine.room, seq=seq)
    if not mine.is_member:
        raise Refused(_("You are not in this room."))
    threads.follow(found, person, is_on=is_on(request), read_seq=found.last_seq)
    async_to_sync(publishing.notify)(Notice(person.pk, "threads"))
    return redirect("thread", mine.room.slug, seq)


@require_safe
@signed_in
def followed(request: HttpRequest, person: Person) -> HttpResponse:
    """The threads that one follows."""
    found = threads.followed(person)
    rooms = {following.thread.room_id: following.thread.room for following, _above in found}
    titles = {pk: title_in(room, person) for pk, room in rooms.items()}
    shown = [(following, above, titles[following.thread.room_id]) for following, above in found]
    return render(request, "threads.html", {"followed": shown})
