import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 — needs the apps, which the line above loads
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from project.routing import websocket_urlpatterns  # noqa: E402
from project.sockets import SameOrigin, backpressure  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": SameOrigin(backpressure(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))),
    }
)
