"""The ASGI application with a guard broken; for the suite alone."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
get_asgi_application()

from faults.broken.guards import GUARDS  # noqa: E402 — needs the apps, loaded above

GUARDS[os.environ["FAULTS_BREAK"]]()

from project.asgi import application  # noqa: E402 — what is broken is to be so when it is loaded

__all__ = ["application"]
