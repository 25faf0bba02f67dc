"""DATABASE_URL, as Django wants it."""

from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

LOCK_SECONDS = 5  # how long a writer waits for another; a tab tries again by itself
POSTGRES, SQLITE = "django.db.backends.postgresql", "django.db.backends.sqlite3"


def database(url: str, data_dir: Path) -> dict[str, Any]:
    """The database at `url` or, where that is empty, the SQLite file in `data_dir`.

    Raises ImproperlyConfigured when `url` names neither a PostgreSQL nor an SQLite database.
    """
    if not url:
        config: dict[str, Any] = {"ENGINE": SQLITE, "NAME": data_dir / "parlor.sqlite3"}
    elif url.startswith(("postgres://", "postgresql://", "sqlite:///")):
        try:
            config = environ.Env.db_url_config(url)
        except ValueError as error:
            raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error
    else:
        raise ImproperlyConfigured("DATABASE_URL has to begin with postgres:// or sqlite:///")
    if config["NAME"] in ("", ":memory:"):
        raise ImproperlyConfigured("DATABASE_URL has to end with the name of the database")
    options = config.setdefault("OPTIONS", {})
    if config["ENGINE"] == SQLITE:
        # IMMEDIATE takes the write lock when a transaction begins: one that reads the clock and
        # then ticks it waits its turn, and never fails half way because another wrote meanwhile.
        options["transaction_mode"] = "IMMEDIATE"
        options["timeout"] = LOCK_SECONDS
        options["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    elif config["ENGINE"] == POSTGRES:
        options.setdefault("connect_timeout", 5)
        options.setdefault("options", f"-c lock_timeout={LOCK_SECONDS}s")
        # The server plans a statement that is asked again and again once: a fifth of a page's time.
        options.setdefault("server_side_binding", True)
        options.setdefault("prepare_threshold", 5)
    return config


def is_of_one_row(error: Exception) -> bool:
    """Whether this error of Django's is that somebody else held a row for too long, or that two waited for
    each other and PostgreSQL ended one: whoever needs other rows may still go on."""
    return getattr(error.__cause__, "sqlstate", "") in {"40P01", "55P03"}
