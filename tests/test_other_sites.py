"""People who come by way of an OpenID Connect provider."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from rooms.models import Person, SiteSettings
from tests.accounts import logged_in, make_account, turn_on_two_factor, who
from tests.html import find, find_all
from tests.oidc import Provider, provider
from tests.shell import run

urlpatterns = [path("account/", include("project.oidc_urls")), path("", include("project.urls"))]
pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__), pytest.mark.any_database]

LOGIN, CALLBACK = "/account/oidc/oidc/login/", "/account/oidc/oidc/login/callback/"
SIGN_UP = "/account/3rdparty/signup/"


@pytest.fixture
def club(settings: Settings) -> Iterator[Provider]:
    with provider() as server:
        settings.SOCIALACCOUNT_PROVIDERS = server.apps()
        yield server


@pytest.fixture(autouse=True)
def admin(db: None) -> Person:
    return make_account("admin", is_staff=True, is_superuser=True)


def come(client: Client, club: Provider, process: str = "login", next_url: str = "") -> Any:
    """To the provider, and back from it."""
    asked = client.post(LOGIN, {"process": process, "next": next_url})
    onward = find_all(asked.content, "a")[-1]["href"]
    assert onward.startswith(f"{club.url}/authorize?")
    state = parse_qs(urlsplit(onward).query)["state"][0]
    return client.get(CALLBACK, {"code": "c", "state": state})


def sign_up(client: Client, club: Provider, name: str = "Ann Lee") -> Any:
    assert come(client, club).headers["Location"] == SIGN_UP
    return client.post(SIGN_UP, {"username": name, "email": club.person["email"]})


def test_the_way_is_on_the_pages(client: Client, club: Provider) -> None:
    for page in ("login", "signup"):
        html = client.get(f"/account/{page}/?next=/rooms/lounge/").content
        link = find(html, "a", href=f"{LOGIN}?process=login&next=%2Frooms%2Flounge%2F")
        assert link.text == "Go on with Club"
    assert find(client.get(LOGIN).content, "h1").text == "Go on with Club"


def test_one_goes_there_by_no_form(client: Client, club: Provider) -> None:
    """The policy lets no form leave this site, and a browser holds that against a redirect too."""
    response = client.post(LOGIN)
    assert response.status_code == 200
    assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    refresh = find(response.content, "meta", **{"http-equiv": "refresh"})["content"]
    assert refresh == f"0;url={find_all(response.content, 'a')[-1]['href']}"


def test_who_is_new_chooses_a_name(client: Client, club: Provider) -> None:
    come(client, club)
    form = client.get(SIGN_UP).content
    assert find(form, "input", name="username")["value"] == "Ann Lee"
    assert find(form, "input", name="email")["value"] == "ann@provider.example"
    taken = client.post(SIGN_UP, {"username": "ADMIN", "email": "ann@provider.example"})
    assert "“ADMIN 2”" in taken.content.decode()
    assert client.post(SIGN_UP, {"username": "ann", "email": "ann@provider.example"}).status_code == 302
    ann = who(client)
    assert ann and (ann.username, ann.is_guest, ann.has_usable_password()) == ("ann", False, False)
    assert EmailAddress.objects.get(user=ann).verified


def test_who_was_here_is_in_at_once(client: Client, club: Provider) -> None:
    sign_up(client, club)
    ann, again = who(client), Client()
    assert come(again, club, next_url="/rooms/lounge/").headers["Location"] == "/rooms/lounge/"
    assert who(again) == ann


def test_it_takes_the_second_factor(client: Client, club: Provider) -> None:
    sign_up(client, club)
    turn_on_two_factor(client)
    again = Client()
    assert come(again, club).headers["Location"] == "/account/2fa/authenticate/"
    assert who(again) is None


@pytest.mark.parametrize("verification", ["mandatory", "optional"])
def test_an_email_that_is_somebodys_lets_nobody_in(
    client: Client, club: Provider, settings: Settings, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    club.person["email"] = "admin@example.com"
    sign_up(client, club)
    assert who(client) is None
    assert not SocialAccount.objects.exists()


def test_where_nobody_can_sign_up_nobody_does(client: Client, club: Provider) -> None:
    SiteSettings.objects.create(pk=1, sign_up=SiteSettings.SignUp.CLOSED)
    assert "Nobody can sign up just now" in come(client, club).content.decode()
    assert client.get(SIGN_UP).headers["Location"] == "/account/login/"
    assert Person.objects.count() == 1


def test_an_account_is_connected_and_disconnected(club: Provider, admin: Person) -> None:
    client = logged_in(admin)
    page = client.get("/account/3rdparty/").content
    assert find(page, "a", href=f"{LOGIN}?process=connect").text == "Connect Club"
    assert come(client, club, "connect").headers["Location"] == "/account/3rdparty/"
    other = Client()
    come(other, club)
    assert who(other) == admin
    account = SocialAccount.objects.get()
    client.post("/account/3rdparty/", {"account": str(account.pk)})
    assert not SocialAccount.objects.exists()


def test_the_only_way_in_is_not_disconnected(client: Client, club: Provider) -> None:
    sign_up(client, club)
    page = client.post("/account/3rdparty/", {"account": str(SocialAccount.objects.get().pk)}).content
    assert "Set a password first" in find(page, "p", role="alert").text
    assert SocialAccount.objects.exists()


def test_a_guest_keeps_the_name(client: Client, club: Provider) -> None:
    client.post("/", {"room_name": "Lounge", "username": "gina"})
    guest, key = who(client), client.session.session_key
    assert come(client, club, next_url="/rooms/lounge/").headers["Location"] == "/rooms/lounge/"
    gina = who(client)
    assert gina == guest
    assert gina and (gina.username, gina.is_guest) == ("gina", False)
    assert [address.email for address in EmailAddress.objects.filter(user=gina)] == ["ann@provider.example"]
    assert client.session.session_key != key
    again = Client()
    come(again, club)
    assert who(again) == gina


def test_a_guest_who_has_an_account_is_in_it(client: Client, club: Provider) -> None:
    sign_up(Client(), club)
    client.post("/", {"room_name": "Lounge", "username": "gina"})
    come(client, club)
    ann = who(client)
    assert ann and ann.username == "Ann Lee"


def stays_a_guest(client: Client, page: Any, text: str) -> None:
    assert text in page.content.decode()
    gina = who(client)
    assert gina and (gina.username, gina.is_guest) == ("gina", True)
    assert not SocialAccount.objects.exists()


def test_a_guest_keeps_the_name_by_no_way_around_the_sign_up(
    client: Client, club: Provider, settings: Settings
) -> None:
    client.post("/", {"room_name": "Lounge", "username": "gina"})
    club.person["email"] = "admin@example.com"
    page = client.get(come(client, club).headers["Location"])
    stays_a_guest(client, page, "There is an account with your email already")
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    club.person |= {"email": "gina@provider.example", "email_verified": False}
    page = client.get(come(client, club).headers["Location"])
    stays_a_guest(client, page, "Club tells of no email that is confirmed")
    SiteSettings.objects.create(pk=1, sign_up=SiteSettings.SignUp.CLOSED)
    club.person["email_verified"] = True
    stays_a_guest(client, come(client, club), "Nobody can sign up just now")


def test_nobody_comes_back_who_did_not_go(client: Client, club: Provider) -> None:
    response = client.get(CALLBACK, {"code": "c", "state": "made-up"})
    assert who(client) is None
    assert response.status_code in (200, 401)
    assert Person.objects.count() == 1


def test_a_provider_that_is_away_is_told_of(client: Client, club: Provider, settings: Settings) -> None:
    app = club.apps()["openid_connect"]["APPS"][0] | {"settings": {"server_url": "http://127.0.0.1:1"}}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    page = client.post(LOGIN, follow=True)
    assert page.redirect_chain == [("/account/login/", 302)]
    assert "The other site does not answer just now." in page.content.decode()


@pytest.mark.django_db(transaction=True)  # another process writes to the database
def test_the_environment_is_all_it_takes(club: Provider) -> None:
    env = {"OIDC_NAME": "Club", "OIDC_SERVER_URL": club.url, "OIDC_CLIENT_ID": "parlor", "OIDC_SECRET": "s"}
    program = (
        "from django.test import Client; from django.test.utils import setup_test_environment as s; s();"
        "print(Client().get('/account/login/').content.decode());"
        f"print(Client().post('{LOGIN}').content.decode())"
    )
    _, page, errors = run("shell", "-v", "0", "-c", program, env=env)
    assert "Go on with Club" in page, errors
    assert f"{club.url}/authorize?client_id=parlor&amp;" in page
