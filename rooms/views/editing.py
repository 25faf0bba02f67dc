"""Editing one's own message."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from rooms import editing, limits
from rooms.access import Access, Refused
from rooms.addresses import address_of
from rooms.forms import DraftForm, EditForm
from rooms.models import Message, Person
from rooms.sidebar import title_in
from rooms.views.acts import in_room, tried
from rooms.views.compose import asks_preview, rendered
from rooms.views.message import find_message


@require_http_methods(["GET", "HEAD", "POST"])
@in_room
def edit_message(request: HttpRequest, mine: Access, person: Person, seq: int) -> HttpResponse:
    """The text of one's message in a field; POST `body`: it says that from now on or, with `preview`, is
    shown as it would look. Asked for by htmx, for a dialog of the room, and else a page of its own."""
    message = find_message(mine, seq)
    if message.deleted_at is not None or not mine.may_edit(message):
        raise Refused(mine.why_not_post() or _("Only who wrote a message edits it, as long as it is there."))
    if request.method != "POST":
        return _show(request, mine, person, message, EditForm({"body": message.body}))
    if "preview" in request.POST:
        return _preview(request, mine, person, message)
    form = EditForm(request.POST)

    def rewrite() -> None:
        limits.take(limits.POSTS, person.pk, address_of(request))
        editing.edit(message, person, form.cleaned_data["body"])

    if status := tried(form, rewrite):
        return _show(request, mine, person, message, form, status)
    if request.headers.get("HX-Request"):
        return render(request, "edit.html#done", {"access": mine})
    return redirect(message)


def _preview(request: HttpRequest, mine: Access, person: Person, message: Message) -> HttpResponse:
    written = DraftForm(request.POST)
    is_shown = written.is_valid() and asks_preview(request.POST)
    preview = rendered(written.cleaned_data["body"], mine.room) if is_shown else ""
    if request.headers.get("HX-Request"):
        return render(request, "edit.html#preview", {"access": mine, "message": message, "preview": preview})
    form = EditForm(initial={"body": request.POST.get("body", "")})
    return _show(request, mine, person, message, form, preview=preview)


def _show(
    request: HttpRequest,
    mine: Access,
    person: Person,
    message: Message,
    form: EditForm,
    status: int = 200,
    preview: str = "",
) -> HttpResponse:
    context = {
        "access": mine,
        "message": message,
        "title": title_in(mine.room, person),
        "form": form,
        "preview": preview,
    }
    template = "edit.html#form" if request.headers.get("HX-Request") else "edit.html"
    # htmx shows what comes with a status of its own only in some places, and a page has none.
    return render(request, template, context, status=200 if "#" in template else status)


@require_safe
@in_room
def edit_last(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """The newest message of one's own, to be edited."""
    own = Message.objects.filter(room=mine.room, author=person, deleted_at=None).order_by("-seq").first()
    if own is None:
        raise Refused(_("You have said nothing here that could be edited."))
    return redirect("edit-message", mine.room.slug, own.seq)
