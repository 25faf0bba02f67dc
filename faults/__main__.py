"""Runs the suite; the exit code is 1 where anything was violated."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults import report
from faults.options import Options, runs
from faults.run import Result, run
from faults.site import Ground


def main(asked: Sequence[Options]) -> int:
    """Do these runs, all of one kind of database. Returns the exit code."""
    directory = Path(tempfile.mkdtemp(prefix="parlor-faults-"))
    results: list[Result] = []
    ground = Ground(directory, asked[0].database)
    for options in asked:
        result = asyncio.run(run(options, ground))
        results.append(result)
        print(report.line(result), flush=True)
        if result.violations or len(asked) == 1:
            print(report.details(result), flush=True)
        else:
            shutil.rmtree(result.logs, ignore_errors=True)
    if len(asked) > 1:
        print(report.summary(results))
    is_bad = any(result.violations for result in results)
    if not is_bad:
        shutil.rmtree(directory, ignore_errors=True)
    return int(is_bad)


if __name__ == "__main__":
    sys.exit(main(runs()))
