from django.contrib import admin
from django.urls import include, path

import rooms.admin  # noqa: F401 — what is in it
from rooms import views

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("rooms/<str:slug>/", views.room, name="room"),
    path("rooms/<str:slug>/messages/", views.messages, name="messages"),
    path("rooms/<str:slug>/messages/<int:seq>/", views.message, name="message"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/picture/", views.picture, name="picture"),
    path("settings/", views.settings, name="settings"),
    path("settings/picture/", views.settings_picture, name="settings-picture"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("welcome/", views.welcome, name="welcome"),
    path("account/", include("project.account_urls")),
    path("admin/", admin.site.urls),
    path("me.css", views.my_style, name="my-style"),
    path("parts/<str:version>/<str:name>/", views.part, name="part"),
    path("favicon.ico", views.favicon),
    path("healthz", views.health, name="health"),
]
