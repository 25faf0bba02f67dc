"""Queries that take long are told of, without what they were given."""

import logging
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

log = logging.getLogger(__name__)

LONGEST = 1000  # characters of a statement; what it is shows by then


def watch() -> None:
    """From here on, a query that takes longer than SLOW_QUERY_MS is told of. With 0 none is, and none costs
    anything."""
    if settings.SLOW_QUERY_MS:
        connection_created.connect(_watch)


def _watch(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    if _timed not in connection.execute_wrappers:  # it may have been connected before
        connection.execute_wrappers.append(_timed)


def _timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    began = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        milliseconds = (perf_counter() - began) * 1000
        if milliseconds >= settings.SLOW_QUERY_MS:
            log.warning("a query took %d ms: %s", milliseconds, " ".join(str(sql).split())[:LONGEST])
