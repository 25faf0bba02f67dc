"""Two who do something at the same moment."""

import threading
import time
from collections.abc import Callable

from django.db import connection, transaction

SECONDS = 20.0


def overlap(first: Callable[[], object], second: Callable[[], object]) -> Exception | None:
    """Do `first`, begin `second` in another thread before that is committed, and go on. Returns what
    `second` raised."""
    raised: list[Exception | None] = []
    begins = threading.Event()

    def do_second() -> None:
        begins.set()
        try:
            second()
            raised.append(None)
        except Exception as error:  # noqa: BLE001 — the test looks at it
            raised.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=do_second)
    with transaction.atomic():
        first()
        thread.start()
        begins.wait(SECONDS)
        _wait_until_blocked(thread)
    thread.join(SECONDS)
    assert raised, "it still waits"
    return raised[0]


def _wait_until_blocked(thread: threading.Thread) -> None:
    """Until the other transaction waits for a lock of this one. SQLite has one lock, which this one
    holds already: there it does not matter when the other begins."""
    end = time.monotonic() + SECONDS
    while connection.vendor == "postgresql" and thread.is_alive():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            row = cursor.fetchone()
        if row and row[0]:
            return
        assert time.monotonic() < end, "it does not wait for the first"
        time.sleep(0.01)
