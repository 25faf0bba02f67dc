"""Files kept by S3: as the environment says, and handed out by the site all the same."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from rooms import changes
from rooms.models import File, Membership, Message, Person, Room
from tests.s3 import s3_server
from tests.tasks import work
from tests.test_files import MP4, at, content, picture
from tests.test_headers import read_settings

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.fixture
def bucket(settings: Any) -> Iterator[tuple[dict[str, bytes], list[str]]]:
    """A site whose files are in a bucket: what that holds, and the parts it was asked for."""
    with s3_server() as (url, objects, ranges):
        read = read_settings(
            S3_BUCKET="parlor",
            S3_ENDPOINT_URL=url,
            S3_REGION="eu-central-1",
            S3_ACCESS_KEY_ID="id",
            S3_SECRET_ACCESS_KEY="secret",
        )
        settings.STORAGES = settings.STORAGES | {"default": read["STORAGES"]["default"]}
        yield objects, ranges


def test_files_are_kept_made_handed_out_and_deleted(
    client: Client, lounge: Room, person: Callable[..., Person], bucket: Any
) -> None:
    objects, ranges = bucket
    ann = person("ann")
    Membership.join(lounge.pk, ann.pk)
    client.force_login(ann)
    film = MP4 + bytes(n % 251 for n in range(700_000))
    uploads = [SimpleUploadedFile("a.png", picture()), SimpleUploadedFile("b.mp4", film)]
    assert client.post("/rooms/lounge/messages/", {"files": uploads}).status_code == 302
    first, second = File.objects.order_by("place")
    assert objects.keys() == {f"/parlor/{first.stored}", f"/parlor/{second.stored}"}
    assert objects[f"/parlor/{second.stored}"] == film
    work()
    assert objects.keys() == {f"/parlor/{name}" for name in (first.large, first.small, second.stored)}
    assert content(client.get(f"{at(first)}small/"))[8:12] == b"WEBP"
    assert content(client.get(at(second))) == film
    part = client.get(at(second), headers={"Range": "bytes=600000-600009"})
    assert (part.status_code, content(part)) == (206, film[600_000:600_010])
    assert ranges[-1] == "bytes=600000-600009"  # and nothing else of it was fetched
    objects.pop(f"/parlor/{first.small}")
    assert client.get(f"{at(first)}small/").status_code == 404
    changes.delete(Message.objects.get(), ann)
    assert (objects, File.objects.count()) == ({}, 0)
