"""The clock of a server process, stepped by libfaketime, which the process is started with."""

import importlib.util
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

HOURS = 3


@cache
def library() -> Path | None:
    """Where it is; None where there is none that works on this machine."""
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        return None
    path = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    env = {"LD_PRELOAD": str(path), "FAKETIME": "1999-01-01 00:00:00", "DONT_FAKE_MONOTONIC": "1"}
    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.gmtime().tm_year)"],
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    return path if told.stdout.strip() in ("1998", "1999") else None


class Clock:
    """Of one process, told in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.step(0)

    def environment(self) -> dict[str, str]:
        """What the process is to find in its own. Time that only passes is not stepped: nor is it by a
        clock that is set."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._path),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def step(self, hours: int) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_text(f"{hours * 3600:+d}\n")
        draft.replace(self._path)
