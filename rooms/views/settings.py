from django.contrib.auth.views import redirect_to_login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from rooms import limits, pictures
from rooms.addresses import address_of
from rooms.limits import TooMany
from rooms.models import Person
from rooms.settings_forms import PictureForm, SettingsForm
from rooms.views.people import person_of

methods = require_http_methods(["GET", "HEAD", "POST"])


@never_cache
@methods
def settings(request: HttpRequest) -> HttpResponse:
    """What people say of themselves, and how they want their pages."""
    person = person_of(request)
    if person is None:
        return redirect_to_login(request.get_full_path())
    form, status = SettingsForm(request.POST if request.method == "POST" else None, person), 422
    if request.method == "POST" and form.is_valid():
        try:
            if form.cleaned_data["username"] != person.username:
                limits.take(limits.RENAMES, person.pk, address_of(request))
            form.save()
            return _saved()
        except TooMany as too_many:
            form.add_error("username", str(too_many))
            status = too_many.status
        except IntegrityError:
            form = SettingsForm(request.POST, person)  # somebody took the name in this very moment
            form.is_valid()
    return _show(request, person, form, PictureForm(), status)


@never_cache
@methods
def settings_picture(request: HttpRequest) -> HttpResponse:
    """POST `picture`: what people show of themselves. POST `remove`: their initials again."""
    person = person_of(request)
    if person is None:
        return redirect_to_login(reverse("settings"))
    if request.method != "POST":
        return redirect("settings")
    if "remove" in request.POST:
        pictures.show(person, None)
        return _saved()
    too_many = limits.count(limits.PICTURES, person.pk, address_of(request))
    form = PictureForm(request.POST, request.FILES, too_many=too_many)
    if form.is_valid():
        pictures.show(person, form.cleaned_data["picture"])
        return _saved()
    return _show(request, person, SettingsForm(None, person), form, TooMany.status if too_many else 422)


def _saved() -> HttpResponse:
    return redirect(f"{reverse('settings')}?saved=1")


def _show(
    request: HttpRequest, person: Person, form: SettingsForm, picture_form: PictureForm, status: int = 422
) -> HttpResponse:
    is_refused = form.is_bound or picture_form.is_bound
    context = {
        "person": person,
        "form": form,
        "picture_form": picture_form,
        "is_saved": "saved" in request.GET and not is_refused,
    }
    return render(request, "settings.html", context, status=status if is_refused else 200)
