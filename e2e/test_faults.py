"""Two short runs of the fault suite, each with a seed that brings about much in little time."""

import subprocess
import sys

from tests.process import ROOT

SECONDS = 300


def passes(*options: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "faults", *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_site_on_sqlite_and_a_real_browser_among_its_tabs() -> None:
    passes("--seed", "14", "--seconds", "14", "--tabs", "5", "--chromium", "1")


def test_two_processes_on_postgres() -> None:
    passes("--seed", "57", "--seconds", "14", "--tabs", "6", "--processes", "2", "--database", "postgres")
