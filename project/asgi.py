import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
django.setup(set_prefix=False)

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 — needs the apps, loaded above
from django.urls import get_resolver  # noqa: E402

from project.frames import framed_once  # noqa: E402
from project.handler import Handler  # noqa: E402
from project.pace import serve_evenly  # noqa: E402
from project.routing import websocket_urlpatterns  # noqa: E402
from project.sockets import daphne_manners, same_origin, signed_in, told  # noqa: E402
from project.uploads import limited  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": limited(Handler()),
        "websocket": told(
            same_origin(daphne_manners(framed_once(signed_in(URLRouter(websocket_urlpatterns)))))
        ),
    }
)

get_resolver().url_patterns  # noqa: B018 — loads every page, for which the first to come would wait
serve_evenly()
