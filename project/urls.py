from django.contrib import admin
from django.urls import include, path

import rooms.admin  # noqa: F401 — what is in it
from rooms import views

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("rooms/<str:slug>/", views.room, name="room"),
    path("rooms/<str:slug>/messages/", views.messages, name="messages"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("welcome/", views.welcome, name="welcome"),
    path("account/", include("project.account_urls")),
    path("admin/", admin.site.urls),
    path("me.css", views.my_style, name="my-style"),
    path("parts/<str:version>/<str:name>/", views.part, name="part"),
    path("favicon.ico", views.favicon),
    path("healthz", views.health, name="health"),
]
