"""`manage.py` in a process of its own, on the database and the Redis of the tests."""

import os
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from tests.process import ROOT

SECONDS = 60.0  # for anything that is to happen at all


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """Start `manage.py` with these arguments. Its streams are pipes."""
    host = settings.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"][0]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env=os.environ | {"DATABASE_URL": database_url(), "REDIS_URL": host} | options.pop("env", {}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def run(*arguments: str, given: str = "", **options: Any) -> tuple[int, str, str]:
    """Run it to its end. Returns its exit code and what it wrote to stdout and to stderr."""
    with start(*arguments, **options) as process:
        try:
            written, errors = process.communicate(given, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return process.returncode, written, errors


def database_url() -> str:
    """The URL of the database this test is in."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
