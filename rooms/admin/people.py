from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from rooms import moderation
from rooms.admin.common import Long, administrator
from rooms.events import Notice
from rooms.forms import check_commas
from rooms.models import Act, Person
from rooms.names import clean_name, look_alike_keys
from rooms.publishing import notify_after_commit
from rooms.room_forms import BanForm
from rooms.sessions import end_sessions


class _Named(forms.ModelForm):
    """A person by a name that nobody else has, nor one like it."""

    def clean_username(self) -> str:
        name = clean_name(self.cleaned_data["username"], Person.NAME_LENGTH)
        if name != self.instance.username:
            check_commas(name)
            if Person.looking_like(name).exclude(pk=self.instance.pk).exists():
                raise ValidationError(_("Somebody is called that, or nearly."), code="taken")
        return name

    def save(self, commit: bool = True) -> Any:
        if "username" in self.changed_data:
            person = self.instance
            person.folded_key, person.written_key = look_alike_keys(self.cleaned_data["username"])
        return super().save(commit)


class PersonForm(_Named, UserChangeForm):
    pass


class NewPersonForm(_Named, AdminUserCreationForm):
    class Meta:
        model = Person
        fields = ("username", "email")


class PasswordForm(AdminPasswordChangeForm):
    def save(self, commit: bool = True) -> Any:
        person = super().save(commit)
        end_sessions(person)  # one's own goes on: Django gives it another key
        return person


class IsBanned(admin.SimpleListFilter):
    title = _("banned")
    parameter_name = "banned"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        banned = Q(banned_until__gt=timezone.now())
        chosen = {"yes": banned, "no": Q(banned_until=None) | ~banned}
        return queryset.filter(chosen[self.value()]) if self.value() in chosen else queryset  # type: ignore[index]


admin.site.unregister(Group)  # which Django's own list of people brings along


@admin.register(Person)
class PersonAdmin(Long, UserAdmin):
    form = PersonForm
    add_form = NewPersonForm
    change_password_form = PasswordForm
    list_display = ("username", "email", "is_guest", "is_active", "is_staff", "banned_until", "last_login")
    list_filter = ("is_guest", "is_active", "is_staff", IsBanned)
    search_fields = ("username", "email")
    ordering = ("-pk",)
    fieldsets = (
        (None, {"fields": ("username", "password", "email", "bio", "is_guest", "banned_until")}),
        (_("May"), {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        (_("When"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "email", "usable_password", "password1", "password2")}),)
    filter_horizontal = ("user_permissions",)
    readonly_fields = ("is_guest", "banned_until", "last_login", "date_joined")
    actions = ("ban", "lift_ban")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody comes by an administrator's rights by way of their password, or their address."""
        is_above = obj is None or not obj.is_superuser or request.user.is_superuser
        return is_above and super().has_change_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        own = ("is_staff", "is_superuser", "user_permissions")
        return self.readonly_fields if request.user.is_superuser else (*self.readonly_fields, *own)

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "username" in form.changed_data:
            notify_after_commit(Notice(obj.pk, "renamed", name=obj.username))
        if change and "is_active" in form.changed_data:
            what = Act.What.ENABLED if obj.is_active else Act.What.DISABLED
            moderation.record(what, administrator(request), person=obj)
            if not obj.is_active:
                moderation.sign_out(obj, str(_("Your account was closed.")))

    @admin.action(description=_("Ban from the site …"), permissions=["order"])
    def ban(self, request: HttpRequest, people: QuerySet[Person]) -> HttpResponse | None:
        form = BanForm(request.POST if "reason" in request.POST else None)
        if form.is_bound and form.is_valid():
            reason, until = form.cleaned_data["reason"], form.until()

            def act(person: Person, by: Person) -> None:
                moderation.ban_from_site(person, by, reason, until)

            self.each(request, people, act, _("Banned"))
            return None
        status = 422 if form.is_bound else 200
        return render(request, "ban-from-site.html", {"form": form, "people": people}, status=status)

    @admin.action(description=_("Lift the ban from the site"), permissions=["order"])
    def lift_ban(self, request: HttpRequest, people: QuerySet[Person]) -> None:
        self.each(request, people, moderation.unban_from_site, _("Lifted"))
