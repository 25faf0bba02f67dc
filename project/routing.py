from django.urls import path

from rooms.consumers import TabConsumer

websocket_urlpatterns = [
    path("rooms/<str:slug>/live/", TabConsumer.as_asgi()),
]
