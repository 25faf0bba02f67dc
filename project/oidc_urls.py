"""What is under account/ where people may come by way of an OpenID Connect provider."""

from django.urls import include, path

from rooms import views

urlpatterns = [
    path("3rdparty/signup/", views.social_sign_up, name="socialaccount_signup"),
    path("oidc/<str:provider_id>/login/", views.log_in_elsewhere, name="openid_connect_login"),
    path("3rdparty/", include("allauth.socialaccount.urls")),
    path("", include("allauth.socialaccount.providers.openid_connect.urls")),
]
