from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import add_never_cache_headers
from django.utils.deprecation import MiddlewareMixin

# What is under account/ for those who have none, guests among them.
FOR_EVERYBODY = {
    "account_confirm_email",
    "account_email_verification_sent",
    "account_inactive",
    "account_login",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "account_signup",
    "keep-name",
    "mfa_authenticate",
    "openid_connect_callback",
    "openid_connect_login",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
    "socialaccount_signup",
}


class AccountPages(MiddlewareMixin):
    """Lets guests see no page that is about an account: they have yet to make theirs. To allauth,
    whoever is signed in has one, and could give it a password or an email by those pages.

    No copy of any such page is kept.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or not match.route.startswith("account/") or match.url_name in FOR_EVERYBODY:
            return None
        if request.user.is_authenticated and request.user.is_guest:
            return redirect("keep-name")
        return None

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        match = request.resolver_match
        if match is not None and match.route.startswith("account/"):
            add_never_cache_headers(response)
        return response
