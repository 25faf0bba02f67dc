"""What is under account/: allauth's pages, and ours beside and before them."""

from allauth.mfa.totp.views import activate_totp
from csp.constants import SELF
from csp.decorators import csp_replace
from django.conf import settings
from django.urls import include, path, re_path

from rooms import views

urlpatterns = [
    path("login/", views.log_in, name="account_login"),
    path("signup/", views.sign_up, name="account_signup"),
    path("keep-name/", views.keep_name, name="keep-name"),
    path("close/", views.close_account, name="close-account"),
    path("confirm-email/<str:key>/", views.confirm_email, name="account_confirm_email"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.reset_password_from_key,
        name="account_reset_password_from_key",
    ),
    # The QR code comes in the page itself: under an address of its own, the secret in it would too.
    path(
        "2fa/totp/activate/",
        csp_replace({"img-src": [SELF, "data:"]})(activate_totp),
        name="mfa_activate_totp",
    ),
    path("", include("allauth.account.urls")),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
if settings.SOCIALACCOUNT_PROVIDERS:
    urlpatterns += [path("", include("project.oidc_urls"))]
