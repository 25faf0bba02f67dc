from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from rooms.consumers import TabConsumer

websocket_urlpatterns = [
    path("rooms/<str:slug>/live/", TabConsumer.as_asgi()),
    re_path("", WebsocketDenier.as_asgi()),
]
