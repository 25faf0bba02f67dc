"""Breaks each guard in turn, or those that are named, and runs seeds until it is noticed; the exit code
is 1 where one never was."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from faults.options import Options
from faults.run import run
from faults.site import Ground

SEEDS = 5
SECONDS = 25.0
SETTLE_SECONDS = 20.0

# Where each is as likely to be noticed as its kind of trouble allows.
WHERE = {
    "gap-repair": Options(0, SECONDS, processes=2, server="uvicorn", kinds=("redis-kill", "redis-pause")),
    "resume-order": Options(0, SECONDS, server="uvicorn", kinds=("network-cut", "network-swallow")),
    "publish-after-commit": Options(0, SECONDS, server="uvicorn", kinds=("network-delay",)),
    "row-lock": Options(0, SECONDS, "postgres", processes=2, server="uvicorn", kinds=("none",)),
    "slow-close": Options(0, SECONDS, server="uvicorn", kinds=("tab-stall",)),
}


def noticed(guard: str, directory: Path) -> bool:
    """Run the site with the guard broken; tells what was noticed. Returns whether anything was."""
    options = replace(WHERE[guard], guard=guard, tabs=9, settle=SETTLE_SECONDS)
    ground = Ground(directory, options.database)
    for seed in range(1, SEEDS + 1):
        result = asyncio.run(run(replace(options, seed=seed), ground))
        if result.violations:
            print(f"{guard}: noticed with seed {seed}, {len(result.violations)} violations, such as")
            for what in result.violations[:3]:
                print(f"  {what[:200]}", flush=True)
            return True
        print(f"{guard}: not noticed with seed {seed}", flush=True)
    return False


def main(guards: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="parlor-faults-") as directory:
        missed = []
        for guard in guards:
            place = Path(directory) / guard
            place.mkdir()
            if not noticed(guard, place):
                missed.append(guard)
    print(f"{len(guards) - len(missed)} of {len(guards)} broken guards were noticed")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(WHERE)))
