"""Settings, all from the environment; every one has a default that suits a first run."""

import hashlib
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from project.database import database
from project.datadir import make_data_dir, redis_socket, secret_key
from project.logs import logging_config
from project.redis_servers import host, servers

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

DATA_DIR = make_data_dir(Path(env("DATA_DIR", default=str(BASE_DIR / "var"))))
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="") or secret_key(DATA_DIR)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
RATE_LIMITS = env.bool("RATE_LIMITS", default=True)
# How many proxies stand before the site, each of which adds to X-Forwarded-For.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

INSTALLED_APPS = [
    "rooms",
    "django.contrib.admin.apps.SimpleAdminConfig",  # it shows what is in rooms/admin, and nothing else
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "django_tasks",
    "django_tasks_db",
    "template_partials",
]

MIDDLEWARE = [
    "project.requests.told",
    "django.middleware.security.SecurityMiddleware",
    # It answers. A sheet or a script obeys the policies of the page that asks for it, and not its own,
    # which would be most of what some of them weigh.
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "rooms.views.probes.probes",  # they answer whatever else is out of order
    "project.compress.CompressTexts",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "rooms.viewer.viewers_zone",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "rooms.accounts.middleware.AccountPages",
]

ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "rooms.viewer.theme",
            ],
            # Every template has texts.
            "builtins": ["django.templatetags.i18n", "rooms.templatetags.texts"],
        },
    },
]

# Where it is kept ----------------------------------------------------------------------

DATABASES = {"default": database(env("DATABASE_URL", default=""), DATA_DIR)}
# Sockets share one thread, and its connection stays open; a request's is closed at its end.
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = not DATABASES["default"]["ENGINE"].endswith("sqlite3")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "rooms.Person"

REDIS_URL = env("REDIS_URL", default="")
REDIS_SERVERS = servers(REDIS_URL or f"unix://{redis_socket(DATA_DIR)}")
REDIS = REDIS_SERVERS[0]  # where several share the groups, it has all the rest
# Redis sends a group's messages to all its databases: each site has groups of its own, and keys.
REDIS_PREFIX = f"parlor-{hashlib.sha256(SECRET_KEY.encode()).hexdigest()[:12]}"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "project.layer.PipelinedLayer",
        "CONFIG": {"hosts": [host(url) for url in REDIS_SERVERS], "prefix": REDIS_PREFIX},
    },
}
CACHES = {
    "default": {
        "BACKEND": "project.cache.OptionalRedisCache",
        "LOCATION": [REDIS],
        "KEY_PREFIX": REDIS_PREFIX,
    }
}

# Work that nobody waits for: `manage.py work` does it, and what is queued outlives it.
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}

EXPORTS_DIR = DATA_DIR / "exports"

# Static files --------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_MIMETYPES = {".wav": "audio/wav"}  # which it does not know
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "project.static.Storage"
    },
}

# What people upload ---------------------------------------------------------------------

MEDIA_ROOT = DATA_DIR / "media"  # which has no address: only views hand out what is in it
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # of a form, without its files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_MAX_MB = env.int("FILE_MAX_MB", default=25)
FILES_PER_MESSAGE = env.int("FILES_PER_MESSAGE", default=10)
FILE_ENDINGS = [ending.strip(". ").lower() for ending in env.list("FILE_ENDINGS", default=[])]  # any, if none
# Beyond what a message takes, so that who sends too many is told so; who sends hundreds is cut off.
DATA_UPLOAD_MAX_NUMBER_FILES = 5 * FILES_PER_MESSAGE

# They are kept on the disk, or by whatever speaks S3 (see requirements-s3.txt).
if S3_BUCKET := env("S3_BUCKET", default=""):
    STORAGES["default"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3_BUCKET,
            "endpoint_url": env("S3_ENDPOINT_URL", default=None),
            "region_name": env("S3_REGION", default=None),
            "access_key": env("S3_ACCESS_KEY_ID", default=None),
            "secret_key": env("S3_SECRET_ACCESS_KEY", default=None),
        },
    }

# Sessions and safety -------------------------------------------------------------------

SESSION_ENGINE = "rooms.session_store"
# A guest has no password: the session is all that remembers them, so it lasts.
SESSION_COOKIE_AGE = 60 * 60 * 24 * 365
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # forms hold the token, and no script of ours reads it
# Served over HTTPS? Then say so, and cookies and redirects follow.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = ["^(healthz|readyz|metrics)$"]  # which are asked within the house
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=31_536_000 if HTTPS else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A chat needs none of these, and no script that got in somehow shall have them.
PERMISSIONS_POLICY: dict[str, list[str]] = {
    feature: []
    for feature in (
        "accelerometer",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "hid",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "serial",
        "usb",
    )
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "connect-src": [SELF],
        "img-src": [SELF],
        "media-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Accounts ------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = ["rooms.accounts.backend.PersonBackend"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, Any]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "lobby"

# Mail. Without a server for it, it is printed in the terminal, and nobody has to wait for any.
EMAIL_URL = env("EMAIL_URL", default="")
vars().update(env.email_url_config(EMAIL_URL or "consolemail://"))
EMAIL_TIMEOUT = 10
# Where links in mail that nobody asked for on a page lead.
SITE_URL = env("SITE_URL", default=f"http://127.0.0.1:{env('PORT', default='8000')}").rstrip("/")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("DEFAULT_FROM_EMAIL", default="Parlor <parlor@localhost>")

ACCOUNT_ADAPTER = "rooms.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "add_email": "rooms.accounts.forms.AddEmailForm",
    "change_password": "rooms.accounts.forms.ChangePasswordForm",
    "login": "rooms.accounts.forms.LogInForm",
    "reauthenticate": "rooms.accounts.forms.ReauthenticateForm",
    "reset_password": "rooms.accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "rooms.accounts.forms.ResetPasswordKeyForm",
    "set_password": "rooms.accounts.forms.SetPasswordForm",
    "signup": "rooms.accounts.forms.SignUpForm",
}
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "optional"
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_SESSION_REMEMBER = True
# A guest is signed in and may log in all the same; see rooms/views/account.py.
ACCOUNT_AUTHENTICATED_LOGIN_REDIRECTS = False
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {} if RATE_LIMITS else False  # allauth's own, or none
# How many proxies stand before the site, each of which adds to X-Forwarded-For: of as many entries
# of it, from its end, nobody can make up any.
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

MFA_ADAPTER = "rooms.accounts.adapter.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]  # security keys would need scripts
MFA_FORMS = {
    "activate_totp": "rooms.accounts.forms.ActivateTOTPForm",
    "authenticate": "rooms.accounts.forms.CodeForm",
    "reauthenticate": "rooms.accounts.forms.ReauthenticateByCodeForm",
}
MFA_TOTP_ISSUER = "Parlor"
# A code typed as it runs out still lets in (RFC 6238, 5.2: one step for the delay of typing).
MFA_TOTP_TOLERANCE = 1
# Where verification is mandatory nobody gets this far without it, and elsewhere there is no mail.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# People may also come by way of an OpenID Connect provider.
OIDC_SERVER_URL = env("OIDC_SERVER_URL", default="")
SOCIALACCOUNT_ADAPTER = "rooms.accounts.social.SocialAccountAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False  # everybody chooses the name they are shown by
SOCIALACCOUNT_FORMS = {"signup": "rooms.accounts.social.SignUpForm"}
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {}
if OIDC_SERVER_URL:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": env("OIDC_NAME", default="OpenID Connect"),
                "client_id": env("OIDC_CLIENT_ID"),
                "secret": env("OIDC_SECRET", default=""),
                "settings": {"server_url": OIDC_SERVER_URL},
            }
        ],
    }

# Language and time ---------------------------------------------------------------------

# One for the whole site: what everybody sees is rendered once.
LANGUAGE_CODE = env("LANGUAGE_CODE", default="en-gb").lower().replace("_", "-")
USE_I18N = True
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "project.formats"
TIME_ZONE = env("TIME_ZONE", default="UTC")
USE_TZ = True

# For those who mind the site: see docs/operating.md ---------------------------------------

METRICS_TOKEN = env("METRICS_TOKEN", default="")
SLOW_QUERY_MS = env.int("SLOW_QUERY_MS", default=500)  # 0: none is told of

# With json a line for each request is logged, too, unless that is turned off; else if it is turned on.
LOG_FORMAT = env("LOG_FORMAT", default="plain")
LOGGING = logging_config(LOG_FORMAT, is_access_logged=env.bool("ACCESS_LOG", default=LOG_FORMAT == "json"))

# Errors are reported there; see requirements-sentry.txt.
if SENTRY_DSN := env("SENTRY_DSN", default=""):
    try:
        from project.reporting import report_errors
    except ImportError as error:
        raise ImproperlyConfigured(f"SENTRY_DSN: {error}; pip install -r requirements-sentry.txt") from error
    report_errors(SENTRY_DSN)
