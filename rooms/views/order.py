"""Keeping order in a room: its people one by one, its bans, its pace."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rooms import members, moderation
from rooms.access import Access, Refused
from rooms.models import Membership, Person
from rooms.room_forms import BanForm, ReasonForm, RoleForm, SlowForm
from rooms.views.about import show
from rooms.views.acts import in_room, is_on, number, tried

PAGE = 100


@require_safe
@in_room
def member(request: HttpRequest, mine: Access, person: Person, pk: int) -> HttpResponse:
    """What may be done about somebody in the room."""
    return _show(request, mine, get_object_or_404(Person, pk=pk))


def _show(
    request: HttpRequest, mine: Access, other: Person, status: int = 200, **forms: Form
) -> HttpResponse:
    if not mine.keeps_order:
        raise Refused(moderation.NOT_YOURS)
    theirs = Membership.objects.filter(room=mine.room, person=other).select_related("person").first()
    may_remove = theirs is not None and members.may_remove(mine, theirs)
    ban = moderation.bans_of(mine.room).filter(person=other).first()
    may_lift = ban is None or moderation.may_lift(mine, ban)
    context = {
        "access": mine,
        "room": mine.room,
        "person": other,
        "theirs": theirs,
        "current_ban": ban,
        "may_lift": may_lift,
        "may_remove": may_remove,
        "may_give_role": theirs is not None and members.may_give_role(mine, theirs),
        "may_ban": may_lift and (may_remove or not (theirs or other.is_superuser)),
        "remove": ReasonForm(auto_id="remove-%s"),
        "ban": BanForm(auto_id="ban-%s"),
        "role": RoleForm(initial={"role": theirs and theirs.role}, auto_id="role-%s"),
    }
    return render(request, "member.html", context | forms, status=status)


@require_POST
@in_room
def remove(request: HttpRequest, mine: Access, person: Person, pk: int) -> HttpResponse:
    other = get_object_or_404(Person, pk=pk)
    form = ReasonForm(request.POST, auto_id="remove-%s")
    if status := tried(
        form, lambda: moderation.remove(mine.room, other, person, form.cleaned_data["reason"])
    ):
        return _show(request, mine, other, status, remove=form)
    messages.success(request, _("%(name)s is not in the room any more.") % {"name": other.username})
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def ban(request: HttpRequest, mine: Access, person: Person, pk: int) -> HttpResponse:
    other = get_object_or_404(Person, pk=pk)
    form = BanForm(request.POST, auto_id="ban-%s")
    if status := tried(
        form,
        lambda: moderation.ban(mine.room, other, person, form.cleaned_data["reason"], form.until()),
    ):
        return _show(request, mine, other, status, ban=form)
    messages.success(request, _("%(name)s is banned.") % {"name": other.username})
    return redirect("bans", mine.room.slug)


@require_POST
@in_room
def unban(request: HttpRequest, mine: Access, person: Person, pk: int) -> HttpResponse:
    other = get_object_or_404(Person, pk=pk)
    moderation.unban(mine.room, other, person)
    messages.success(request, _("%(name)s may come back.") % {"name": other.username})
    return redirect("bans", mine.room.slug)


@require_POST
@in_room
def give_role(request: HttpRequest, mine: Access, person: Person, pk: int) -> HttpResponse:
    other = get_object_or_404(Person, pk=pk)
    form = RoleForm(request.POST, auto_id="role-%s")
    if status := tried(
        form, lambda: moderation.set_role(mine.room, other, form.cleaned_data["role"], person)
    ):
        return _show(request, mine, other, status, role=form)
    return redirect("about", mine.room.slug)


@require_safe
@in_room
def bans(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """Who is banned from the room, the newest ban first. `?before=` goes on before one."""
    if not mine.keeps_order:
        raise Refused(moderation.NOT_YOURS)
    in_force = moderation.bans_of(mine.room).select_related("person", "by").order_by("-pk")
    if before := number(request, "before"):
        in_force = in_force.filter(pk__lt=before)
    found = list(in_force[: PAGE + 1])
    context = {
        "room": mine.room,
        "bans": [(ban, moderation.may_lift(mine, ban)) for ban in found[:PAGE]],
        "next_before": found[PAGE - 1].pk if len(found) > PAGE else None,
    }
    return render(request, "bans.html", context)


@require_POST
@in_room
def slow(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `seconds`: how long everybody waits between two messages."""
    form = SlowForm(request.POST, auto_id="slow-%s")
    if status := tried(
        form,
        lambda: moderation.configure(mine.room, person, slow_seconds=form.cleaned_data["seconds"]),
    ):
        return show(request, mine, person, status, slow=form)
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def close(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `on`: only moderators write here, or everybody."""
    moderation.configure(mine.room, person, is_closed=is_on(request))
    return redirect("about", mine.room.slug)
