"""Finds a Chromium, or gets one; a browser test is never skipped for want of it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, Error

DOWNLOAD_SECONDS = 120
INSTALL_SECONDS = 600
HEADLESS = "chromium-headless-shell"  # Debian's; a third less work than a browser with windows
HELP = "no Chromium could be found or installed: install one, or set CHROMIUM to the path of its binary"


def launch(chromium: BrowserType) -> Browser:
    """A running browser: the one CHROMIUM names, Playwright's own, the system's, or a new one.

    Ends the test run with one line where there is none to be had.
    """
    if named := os.environ.get("CHROMIUM"):
        return _start(chromium, named) or pytest.exit(f"CHROMIUM={named} does not start", returncode=1)
    return (
        _start(chromium)
        or _start_systems(chromium)
        or (_download() and _start(chromium))
        or (_apt_install() and _start_systems(chromium))
        or pytest.exit(HELP, returncode=1)
    )


def _start(chromium: BrowserType, path: str | None = None) -> Browser | None:
    # Without its sandbox, which works neither for root nor in most containers: the pages are ours.
    args = ["--disable-background-networking", "--disable-component-update"]
    try:
        return chromium.launch(executable_path=path, args=args, chromium_sandbox=False)
    except Error:
        return None


def _start_systems(chromium: BrowserType) -> Browser | None:
    paths = map(shutil.which, [HEADLESS, "chromium", "chromium-browser", "google-chrome"])
    return next((browser for path in paths if path and (browser := _start(chromium, path))), None)


def _download() -> bool:
    return run([sys.executable, "-m", "playwright", "install", "chromium"], DOWNLOAD_SECONDS)


def _apt_install() -> bool:
    return (
        os.geteuid() == 0
        and shutil.which("apt-get") is not None
        and run(["apt-get", "update"], INSTALL_SECONDS)
        and run(["apt-get", "install", "-y", HEADLESS], INSTALL_SECONDS)
    )


def run(command: list[str], seconds: int, cwd: Path | None = None) -> bool:
    """Whether `command` does its work, in silence and in time."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
