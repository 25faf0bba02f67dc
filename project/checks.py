"""What is likely wrong with how a site is set up: `manage.py check`, `check --deploy`, `check --database`."""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from project.database import POSTGRES, SQLITE

OLDEST_SQLITE = (3, 33)  # the first that has UPDATE … FROM, by which messages are kept
SHORTEST_SECRET = 32  # characters of one that nobody is to guess
OFF = {"0", "f", "false", "n", "no", "off"}  # as uvicorn reads it
# Those on which the locks of SQLite's write-ahead log do not hold between machines.
FAR_AWAY = {"9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.sshfs", "nfs", "nfs4", "smb3", "smbfs"}


def _warning(number: int, problem: str, hint: str) -> Warning:
    return Warning(problem, hint=hint, id=f"parlor.W{number:03}")


@register()
def processes(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """What several processes need, as far as the environment tells that there are several."""
    count = os.environ.get("WEB_CONCURRENCY", "")
    if count.isdigit() and int(count) > 1:
        if settings.DATABASES["default"]["ENGINE"] == SQLITE:
            yield _warning(
                1,
                f"{count} processes (WEB_CONCURRENCY) share one SQLite file.",
                "They take turns to write. Set DATABASE_URL to a PostgreSQL database.",
            )
        if not settings.REDIS_URL:
            yield _warning(
                2,
                f"{count} processes (WEB_CONCURRENCY) have no Redis to share.",
                "Each hears of what the others say only every few seconds. Set REDIS_URL.",
            )
    is_uvicorn = any(name.startswith("UVICORN_") for name in os.environ)
    if is_uvicorn and os.environ.get("UVICORN_WS_PER_MESSAGE_DEFLATE", "").lower() not in OFF:
        yield _warning(
            3,
            "uvicorn compresses every frame for every tab by itself.",
            "It is most of the work. Set UVICORN_WS_PER_MESSAGE_DEFLATE=false.",
        )


@register()
def sqlite(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """An SQLite that Django takes, and nothing could be said with."""
    if settings.DATABASES["default"]["ENGINE"] == SQLITE and sqlite3.sqlite_version_info < OLDEST_SQLITE:
        yield Error(
            f"The SQLite of this Python is {sqlite3.sqlite_version}; Parlor needs 3.33 or newer.",
            hint="Take a Python that has it, or set DATABASE_URL to a PostgreSQL database.",
            id="parlor.E014",
        )


@register(Tags.security)
def hosts(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Who may see too much, or pass for another."""
    if settings.DEBUG and (settings.HTTPS or any(map(_is_public, settings.ALLOWED_HOSTS))):
        yield _warning(
            4,
            "DEBUG is on where others than you come.",
            "A page that breaks then shows them the insides of the site. Unset DEBUG.",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield _warning(
            5,
            "ALLOWED_HOSTS takes any name for the site's.",
            "Links in mail can then be made to lead elsewhere. Name the hosts that the site goes by.",
        )
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield _warning(
            7,
            "HTTPS is on, so there is a proxy, and TRUSTED_PROXIES is 0.",
            "Everybody seems to come from the proxy's address, and shares its limits. Set TRUSTED_PROXIES=1.",
        )
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_SECRET:
        yield _warning(
            11,
            "METRICS_TOKEN is short.",
            f"Make it {SHORTEST_SECRET} characters long, as `openssl rand -hex 32` does.",
        )
    if len(settings.SECRET_KEY) < SHORTEST_SECRET:
        yield _warning(
            12,
            "SECRET_KEY is short: who guesses it can sign in as anybody.",
            "Unset it, and one is made; or make it at least 50 characters long.",
        )


@register(Tags.security, deploy=True)
def deployed(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """What a first run does without."""
    if not settings.HTTPS and any(map(_is_public, settings.ALLOWED_HOSTS)):
        yield _warning(
            6,
            "The site goes by a public name, and HTTPS is off.",
            "Put a proxy that speaks TLS before it, and set HTTPS=on.",
        )
    if not settings.RATE_LIMITS:
        yield _warning(8, "RATE_LIMITS is off.", "Anybody may write as fast as they can. Unset it.")


@register()
def mail(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Where links in mail lead."""
    if settings.EMAIL_URL and not _is_public(urlsplit(settings.SITE_URL).hostname or ""):
        yield _warning(
            9,
            f"Mail is sent, and links in it lead to {settings.SITE_URL}.",
            "Set SITE_URL to where people find the site.",
        )


@register(Tags.database)
def durability(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterable[CheckMessage]:
    """Whether the database keeps what it has said it keeps."""
    for alias in databases or []:
        connection = connections[alias]
        if connection.settings_dict["ENGINE"] == POSTGRES:
            for name in ("fsync", "synchronous_commit"):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT current_setting(%s)", [name])
                    if cursor.fetchone()[0] == "off":
                        yield _warning(
                            10,
                            f"{name} is off in PostgreSQL.",
                            "It confirms what it may lose when it dies, and so does the site. Turn it on.",
                        )
        elif connection.settings_dict["ENGINE"] == SQLITE:
            kind = file_system(Path(connection.settings_dict["NAME"]).parent, Path("/proc/mounts"))
            if kind in FAR_AWAY:
                yield _warning(
                    13,
                    f"The SQLite file is on a network file system ({kind}).",
                    "Its locks are not to be relied on there. Set DATA_DIR to a local disk, or DATABASE_URL.",
                )


def file_system(path: Path, mounts: Path) -> str:
    """The kind of file system that `path` is on, by the table that Linux keeps at `mounts`; nothing where
    there is none."""
    if not mounts.exists():
        return ""
    kinds = {}
    for line in mounts.read_text().splitlines():
        _, where, kind, *_ = line.split()
        kinds[Path(where.encode().decode("unicode_escape"))] = kind  # a space in it is \040
    path = path.resolve()
    return next((kinds[part] for part in [path, *path.parents] if part in kinds), "")


def _is_public(host: str) -> bool:
    """Whether `host`, which may be a pattern of ALLOWED_HOSTS, is beyond this machine."""
    host = host.strip("[].").lower()
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host not in ("", "localhost") and not host.endswith(".localhost")
