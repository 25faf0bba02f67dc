"""What a room's owners may change of it."""

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from rooms import limits, moderation
from rooms.access import Access, Refused
from rooms.addresses import address_of
from rooms.models import Person
from rooms.room_forms import DescriptionForm, KeepForm
from rooms.views.about import show
from rooms.views.acts import in_room, is_on, tried


@require_POST
@in_room
def describe(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `name`, `topic`, `description`."""
    form = DescriptionForm(request.POST, auto_id="describe-%s")

    def keep() -> None:
        if form.cleaned_data["name"] != mine.room.name:
            limits.take(limits.RENAMES, person.pk, address_of(request))
        try:
            moderation.configure(mine.room, person, **form.cleaned_data)
        except IntegrityError:
            raise Refused(_("There is another room of this name.")) from None

    if status := tried(form, keep):
        return show(request, mine, person, status, describe=form)
    messages.success(request, _("Saved."))
    return redirect("about", mine.room.slug)  # which leads on, if the room has another address now


@require_POST
@in_room
def archive(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `on`: the room is put away, or back again."""
    archived_at = (mine.room.archived_at or timezone.now()) if is_on(request) else None
    moderation.configure(mine.room, person, archived_at=archived_at)
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def keep(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `days`, `is_sure`: how long messages are kept; for ever, without days."""
    form = KeepForm(request.POST, auto_id="keep-%s")
    if status := tried(
        form, lambda: moderation.configure(mine.room, person, keep_days=form.cleaned_data["days"])
    ):
        return show(request, mine, person, status, keep=form)
    messages.success(request, _("Saved."))
    return redirect("about", mine.room.slug)
