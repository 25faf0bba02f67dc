"""`manage.py` in a process of its own, with the database and the Redis of the test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.process import ROOT

SECONDS = 60.0  # for anything that is to happen at all


def start(*arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start `manage.py` with these arguments; `env` adds to its environment. Its streams are pipes."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=os.environ | {"DATABASE_URL": database_url(), "REDIS_URL": redis_url()} | (env or {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: str, given: str = "", env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Run it to its end. Returns its exit code and what it wrote to stdout and to stderr."""
    with start(*arguments, env=env) as process:
        try:
            written, errors = process.communicate(given, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, written, errors


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait, where there is no loop, until `is_so()`; fail when that takes too long."""
    end = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def database_url() -> str:
    """The URL of the database that this test is in."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def redis_url() -> str:
    """The URL of the Redis that this test uses."""
    layers: dict[str, Any] = settings.CHANNEL_LAYERS
    return layers["default"]["CONFIG"]["hosts"][0]
