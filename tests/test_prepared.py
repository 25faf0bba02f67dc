"""Statements that are put together once find what the querysets find."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Count, F
from django.utils import timezone

from rooms import access
from rooms.models import Message, Person, Room
from rooms.prepared import SOME_TIME, first, prepared

pytestmark = pytest.mark.django_db


def test_finds_the_same_as_the_queryset(ann: Person, person: Callable[..., Person]) -> None:
    def query(name: str, since: datetime) -> Any:
        return Person.objects.filter(username=name, date_joined__gte=since).annotate(
            joined=F("date_joined"), rooms=Count("membership")
        )

    asked = prepared(query, "\n", SOME_TIME)
    since = timezone.now() - timedelta(hours=1)
    for one in (ann, person("bob"), ann):
        (found,) = asked(one.username, since)
        (same,) = query(one.username, since)
        assert found == same == one
        assert (found.joined, found.rooms) == (same.joined, same.rooms) == (one.date_joined, 0)
        assert {field.attname: getattr(found, field.attname) for field in Person._meta.concrete_fields} == {
            field.attname: getattr(same, field.attname) for field in Person._meta.concrete_fields
        }
    assert first(asked("ann", timezone.now() + timedelta(hours=1))) is None
    assert first(asked("nobody", since)) is None


def test_what_it_finds_can_be_saved(ann: Person) -> None:
    found: Person = first(prepared(lambda pk: Person.objects.filter(pk=pk), -1)(ann.pk))  # type: ignore[assignment]
    found.bio = "Hello"
    found.save()
    ann.refresh_from_db()
    assert ann.bio == "Hello"


def test_is_put_together_once() -> None:
    made = []

    def query(pk: int) -> Any:
        made.append(pk)
        return Message.objects.filter(pk=pk)

    asked = prepared(query, -1)
    assert [first(asked(pk)) for pk in (1, 2, 3)] == [None, None, None]
    assert made == [-1]


@pytest.mark.parametrize("slug", ["lounge", "", "\0", "\n", "a' OR 1=1 --", "-1", "%s"])
def test_whatever_is_asked_for(lounge: Room, ann: Person, slug: str) -> None:
    if slug == "lounge":
        assert access.find(slug, ann).room == lounge
    else:
        with pytest.raises(access.NoRoom):
            access.find(slug, ann)
