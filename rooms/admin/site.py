from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from rooms.models import Invitation, SiteSettings


@admin.register(SiteSettings)
class SiteSettingsAdmin(admin.ModelAdmin):
    """The one row."""

    list_display = ["__str__", "guests_allowed", "sign_up"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SiteSettings]:
        SiteSettings.objects.get_or_create(pk=1)  # there to be changed, not to be added
        return super().get_queryset(request).filter(pk=1)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SiteSettings | None = None) -> bool:
        return False


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """Links to sign up by. Those into rooms are made there, by who may ask somebody in, and are not
    shown: whoever saw one could enter."""

    list_display = ["at", "by", "expires_at", "uses", "most_uses", "link"]
    fields = ["expires_at", "most_uses"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invitation]:
        return super().get_queryset(request).filter(room=None)

    @admin.display(description=_("link"))
    def link(self, invitation: Invitation) -> str:
        return invitation.get_absolute_url()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.by = request.user
        obj.save()
