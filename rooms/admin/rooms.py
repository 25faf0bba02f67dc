from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rooms import moderation
from rooms.access import Refused
from rooms.admin.common import InRooms, Long, ReadOnly, administrator, name_of
from rooms.models import Kind, Membership, Message, Person, Role, Room
from rooms.names import clean_name, same_name_key


class RoomForm(forms.ModelForm):
    """An open room, as `moderation.configure` takes it."""

    is_archived = forms.BooleanField(label=_("Archived"), required=False)

    class Meta:
        model = Room
        fields = ("name", "topic", "description", "is_closed", "slow_seconds")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["is_archived"] = self.instance.archived_at is not None

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"], Room.NAME_LENGTH)
        others = Room.objects.filter(name_key=same_name_key(name), kind=Kind.OPEN)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("There is another room of this name."), code="taken")
        return name


@admin.register(Room)
class RoomAdmin(Long):
    """Open rooms can be changed. Of the others there is only that they are there: what is in them is
    for their people."""

    form = RoomForm
    list_display = ("shown_name", "kind", "people", "last_at", "archived_at", "is_closed")
    list_filter = ("kind", "is_closed")
    search_fields = ("name", "=slug")
    ordering = ("-pk",)
    about = ("kind", "slug", "people", "created_at", "last_at", "archived_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Room]:
        return super().get_queryset(request).with_people()  # type: ignore[attr-defined]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if search_term:  # a private room that was found would have its name guessed
            queryset = queryset.filter(kind=Kind.OPEN)
        return super().get_search_results(request, queryset, search_term)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Room | None:
        room: Room | None = super().get_object(request, object_id, from_field)
        if room is not None and room.kind != Kind.OPEN:
            room.name, room.slug = name_of(room), ""  # for the whole page; nothing saves it
        return room

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self.has_change_permission(request, obj):
            return ("name", *self.about)
        return ("name", "topic", "description", "is_archived", "is_closed", "slow_seconds", *self.about)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.about

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # rooms are made by who will own them

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser and (obj is None or obj.kind == Kind.OPEN)

    def save_model(self, request: HttpRequest, obj: Room, form: Any, change: bool) -> None:
        values = dict(form.cleaned_data)
        is_archived = values.pop("is_archived")
        values["archived_at"] = (obj.archived_at or timezone.now()) if is_archived else None
        try:
            moderation.configure(obj, administrator(request), **values)
        except (Refused, IntegrityError) as refusal:
            why = str(refusal) if isinstance(refusal, Refused) else _("There is another room of this name.")
            self.message_user(request, _("Nothing was changed. %(why)s") % {"why": why}, messages.ERROR)

    @admin.display(description=_("name"))
    def shown_name(self, room: Room) -> str:
        return name_of(room)

    @admin.display(ordering="people")
    def people(self, room: Any) -> int:
        return room.people


@admin.register(Membership)
class MembershipAdmin(InRooms):
    """Who is in which room. Nobody is brought into one from here."""

    list_display = fields = ("person", "which_room", "role", "joined_at")
    list_select_related = ("person", "room")
    list_filter = ("role", "room__kind")
    search_fields = ("=person__username", "=room__slug")
    ordering = ("-pk",)
    actions = ("remove", "make_owner", "make_member")

    @admin.action(description=_("Remove from the room"), permissions=["order"])
    def remove(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        def act(member: Membership, by: Person) -> None:
            moderation.remove(member.room, member.person, by)

        self.each(request, members, act, _("Removed"))

    @admin.action(description=_("Make an owner"), permissions=["order"])
    def make_owner(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._give(Role.OWNER, request, members)

    @admin.action(description=_("Make a plain member"), permissions=["order"])
    def make_member(self, request: HttpRequest, members: QuerySet[Membership]) -> None:
        self._give(Role.MEMBER, request, members)

    def _give(self, role: str, request: HttpRequest, members: QuerySet[Membership]) -> None:
        def act(member: Membership, by: Person) -> None:
            moderation.set_role(member.room, member.person, role, by)

        self.each(request, members, act, _("Changed"))


@admin.register(Message)
class MessageAdmin(ReadOnly):
    """What was said in open rooms; what is said elsewhere is for those who are there."""

    list_display = ("at", "room", "author", "beginning", "deleted_at")
    list_select_related = ("room", "author")
    search_fields = ("=author__username", "=room__slug")
    ordering = ("-pk",)
    fields = ("room", "seq", "author", "at", "body", "deleted_at")
    actions = ("take_back",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).filter(room__kind=Kind.OPEN)

    @admin.display(description=_("message"))
    def beginning(self, message: Message) -> str:
        return message.body[:80]

    @admin.action(description=_("Delete (its place is kept)"), permissions=["order"])
    def take_back(self, request: HttpRequest, said: QuerySet[Message]) -> None:
        self.each(request, said, moderation.delete_message, _("Deleted"))
