"""A database from before there was a tally of what is said: the migration makes it."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps

from rooms import changes
from rooms.history_file import Line
from rooms.models import Room, Tally

fields = ("room__name", "quarter", "first_seq", "last_seq", "count")


@pytest.mark.django_db
def test_what_was_said_before_is_counted_as_what_is_said_since() -> None:
    noon = datetime(2020, 6, 2, 12, tzinfo=UTC)
    times = [noon + n * timedelta(minutes=7) for n in range(20)]
    for name, order in (("Lounge", times), ("Study", times[::-1]), ("Attic", [*times, *times])):
        lines = [Line(at, "ann", "x", f"key {n}") for n, at in enumerate(order)]
        changes.load(Room.named(name), lines)
    counted = list(Tally.objects.order_by("room", "first_seq").values_list(*fields))
    assert len(counted) > 20
    Tally.objects.all().delete()
    migration = import_module("rooms.migrations.0005_history")
    migration.count_what_was_said(apps, None)
    assert list(Tally.objects.order_by("room", "first_seq").values_list(*fields)) == counted
