"""What was reported in the rooms where one keeps order."""

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from rooms import moderation
from rooms.models import Person, Report
from rooms.views.acts import number, signed_in

PAGE = 50


@require_safe
@signed_in
def reports(request: HttpRequest, person: Person) -> HttpResponse:
    """The open reports, the oldest first. `?after=` goes on after one."""
    queue = moderation.reports_for(person)
    after = number(request, "after")
    if last := after and Report.objects.filter(pk=after).first():
        queue = queue.filter(Q(at__gt=last.at) | Q(at=last.at, pk__gt=last.pk))
    found = list(queue[: PAGE + 1])
    next_after = found[PAGE - 1].pk if len(found) > PAGE else None
    return render(request, "reports.html", {"reports": found[:PAGE], "next_after": next_after})


@require_POST
@signed_in
def dismiss_report(request: HttpRequest, person: Person, pk: int) -> HttpResponse:
    report = get_object_or_404(moderation.reports_for(person), pk=pk)
    moderation.dismiss(report, person)
    return redirect("reports")


@require_POST
@signed_in
def delete_reported(request: HttpRequest, person: Person, pk: int) -> HttpResponse:
    report = get_object_or_404(moderation.reports_for(person), pk=pk)
    moderation.delete_message(report.message, person, report.reason)
    return redirect("reports")
