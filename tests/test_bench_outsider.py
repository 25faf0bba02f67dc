"""`manage.py bench_outsider`."""

import io

import pytest
from django.core.management import call_command
from django.test import Client

from rooms.management.commands import bench_outsider
from rooms.models import Person, Room

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_every_road_is_measured_and_nothing_is_left() -> None:
    out = io.StringIO()
    call_command("bench_outsider", rounds=1, stdout=out)
    rows = [line.split()[0] for line in out.getvalue().splitlines()[1:]]
    assert {"room", "messages", "message", "about", "ban", "archive"} <= set(rows)
    assert not Room.objects.exists()
    assert not Person.objects.exists()


def test_what_can_be_told_from_a_missing_room_is_not_measured(ann: Person, lounge: Room) -> None:
    client = Client()
    client.force_login(ann)
    ask = dict(bench_outsider.roads(client))["room"]
    with pytest.raises(AssertionError, match="was answered with 200"):
        ask(lounge.slug)
