"""A conversation as a file of history."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path


def history(folder: Path) -> str:
    """The path of a file in which ann says most, and everybody a few letters."""
    file = folder / "history.jsonl"
    start = datetime(2020, 6, 2, tzinfo=UTC)
    with file.open("w") as lines:
        for n in range(200):
            at = f"{start + n * timedelta(seconds=1 + n % 9):%FT%TZ}"
            print(
                json.dumps({"at": at, "author": "ann" if n % 4 else f"bob{n}", "body": "x" * 5}), file=lines
            )
    return str(file)
