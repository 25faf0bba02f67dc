from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rooms import moderation
from rooms.admin.common import InRooms, ReadOnly
from rooms.models import Act, Ban, Kind, Person, Report


@admin.register(Ban)
class BanAdmin(InRooms):
    list_display = fields = ("person", "which_room", "why", "at", "until", "by")
    list_select_related = ("person", "room", "by")
    search_fields = ("=person__username", "=room__slug")
    ordering = ("-pk",)
    actions = ("lift",)

    @admin.display(description=_("reason"))
    def why(self, ban: Ban) -> str:
        """Of a private room it would tell."""
        return ban.reason if ban.room is None or ban.room.kind == Kind.OPEN else ""

    @admin.action(description=_("Lift"), permissions=["order"])
    def lift(self, request: HttpRequest, bans: QuerySet[Ban]) -> None:
        def act(ban: Ban, by: Person) -> None:
            if ban.room is None:
                moderation.unban_from_site(ban.person, by)
            else:
                moderation.unban(ban.room, ban.person, by)

        self.each(request, bans, act, _("Lifted"))


@admin.register(Report)
class ReportAdmin(ReadOnly):
    """What was reported in open rooms: a report quotes the message."""

    list_display = ("at", "room", "author", "reason", "by", "resolved_at", "resolved_by")
    list_select_related = ("message__room", "message__author", "by", "resolved_by")
    list_filter = (("resolved_at", admin.EmptyFieldListFilter),)
    search_fields = ("=message__author__username", "=message__room__slug")
    ordering = ("-pk",)
    fields = ("room", "author", "quote", "reason", "by", "at", "resolved_at", "resolved_by")
    actions = ("dismiss", "delete_message")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Report]:
        return super().get_queryset(request).filter(message__room__kind=Kind.OPEN)

    @admin.display
    def room(self, report: Report) -> str:
        return str(report.message.room)

    @admin.display
    def author(self, report: Report) -> str:
        return str(report.message.author)

    @admin.action(description=_("Dismiss"), permissions=["order"])
    def dismiss(self, request: HttpRequest, reports: QuerySet[Report]) -> None:
        self.each(request, reports, moderation.dismiss, _("Dismissed"))

    @admin.action(description=_("Delete the message"), permissions=["order"])
    def delete_message(self, request: HttpRequest, reports: QuerySet[Report]) -> None:
        def act(report: Report, by: Person) -> None:
            moderation.delete_message(report.message, by, report.reason)

        self.each(request, reports, act, _("Deleted"))


@admin.register(Act)
class ActAdmin(InRooms):
    """What was done to keep order: kept as it was."""

    list_display = fields = ("at", "by", "what", "person", "which_room", "seq", "details")
    list_select_related = ("by", "person", "room")
    list_filter = ("what",)
    search_fields = ("=by__username", "=person__username", "=room__slug")
    date_hierarchy = "at"
    ordering = ("-pk",)

    @admin.display(description=_("why"))
    def details(self, act: Act) -> str:
        """Of a private room they would tell: what it was called, or what was said there."""
        is_told = act.what != Act.What.RENAMED if act.room is None else act.room.kind == Kind.OPEN
        return act.why if is_told else ""
