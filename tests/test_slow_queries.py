"""Queries that take long are told of."""

import logging
import re
from collections.abc import Iterator

import pytest
from django.db import Error, connection
from django.db.backends.signals import connection_created
from pytest_django import Settings

from project import slow_queries
from rooms.models import Room

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "what somebody said"


@pytest.fixture
def watched(settings: Settings) -> Iterator[Settings]:
    """A connection that was opened since queries are watched."""
    settings.SLOW_QUERY_MS = 1_000_000
    connection.close()
    slow_queries.watch()
    yield settings
    connection_created.disconnect(slow_queries._watch)
    connection.close()
    connection.execute_wrappers.clear()


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == slow_queries.__name__]


def test_one_that_takes_long_is_told_of(watched: Settings, caplog: pytest.LogCaptureFixture) -> None:
    assert not Room.objects.filter(name=SECRET).exists()
    assert told(caplog) == []
    watched.SLOW_QUERY_MS = 1e-6
    assert not Room.objects.filter(name=SECRET).exists()
    (line,) = told(caplog)
    assert re.match(r'a query took \d+ ms: SELECT .* FROM "rooms_room" WHERE ', line)
    assert SECRET not in caplog.text
    assert caplog.records[-1].levelno == logging.WARNING


def test_however_often_it_is_connected_it_is_told_once(
    watched: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        connection.close()
        connection.ensure_connection()
    watched.SLOW_QUERY_MS = 1e-6
    assert not Room.objects.exists()
    assert len(told(caplog)) == 1


def test_so_is_one_that_fails(watched: Settings, caplog: pytest.LogCaptureFixture) -> None:
    watched.SLOW_QUERY_MS = 1e-6
    with pytest.raises(Error), connection.cursor() as cursor:
        cursor.execute("SELECT nothing FROM nowhere WHERE name = %s", [SECRET])
    assert "SELECT nothing FROM nowhere WHERE name = %s" in caplog.text
    assert SECRET not in caplog.text


def test_a_long_one_is_told_on_one_line_as_far_as_it_goes(
    watched: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    watched.SLOW_QUERY_MS = 1e-6
    with connection.cursor() as cursor:
        cursor.execute("SELECT\n\t1   " + "+ 1" * 500)
    (line,) = told(caplog)
    assert "SELECT 1 + 1" in line
    assert "\n" not in line
    assert len(line) < slow_queries.LONGEST + 50


def test_where_none_is_to_be_told_of_none_is_watched(settings: Settings) -> None:
    settings.SLOW_QUERY_MS = 0
    slow_queries.watch()
    connection.close()
    connection.ensure_connection()
    assert connection.execute_wrappers == []
