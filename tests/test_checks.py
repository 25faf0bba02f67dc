"""What `manage.py check` says of how a site is set up."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core import checks
from django.db import connection
from pytest_django import Settings

from project.checks import file_system
from project.database import POSTGRES, SQLITE

LONG = "x" * 60
GOOD = {
    "ALLOWED_HOSTS": ["parlor.example"],
    "DEBUG": False,
    "EMAIL_URL": "smtp://mail.example",
    "HTTPS": True,
    "METRICS_TOKEN": LONG,
    "RATE_LIMITS": True,
    "REDIS_URL": "redis://redis.example",
    "SECRET_KEY": LONG,
    "SITE_URL": "https://parlor.example",
    "TRUSTED_PROXIES": 1,
}
Found = Callable[..., set[str]]


@pytest.fixture
def found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Found:
    """found(environment, deploy, **settings): the numbers of what is wrong with a site that is set up well
    but for these."""
    for name in [name for name in os.environ if name.startswith(("UVICORN_", "WEB_"))]:
        monkeypatch.delenv(name)

    def look(
        environment: dict[str, str] | None = None, *, deploy: bool = False, **changed: object
    ) -> set[str]:
        for name, text in (environment or {}).items():
            monkeypatch.setenv(name, text)
        for name, value in (GOOD | changed).items():
            setattr(settings, name, value)
        wrong = checks.run_checks(include_deployment_checks=deploy)
        assert all(warning.hint for warning in wrong if str(warning.id).startswith("parlor."))
        return {str(warning.id) for warning in wrong if str(warning.id).startswith("parlor.")}

    return look


@pytest.fixture
def engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda name: monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", name)


def test_an_sqlite_that_is_too_old(
    found: Found, engine: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 31, 1))
    engine(SQLITE)
    assert "parlor.E014" in found()
    engine(POSTGRES)
    assert "parlor.E014" not in found()


def test_a_site_that_is_set_up_well_is_warned_of_nothing(found: Found) -> None:
    assert found(deploy=True) == set()


def test_nor_is_a_first_run(found: Found) -> None:
    first = {
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"],
        "DEBUG": True,
        "EMAIL_URL": "",
        "HTTPS": False,
        "METRICS_TOKEN": "",
        "RATE_LIMITS": False,
        "REDIS_URL": "",
        "SITE_URL": "http://127.0.0.1:8000",
        "TRUSTED_PROXIES": 0,
    }
    assert found({"WEB_CONCURRENCY": "1"}, **first) == set()


@pytest.mark.parametrize(("name", "number"), [(SQLITE, {"parlor.W001"}), (POSTGRES, set())])
def test_several_processes_want_postgresql(
    found: Found, engine: Callable[[str], None], name: str, number: set[str]
) -> None:
    engine(name)
    assert found({"WEB_CONCURRENCY": "4"}) == number


def test_several_processes_want_a_redis(found: Found, engine: Callable[[str], None]) -> None:
    engine(POSTGRES)
    assert found({"WEB_CONCURRENCY": "4"}, REDIS_URL="") == {"parlor.W002"}


@pytest.mark.parametrize(
    ("deflate", "number"), [("", {"parlor.W003"}), ("true", {"parlor.W003"}), ("False", set()), ("0", set())]
)
def test_compression_is_warned_of_where_it_is_known(found: Found, deflate: str, number: set[str]) -> None:
    environment = {"UVICORN_PORT": "8001"} | ({"UVICORN_WS_PER_MESSAGE_DEFLATE": deflate} if deflate else {})
    assert found(environment) == number


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"DEBUG": True}, "parlor.W004"),
        ({"DEBUG": True, "HTTPS": False}, "parlor.W004"),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["localhost"]}, "parlor.W004"),
        ({"ALLOWED_HOSTS": ["parlor.example", "*"]}, "parlor.W005"),
        ({"TRUSTED_PROXIES": 0}, "parlor.W007"),
        ({"SITE_URL": "http://127.0.0.1:8000"}, "parlor.W009"),
        ({"SITE_URL": "http://localhost"}, "parlor.W009"),
        ({"SITE_URL": "http://[::1]:8000"}, "parlor.W009"),
        ({"METRICS_TOKEN": "guess"}, "parlor.W011"),
        ({"SECRET_KEY": "guess"}, "parlor.W012"),
    ],
)
def test_settings_that_do_not_go_together(found: Found, changed: dict[str, object], number: str) -> None:
    assert found(**changed) == {number}


@pytest.mark.parametrize("host", ["parlor.example", ".example.org", "10.0.0.7", "[2001:db8::1]", "*"])
def test_a_public_name_wants_https(found: Found, host: str) -> None:
    changed = {"HTTPS": False, "ALLOWED_HOSTS": ["localhost", host]}
    assert "parlor.W006" in found(deploy=True, **changed)
    assert "parlor.W006" not in found(**changed)


def test_a_site_for_others_wants_limits(found: Found) -> None:
    assert found(deploy=True, RATE_LIMITS=False) == {"parlor.W008"}


# The database --------------------------------------------------------------------------------


def of_database() -> list[str]:
    return [str(warning.id) for warning in checks.run_checks(tags=["database"], databases=["default"])]


@pytest.fixture
def careless() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    yield
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("not config.getoption('--postgres')", reason="SQLite has no such setting")
def test_a_database_that_confirms_what_it_may_lose(careless: None) -> None:
    found = of_database()
    # The one of the tests is careless by itself.
    with connection.cursor() as cursor:
        cursor.execute("SHOW fsync")
        is_careless = cursor.fetchone()[0] == "off"
    assert found == ["parlor.W010"] * (1 + is_careless)


@pytest.mark.django_db
def test_a_file_on_a_disk_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor == "sqlite":
        assert of_database() == []
        monkeypatch.setattr("project.checks.file_system", lambda *args: "nfs4")
        assert of_database() == ["parlor.W013"]


def test_which_file_system_a_file_is_on(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    far = tmp_path / "far away"
    near = far / "near"
    near.mkdir(parents=True)
    assert file_system(far, mounts) == ""
    escaped = str(far).replace(" ", "\\040")
    mounts.write_text(
        f"/dev/sda1 / ext4 rw 0 0\nserver:/x {escaped} nfs4 rw 0 0\ntmpfs {escaped}/near tmpfs rw 0 0\n"
    )
    assert [file_system(path, mounts) for path in (tmp_path, far, near)] == ["ext4", "nfs4", "tmpfs"]
