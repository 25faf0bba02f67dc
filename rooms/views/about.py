"""What a room is, who is in it, and what one may do about it."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from rooms import joining, moderation
from rooms.access import Access
from rooms.joining import invitations_for
from rooms.members import page_of_members, staff
from rooms.models import Person
from rooms.presence import states_now
from rooms.room_forms import DescriptionForm, InviteForm, KeepForm, LevelForm, LinkForm, SlowForm
from rooms.sidebar import title_in
from rooms.views.acts import in_room, is_on, number, tried


@require_safe
@in_room
def about(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """The room's name, topic and people. `?q=` finds people by name; `?after=` goes on after one."""
    return show(request, mine, person)


def show(
    request: HttpRequest, mine: Access, person: Person, status: int = 200, **forms: Form
) -> HttpResponse:
    """The page, with those of `forms` that could not be taken."""
    room = mine.room
    text = request.GET.get("q", "").replace("\0", "").strip()[: Person.NAME_LENGTH]
    after = number(request, "after")
    members, next_after = page_of_members(mine, text, after)
    context = {
        "access": mine,
        "room": room,
        "title": title_in(room, person),
        "count": room.membership_set.count(),
        "staff": [] if text or after else staff(mine),
        "members": members,
        "next_after": next_after,
        "text": text,
        "is_further": after is not None,
        "states": states_now(),
    }
    if mine.is_member:
        context["level"] = LevelForm(initial={"level": mine.level})
    if mine.is_member and mine.has_feed:
        context["feed_token"] = joining.feed_token(mine)
    if mine.may_invite:
        context["links"] = invitations_for(mine)
        context["invite"] = InviteForm(auto_id="invite-%s")
        context["link"] = LinkForm(auto_id="link-%s")
    if mine.keeps_order:
        context["slow"] = SlowForm(initial={"seconds": room.slow_seconds}, auto_id="slow-%s")
        context["bans"] = moderation.bans_of(room).count()
    if mine.owns:
        values = {name: getattr(room, name) for name in DescriptionForm.base_fields}
        context["describe"] = DescriptionForm(initial=values, auto_id="describe-%s")
        context["keep"] = KeepForm(initial={"days": room.keep_days}, auto_id="keep-%s")
    return render(request, "about.html", context | forms, status=status)


@require_POST
@in_room
def star(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    joining.star(mine, is_on(request))
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def level(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    """POST `level`: of what in the room the person is told."""
    form = LevelForm(request.POST)
    if status := tried(form, lambda: joining.tell(mine, form.cleaned_data["level"])):
        return show(request, mine, person, status, level=form)
    return redirect("about", mine.room.slug)


@require_POST
@in_room
def leave(request: HttpRequest, mine: Access, person: Person) -> HttpResponse:
    joining.leave(mine.room, person)
    messages.success(request, _("You have left %(room)s.") % {"room": mine.room.name})
    return redirect("lobby")
