"""Texts go out compressed, and nothing else."""

import gzip

import pytest
from django.test import Client

from rooms import changes
from rooms.models import Person, Room

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
GZIP = {"accept-encoding": "gzip, br"}


@pytest.fixture
def browser(client: Client, ann: Person, lounge: Room) -> Client:
    client.force_login(ann)
    client.get("/rooms/lounge/")
    return client


def test_a_page_is_a_fraction_of_its_size(browser: Client, lounge: Room, ann: Person) -> None:
    for n in range(50):
        changes.post(lounge, ann, f"hello, this is message {n}")
    response = browser.get("/rooms/lounge/", headers=GZIP)
    page = gzip.decompress(response.content)
    assert b"this is message 49" in page
    assert response["Content-Encoding"] == "gzip" and "Accept-Encoding" in response["Vary"]
    assert len(response.content) * 4 < len(page)
    assert "Content-Encoding" not in browser.get("/rooms/lounge/").headers


def test_no_two_are_of_one_length_that_would_tell_of_what_is_in_them(browser: Client) -> None:
    assert len({len(browser.get("/help/writing/", headers=GZIP).content) for _ in range(20)}) > 1


def test_a_page_that_did_not_change_is_not_sent_again(browser: Client, lounge: Room, ann: Person) -> None:
    changes.post(lounge, ann, "hello " * 100)
    page = browser.get("/rooms/lounge/history/", headers=GZIP)
    again = browser.get("/rooms/lounge/history/", headers=GZIP | {"if-none-match": page["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
