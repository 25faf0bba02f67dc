"""Queries that every page asks, put together once.

    at_slug = prepared(lambda slug: Room.objects.filter(slug=slug), "a slug that no room has")
    room = first(at_slug("lounge"))

Django takes some milliseconds to put a long one together, and the database a fraction of one to answer.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from django.db import connection

Found = TypeVar("Found")


def prepared(query: Callable[..., Any], *stand_ins: Any) -> Callable[..., Iterable[Any]]:
    """`query`, which makes querysets that are alike but for the values it is given. The `stand_ins` are
    such values, each unlike whatever else is in the queryset: where they end up in the statement, the
    values given later are put. Objects come as from `raw`, with all that is annotated."""

    @cache
    def statement(vendor: str) -> tuple[Any, str, list[Any]]:
        queryset = query(*stand_ins)
        sql, params = queryset.query.sql_with_params()
        return queryset.model.objects, sql, list(params)

    def carried_out(*values: Any) -> Iterable[Any]:
        manager, sql, params = statement(connection.vendor)
        given = dict(zip(map(_adapted, stand_ins), map(_adapted, values), strict=True))
        return manager.raw(sql, [given.get(param, param) for param in params])

    return carried_out


def first(found: Iterable[Found]) -> Found | None:
    return next(iter(found), None)


def _adapted(value: Any) -> Any:
    is_time = isinstance(value, datetime)
    return connection.ops.adapt_datetimefield_value(value) if is_time else value
