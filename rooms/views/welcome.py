from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import EmailAddress, Login
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from rooms.accounts import first
from rooms.accounts.forms import KeepNameForm, SignUpForm
from rooms.models import Person, SiteSettings
from rooms.views.keep_name import go_on
from rooms.views.people import person_of


@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password1")
def welcome(request: HttpRequest) -> HttpResponse:
    """The first run: whoever comes first makes the account of the administrator."""
    if Person.objects.filter(is_guest=False).exists():
        raise Http404
    if not first.is_fresh():
        return render(request, "welcome.html", status=403)
    form = _form_for(request)
    if request.method == "POST" and form.is_valid():
        if form.account_already_exists:  # or is about to, once a guest confirms it
            form.add_error("email", get_adapter().validation_error("email_taken"))
        else:
            try:
                return _let_in(request, _administrator(request, form))
            except IntegrityError:
                form.full_clean()  # a guest took the name in this very moment
    status = 422 if form.is_bound else 200
    return render(request, "welcome.html", {"form": form}, status=status)


def _form_for(request: HttpRequest) -> SignUpForm:
    """What makes an account: for a guest without the name, which they have."""
    data = request.POST if request.method == "POST" else None
    guest = person_of(request)
    return KeepNameForm(data, guest=guest) if guest else SignUpForm(data)


@transaction.atomic
def _administrator(request: HttpRequest, form: SignUpForm) -> Person:
    SiteSettings.locked()
    if not first.is_fresh():
        raise Http404  # somebody was faster
    person = form.save(request)
    person.is_guest, person.is_staff, person.is_superuser = False, True, True
    person.save()
    # There is nobody to keep out, and the mail may not work yet.
    EmailAddress.objects.filter(user=person).update(verified=True)
    return person


def _let_in(request: HttpRequest, person: Person) -> HttpResponse:
    if request.user == person:
        go_on(request, person)
    response: HttpResponse = perform_login(request, Login(user=person, email_verification="none"))
    welcome = _("Welcome, %(name)s. You are the administrator of this site.")
    messages.success(request, welcome % {"name": person.username})
    return response
