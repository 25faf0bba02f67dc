from django.contrib import admin
from django.urls import include, path, register_converter

import rooms.admin  # noqa: F401 — what is in it
from rooms import views
from rooms.calendar import DayInPath, YearInPath

register_converter(DayInPath, "day")
register_converter(YearInPath, "year")

urlpatterns = [
    path("", views.lobby, name="lobby"),
    path("rooms/<str:slug>/", views.room, name="room"),
    path("rooms/<str:slug>/messages/", views.messages, name="messages"),
    path("rooms/<str:slug>/messages/<int:seq>/", views.message, name="message"),
    path("rooms/<str:slug>/messages/<int:seq>/newer/", views.newer, name="newer"),
    path("rooms/<str:slug>/messages/<int:seq>/preview/", views.preview, name="preview"),
    path("rooms/<str:slug>/messages/<int:seq>/about/", views.about_message, name="about-message"),
    path("rooms/<str:slug>/messages/<int:seq>/delete/", views.delete_message, name="delete-message"),
    path("rooms/<str:slug>/messages/<int:seq>/report/", views.report_message, name="report-message"),
    path("rooms/<str:slug>/history/", views.history, name="history"),
    path("rooms/<str:slug>/history/<year:year>/", views.year, name="year"),
    path("rooms/<str:slug>/history/<day:day>/", views.day, name="day"),
    path("rooms/<str:slug>/about/", views.about, name="about"),
    path("rooms/<str:slug>/star/", views.star, name="star"),
    path("rooms/<str:slug>/mute/", views.mute, name="mute"),
    path("rooms/<str:slug>/leave/", views.leave, name="leave"),
    path("rooms/<str:slug>/invite/", views.invite, name="invite"),
    path("rooms/<str:slug>/links/", views.make_link, name="make-link"),
    path("rooms/<str:slug>/links/<int:pk>/revoke/", views.revoke_link, name="revoke-link"),
    path("rooms/<str:slug>/people/<int:pk>/", views.member, name="member"),
    path("rooms/<str:slug>/people/<int:pk>/role/", views.give_role, name="give-role"),
    path("rooms/<str:slug>/people/<int:pk>/remove/", views.remove, name="remove"),
    path("rooms/<str:slug>/people/<int:pk>/ban/", views.ban, name="ban"),
    path("rooms/<str:slug>/people/<int:pk>/unban/", views.unban, name="unban"),
    path("rooms/<str:slug>/bans/", views.bans, name="bans"),
    path("rooms/<str:slug>/slow/", views.slow, name="slow"),
    path("rooms/<str:slug>/close/", views.close, name="close"),
    path("rooms/<str:slug>/describe/", views.describe, name="describe"),
    path("rooms/<str:slug>/archive/", views.archive, name="archive"),
    path("new-room/", views.new_room, name="new-room"),
    path("direct/", views.direct, name="direct"),
    path("archived/", views.archived, name="archived"),
    path("blocks/", views.blocks, name="blocks"),
    path("people/<int:pk>/", views.person, name="person"),
    path("people/<int:pk>/picture/", views.picture, name="picture"),
    path("people/<int:pk>/block/", views.block, name="block"),
    path("people/<int:pk>/unblock/", views.unblock, name="unblock"),
    path("reports/", views.reports, name="reports"),
    path("reports/<int:pk>/dismiss/", views.dismiss_report, name="dismiss-report"),
    path("reports/<int:pk>/delete/", views.delete_reported, name="delete-reported"),
    path("search/", views.search, name="search"),
    path("settings/", views.settings, name="settings"),
    path("settings/picture/", views.settings_picture, name="settings-picture"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("welcome/", views.welcome, name="welcome"),
    path("account/", include("project.account_urls")),
    path("admin/", admin.site.urls),
    path("read/", views.read_all, name="read-all"),
    path("me.css", views.my_style, name="my-style"),
    path("parts/<str:version>/<str:name>/", views.part, name="part"),
    path("favicon.ico", views.favicon),
    path("healthz", views.health, name="health"),
]
