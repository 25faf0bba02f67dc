"""Two who do something at the same moment."""

import re
import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection, transaction

from project.database import is_of_one_row

Act = Callable[[], object]

SECONDS = 20.0
LOCKS = re.compile(r" FOR (NO KEY )?UPDATE|^(INSERT INTO|UPDATE|DELETE FROM) \W?rooms_(membership|following)")
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


def overlap(first: Act, second: Act) -> Exception | None:
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
            cursor.execute(WAITING)
            row = cursor.fetchone()
        if row and row[0]:
            return
        assert time.monotonic() < end, "it does not wait for the first"
        time.sleep(0.01)


def step_by_step(make: Callable[[], tuple[Act, Act]]) -> list[str]:
    """Do the first of the two that `make` returns, and have the second begin after the first one's first
    statement that `LOCKS`, and go as far as it can; then anew for its next such statement, and so on.
    Returns which of their statements failed because they waited for each other, or for too long, if any did,
    and ends with that."""
    refused: list[str] = []
    step = 1
    while _meet_at(step, *make(), refused) and not refused:
        step += 1
    assert refused or step > 1, "it locks nothing"
    return refused


def _meet_at(step: int, first: Act, second: Act, refused: list[str]) -> bool:
    """Returns whether there is such a step of `first`."""
    taken = 0
    thread = threading.Thread(target=lambda: _watched(second, watch, connection.close))

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal taken
        try:
            result = execute(sql, params, many, context)
        except DatabaseError as error:
            if is_of_one_row(error):
                refused.append(f"{error}: {sql}")
            raise
        if threading.current_thread() is not thread and LOCKS.search(sql):
            taken += 1
            if taken == step:
                thread.start()
                _wait_until_blocked(thread)
        return result

    _watched(first, watch)
    if thread.ident is None:
        return False
    thread.join(SECONDS)
    assert not thread.is_alive(), "it still waits"
    return True


def _watched(do: Act, watch: Any, end: Act = lambda: None) -> None:
    try:
        with connection.execute_wrapper(watch):
            do()
    except DatabaseError:
        pass  # which was watched
    finally:
        end()
