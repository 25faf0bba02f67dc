"""Reading from the database where a loop must go on.

Writers wait for each other, and all that wait in one thread would wait with them. Sockets read in
a thread of their own.
"""

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from channels.db import database_sync_to_async

P = ParamSpec("P")
R = TypeVar("R")

readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="reading")


def reading(function: Callable[P, R]) -> Callable[P, Awaitable[R]]:
    """`function`, which only reads from the database, as a coroutine function."""
    read: Any = database_sync_to_async(function, thread_sensitive=False, executor=readers)
    return read
