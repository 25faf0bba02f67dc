"""The way out of mail."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from rooms import mailing
from rooms.views.people import person_of


@csrf_exempt  # mail programs press the button too (RFC 8058), and the token is all it takes
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_mail(request: HttpRequest, token: str) -> HttpResponse:
    """POST: send whom the token is of no more mail about what is said to them."""
    is_done = request.method == "POST"
    if not (mailing.stop(token) if is_done else mailing.is_anybodys(token)):
        raise Http404
    return render(request, "stop-mail.html", {"is_done": is_done, "person": person_of(request)})
