"""What may be done with one message."""

from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rooms import limits, moderation
from rooms.access import Access
from rooms.addresses import address_of
from rooms.models import Kind, Message, Person, Pin, Saved
from rooms.models.message import in_room as in_room_of
from rooms.room_forms import ReasonForm, ReportForm
from rooms.sidebar import title_in
from rooms.views.acts import in_room, tried


@require_safe
@in_room
def about_message(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """One message, with what this viewer may do with it."""
    return _show(request, mine, person, find_message(mine, seq))


def find_message(mine: Access, seq: int) -> Message:
    message = Message.objects.filter(room=mine.room, seq=seq).select_related("author").first()
    if message is None:
        raise Http404
    return in_room_of(mine.room, [message])[0]


def acts_of(mine: Access, person: Person, message: Message) -> dict[str, bool]:
    """What `person` may do with `message`, and has done, for its page and its menu."""
    is_there = message.deleted_at is None
    return {
        "may_edit": is_there and mine.may_edit(message),
        "may_react": not mine.why_not_react(message),
        "may_pin": is_there and mine.may_pin,
        "is_pinned": Pin.objects.filter(message=message).exists(),
        "is_saved": Saved.objects.filter(message=message, person=person).exists(),
    }


def _show(
    request: HttpRequest, mine: Access, person: Person, message: Message, status: int = 200, **forms: Form
) -> HttpResponse:
    is_own = message.author_id == person.pk
    is_there = message.deleted_at is None
    context = {
        "access": mine,
        "message": message,
        "title": title_in(mine.room, person),
        "is_own": is_own,
        **acts_of(mine, person, message),
        "earlier": message.revisions.order_by("-pk") if mine.may_read_earlier(message) else [],
        "may_delete": is_there and mine.may_delete(message),
        "may_report": is_there and not is_own and mine.room.kind != Kind.DIRECT,
        "delete": ReasonForm(auto_id="delete-%s"),
        "report": ReportForm(auto_id="report-%s"),
    }
    return render(request, "message.html", context | forms, status=status)


@require_POST
@in_room
def delete_message(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """POST `reason`, where it is another's: what it says is gone."""
    message = find_message(mine, seq)
    form = ReasonForm(request.POST, auto_id="delete-%s")
    if status := tried(form, lambda: moderation.delete_message(message, person, form.cleaned_data["reason"])):
        return _show(request, mine, person, message, status, delete=form)
    return redirect("message", mine.room.slug, seq)


@require_POST
@in_room
def report_message(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """POST `reason`: the room's moderators are to look at it."""
    message = find_message(mine, seq)
    form = ReportForm(request.POST, auto_id="report-%s")
    whose = person.pk, address_of(request)

    def bring() -> None:
        limits.take(limits.REPORTS, *whose)
        moderation.report(message, person, form.cleaned_data["reason"])

    if status := tried(form, bring):
        return _show(request, mine, person, message, status, report=form)
    messages.success(request, _("Reported. A moderator will look at it."))
    return redirect("about-message", mine.room.slug, seq)
