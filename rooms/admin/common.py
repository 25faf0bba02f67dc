"""What the admin's lists have in common."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from rooms.access import Refused
from rooms.models import Kind, Person, Room

MOST_COUNTED = 10_000


class ShortPaginator(Paginator):
    """Counts no further than anybody turns pages: a count of all messages would take seconds."""

    @cached_property
    def count(self) -> int:
        return self.object_list[:MOST_COUNTED].count()  # type: ignore[attr-defined]


def administrator(request: HttpRequest) -> Person:
    """Who is asking: nobody else comes this far."""
    assert isinstance(request.user, Person)  # noqa: S101
    return request.user


def name_of(room: Room) -> str:
    """What a room is called here: the names of private ones are for their people."""
    if room.kind == Kind.OPEN:
        return room.name
    return _("%(kind)s room %(number)s") % {"kind": room.get_kind_display(), "number": room.pk}


class Long(admin.ModelAdmin):
    """A list that may be long. Nothing is deleted from it: whatever goes, goes by an action."""

    list_per_page = 50
    list_max_show_all = 200
    show_full_result_count = False
    paginator = ShortPaginator

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_order_permission(self, request: HttpRequest) -> bool:
        """Whether they may take the actions by which order is kept."""
        return request.user.is_superuser

    def each(
        self, request: HttpRequest, rows: QuerySet, act: Callable[[Any, Person], None], done: str | Promise
    ) -> None:
        """Have the person who asks do `act` to each of `rows`; tell to how many it was done, and why
        not to others."""
        count = 0
        for row in rows:
            try:
                act(row, administrator(request))
                count += 1
            except Refused as refusal:
                whose = getattr(row, "person", row)
                self.message_user(
                    request,
                    _("%(whose)s: %(refusal)s") % {"whose": whose, "refusal": refusal},
                    messages.ERROR,
                )
        if count:
            self.message_user(
                request, _("%(done)s: %(count)s.") % {"done": done, "count": count}, messages.SUCCESS
            )


class ReadOnly(Long):
    """A list to look things up in."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class InRooms(ReadOnly):
    """Records that may be of a private room."""

    @admin.display(description=_("room"), ordering="room")
    def which_room(self, row: Any) -> str:
        return name_of(row.room) if row.room else ""
