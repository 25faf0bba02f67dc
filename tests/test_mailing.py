"""Who was named or written to, and did not see it, is told by mail."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rooms import changes, joining, mailing, moderation
from rooms.models import Membership, Message, Person, Room
from rooms.queue import queued
from rooms.unread import mark_all_read
from tests.accounts import logged_in, make_account, make_member
from tests.tasks import work

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mail_server(settings: Settings) -> None:
    settings.EMAIL_URL = "smtp://mail.example"  # which sends nothing: the tests have an outbox
    settings.SITE_URL = "https://chat.example"


@pytest.fixture
def bob(lounge: Room) -> Person:
    """Who has an account, is in the lounge, and away."""
    return make_member(lounge, "bob")


@pytest.fixture
def ann(lounge: Room, ann: Person) -> Person:
    Membership.join(lounge.pk, ann.pk)
    return ann


def later(minutes: int = 16) -> list[str]:
    """The mail that is sent so many minutes from now, if the worker looks then, by subject."""
    before = len(mail.outbox)
    for person, news in list(mailing.overdue(timezone.now() + timedelta(minutes=minutes))):
        mailing.mail(person, news)
    return [str(message.subject) for message in mail.outbox[before:]]


def test_one_mail_for_all_of_it(lounge: Room, ann: Person, bob: Person) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    changes.post(lounge, ann, "nothing for him")
    changes.post(lounge, ann, "@bob please!")
    changes.post(joining.direct_room(ann, [bob]), ann, "hello")
    assert later() == ["3 messages for you in 2 rooms"]
    (message,) = mail.outbox
    assert message.to == [EmailAddress.objects.get(user=bob).email]
    text = str(message.body)
    assert "ann: @bob are you there?" in text and "ann: @bob please!" in text and "ann: hello" in text
    assert "nothing for him" not in text
    assert "https://chat.example/rooms/lounge/" in text


def test_only_after_a_while_and_only_once(lounge: Room, ann: Person, bob: Person) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    assert later(14) == []
    assert later(16) == ["1 message for you in Lounge"]
    changes.post(lounge, ann, "@bob?")
    assert later(60) == []
    mark_all_read(bob.pk)
    changes.post(lounge, ann, "@bob!")
    assert later(60) == ["1 message for you in Lounge"]


def test_what_was_read_needs_no_mail(lounge: Room, ann: Person, bob: Person) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    mark_all_read(bob.pk)
    assert later() == []


def test_an_answer_is_told_too(lounge: Room, ann: Person, bob: Person) -> None:
    said = changes.post(lounge, bob, "tea?")
    changes.post(lounge, ann, "yes", reply=said.seq)
    assert later() == ["1 message for you in Lounge"]
    assert "ann: yes" in str(mail.outbox[0].body)


def test_who_wants_none_gets_none(lounge: Room, ann: Person, bob: Person) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    Person.objects.filter(pk=bob.pk).update(mail_minutes=0)
    assert later() == []
    Person.objects.filter(pk=bob.pk).update(mail_minutes=60)
    assert later(59) == [] and later(61)


@pytest.mark.parametrize("how", ["unverified", "closed", "banned", "banned here", "removed"])
def test_nor_do_these(lounge: Room, ann: Person, bob: Person, how: str) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    match how:
        case "unverified":
            EmailAddress.objects.update(verified=False)
        case "closed":
            Person.objects.filter(pk=bob.pk).update(is_active=False)
        case "banned":
            Person.objects.filter(pk=bob.pk).update(banned_until=moderation.FOR_EVER)
        case "banned here":
            Membership.objects.filter(person=ann).update(role="owner")
            moderation.ban(lounge, bob, ann, "enough")
        case "removed":
            Membership.objects.filter(person=ann).update(role="owner")
            moderation.remove(lounge, bob, ann)
    assert later() == []


def test_what_was_deleted_is_not_in_it(lounge: Room, ann: Person, bob: Person) -> None:
    changes.delete(changes.post(lounge, ann, "@bob secret"), ann)
    changes.post(lounge, ann, "@bob are you there?")
    later()
    assert "secret" not in str(mail.outbox[0].body)


def test_a_name_cannot_forge_a_header(ann: Person, bob: Person) -> None:
    room = joining.private_room("Lounge\nBcc: eve@a.example"[:60].replace("\n", " "), make_account("eve"))
    Membership.join(room.pk, ann.pk, bob.pk)
    changes.post(room, ann, "@bob <b>\r\nBcc: eve@a.example")
    later()
    assert mail.outbox[0].recipients() == [EmailAddress.objects.get(user=bob).email]


# Telling -------------------------------------------------------------------------------


def test_the_worker_does_it_every_minute(
    lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    Membership.objects.filter(person=bob).update(mentioned_at=timezone.now() - timedelta(hours=1))
    mailing.tell_the_absent.enqueue()
    work()
    assert len(mail.outbox) == 1
    assert len(queued(mailing.tell_the_absent)) == 1


def test_without_a_mail_server_nobody_is_told(settings: Settings) -> None:
    settings.EMAIL_URL = ""
    mailing.schedule()
    assert not queued(mailing.tell_the_absent)


def test_what_could_not_be_sent_is_sent_the_next_time(
    lounge: Room, ann: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    Membership.objects.filter(person=bob).update(mentioned_at=timezone.now() - timedelta(hours=1))

    def fails(*args: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as away:
        away.setattr(mail.EmailMessage, "send", fails)
        mailing.tell_the_absent.call()
    assert not mail.outbox
    mailing.tell_the_absent.call()
    assert len(mail.outbox) == 1


# Stopping ------------------------------------------------------------------------------


def test_one_click_stops_it(client: Client, lounge: Room, ann: Person, bob: Person) -> None:
    changes.post(lounge, ann, "@bob are you there?")
    later()
    headers = mail.outbox[0].extra_headers
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = headers["List-Unsubscribe"].strip("<>").removeprefix("https://chat.example")
    assert path in str(mail.outbox[0].body)
    assert client.get(path).status_code == 200
    bob.refresh_from_db()
    assert bob.mail_minutes == 15  # a mail program that looks at links stops nothing
    client = Client(enforce_csrf_checks=True)
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    bob.refresh_from_db()
    assert bob.mail_minutes == 0


@pytest.mark.parametrize("token", ["x", "1:2:3", "é", "a" * 3000])
def test_a_token_that_is_nobodys(client: Client, bob: Person, token: str) -> None:
    assert client.get(f"/mail/{token}/").status_code == client.post(f"/mail/{token}/").status_code == 404


def test_it_is_among_the_settings_of_those_with_an_account(client: Client, ann: Person, bob: Person) -> None:
    browser = logged_in(bob)
    values = {"username": "bob", "mail_minutes": "60"}
    assert browser.post("/settings/", values).status_code == 302
    bob.refresh_from_db()
    assert bob.mail_minutes == 60
    assert browser.post("/settings/", values | {"mail_minutes": "7"}).status_code == 422
    client.force_login(ann)
    assert b"mail_minutes" not in client.get("/settings/").content
    assert Message.objects.count() == 0
