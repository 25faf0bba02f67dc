from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from rooms import publishing
from rooms.events import Notice
from rooms.unread import mark_all_read
from rooms.views.people import person_of


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Nothing is new to the person in any room, in any of their tabs."""
    person = person_of(request)
    if person is not None:
        mark_all_read(person.pk)
        async_to_sync(publishing.notify)(Notice(person.pk, "read"))
    return HttpResponse(status=204) if "HX-Request" in request.headers else redirect("lobby")
