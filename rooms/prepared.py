"""Queries that every page asks, put together once.

    at_slug = prepared(lambda slug: Room.objects.filter(slug=slug), "a slug that no room has")
    room = first(at_slug("lounge"))

Django takes some milliseconds to put a long one together, and the database a fraction of one to answer.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, TypeVar

from django.db import connection

Found = TypeVar("Found")

SOME_TIME = datetime(1, 1, 2, tzinfo=UTC)  # stands in for times; before it there is none


def prepared(query: Callable[..., Any], *stand_ins: Any) -> Callable[..., Iterator[Any]]:
    """`query`, which makes querysets that are alike but for the values it is given. The `stand_ins` are
    such values, each unlike whatever else is in the queryset: where they end up in the statement, the
    values given later are put. Objects come as from the queryset, with all that is annotated, and
    without what `select_related` would bring."""

    @cache
    def statement(vendor: str) -> tuple[Any, str, list[Any]]:
        compiler = query(*stand_ins).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        return compiler, sql, list(params)

    def carried_out(*values: Any) -> Iterator[Any]:
        compiler, sql, params = statement(connection.vendor)
        given = dict(zip(map(adapted, stand_ins), map(adapted, values), strict=True))
        with connection.cursor() as cursor:
            cursor.execute(sql, [given.get(param, param) for param in params])
            rows = cursor.fetchall()
        # As django.db.models.query.ModelIterable does it.
        model, columns = compiler.klass_info["model"], compiler.klass_info["select_fields"]
        names = [compiler.select[column][0].target.attname for column in columns]
        for row in compiler.results_iter([rows]):
            found = model.from_db(connection.alias, names, [row[column] for column in columns])
            for name, column in compiler.annotation_col_map.items():
                setattr(found, name, row[column])
            yield found

    return carried_out


def first(found: Iterator[Found]) -> Found | None:
    return next(found, None)


def adapted(value: Any) -> Any:
    """What a statement is given for `value`."""
    if isinstance(value, dict):
        return json.dumps(value)
    return _adapted_time(value) if isinstance(value, datetime) else value


@lru_cache(maxsize=256)  # of a message most are asked for twice, in it and in the next
def _adapted_time(moment: datetime) -> Any:
    # On SQLite as Django writes it, who asks three places for the time zone, which is UTC.
    on_sqlite = connection.vendor == "sqlite"
    return str(moment.astimezone(UTC).replace(tzinfo=None)) if on_sqlite else moment
