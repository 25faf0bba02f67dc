"""Whom one does not want to hear from."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from rooms import joining
from rooms.models import Person
from rooms.views.acts import signed_in


@require_safe
@signed_in
def blocks(request: HttpRequest, person: Person) -> HttpResponse:
    """The people whom the person has blocked."""
    blocked = Person.objects.filter(blocked_by__person=person).order_by("username")
    return render(request, "blocks.html", {"people": blocked})


@require_POST
@signed_in
def block(request: HttpRequest, person: Person, pk: int) -> HttpResponse:
    joining.block(person, get_object_or_404(Person, pk=pk))
    return redirect("blocks")


@require_POST
@signed_in
def unblock(request: HttpRequest, person: Person, pk: int) -> HttpResponse:
    joining.unblock(person, get_object_or_404(Person, pk=pk))
    return redirect("blocks")
