"""What may be done with a message, and the queue of those that were reported."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rooms import changes, joining, moderation
from rooms.models import Act, Membership, Message, Person, Report, Role, Room
from tests.html import find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

MESSAGE = "/rooms/lounge/messages/1/"
PAGE = f"{MESSAGE}about/"


@pytest.fixture
def bob(lounge: Room, person: MakePerson) -> Person:
    """Who said “buy this” in the lounge."""
    bob = person("bob")
    Membership.join(lounge.pk, bob.pk)
    changes.post(lounge, bob, "buy <this>")
    return bob


@pytest.fixture
def ann(client: Client, lounge: Room, ann: Person) -> Person:
    """Who is in the lounge, signed in."""
    Membership.join(lounge.pk, ann.pk)
    client.force_login(ann)
    return ann


@pytest.fixture
def keeper(lounge: Room, person: MakePerson) -> Person:
    """Who keeps order in the lounge."""
    keeper = person("keeper")
    Membership.join(lounge.pk, keeper.pk, role=Role.MODERATOR)
    return keeper


def headings(page: bytes) -> list[str]:
    return [heading.text.strip() for heading in find_all(page, "h2")]


# The message ---------------------------------------------------------------------------


def test_everybody_finds_what_they_may_do(client: Client, bob: Person, ann: Person, keeper: Person) -> None:
    page = client.get(PAGE).content
    assert find(page, class_="text").text == "buy <this>"
    assert headings(page) == ["What can be done with it", "Report it", "bob"]
    client.force_login(keeper)
    found = headings(client.get(PAGE).content)
    assert found == ["What can be done with it", "Delete it", "Report it", "bob"]
    client.force_login(bob)
    assert headings(client.get(PAGE).content) == ["What can be done with it", "Delete it"]


def test_ones_own_is_deleted_and_its_place_is_kept(client: Client, bob: Person) -> None:
    client.force_login(bob)
    page = client.post(f"{MESSAGE}delete/", follow=True)
    assert page.request["PATH_INFO"] == MESSAGE
    for content in (page.content, client.get(PAGE).content):
        assert find(content, class_="text").text == "This message was deleted."
    assert headings(client.get(PAGE).content) == []
    assert not Act.objects.exists()
    assert client.post(f"{MESSAGE}delete/").status_code == 302


def test_anothers_is_deleted_with_a_reason(client: Client, bob: Person, keeper: Person) -> None:
    client.force_login(keeper)
    client.post(f"{MESSAGE}delete/", {"reason": "Advertising"})
    assert Message.objects.get().body == ""
    act = Act.objects.get()
    assert (act.what, act.by, act.person, act.seq, act.why) == ("deleted", keeper, bob, 1, "Advertising")


def test_a_reason_that_is_too_long_stays_in_its_field(client: Client, bob: Person, keeper: Person) -> None:
    client.force_login(keeper)
    page = client.post(f"{MESSAGE}delete/", {"reason": "x" * 301})
    assert page.status_code == 422
    assert "301 characters" in find(page.content, class_="problem").text
    assert find(page.content, "input", id="delete-reason")["value"] == "x" * 301
    assert Message.objects.get().body


def test_it_is_reported_once(client: Client, bob: Person, ann: Person) -> None:
    for _ in range(2):
        page = client.post(f"{MESSAGE}report/", {"reason": "Advertising"}, follow=True)
        assert "Reported." in find(page.content, class_="notices").text
    report = Report.objects.get()
    assert (report.by, report.reason, report.quote) == (ann, "Advertising", "buy <this>")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_a_report_says_what_is_wrong(client: Client, bob: Person, ann: Person, reason: str) -> None:
    page = client.post(f"{MESSAGE}report/", {"reason": reason})
    assert page.status_code == 422
    assert find(page.content, class_="problem").text
    assert find(page.content, "input", id="report-reason").get("value") == reason
    assert not Report.objects.exists()


def test_who_is_blocked_is_unblocked_where_they_wrote(client: Client, bob: Person, ann: Person) -> None:
    def labels() -> list[str]:
        return [form.text.strip() for form in find_all(client.get(PAGE).content, "form", class_="one-button")]

    assert labels() == ["Save it for yourself", "Write to them", "Block"]
    joining.block(ann, bob)
    assert labels() == ["Save it for yourself", "Write to them", "Unblock"]


@pytest.mark.parametrize("path", ["99/", "99/about/", "99/delete/", "99/report/", f"{10**22 - 1}/", "0/"])
def test_a_message_that_is_not_there(client: Client, bob: Person, ann: Person, path: str) -> None:
    ask = client.get if path[-2:] in ("9/", "t/", "0/") and "report" not in path else client.post
    assert ask(f"/rooms/lounge/messages/{path}").status_code == 404


# The queue -----------------------------------------------------------------------------


@pytest.fixture
def reported(bob: Person, ann: Person, keeper: Person, lounge: Room) -> list[Report]:
    """60 reports of 60 messages."""
    for n in range(60):
        moderation.report(changes.post(lounge, bob, f"offer {n}"), ann, f"Advertising {n}")
    return list(Report.objects.order_by("pk"))


def test_the_queue_is_read_from_its_oldest_a_page_at_a_time(
    client: Client, keeper: Person, reported: list[Report]
) -> None:
    client.force_login(keeper)
    first = client.get("/reports/").content
    [following] = [link["href"] for link in find_all(first, "a") if link.text == "Next page"]
    second = client.get(f"/reports/{following}").content
    shown = [article["id"] for page in (first, second) for article in find_all(page, "article")]
    assert shown == [f"report-{report.pk}" for report in reported]
    article = find(first, "article", id=f"report-{reported[0].pk}")
    for part in ("ann", "bob", "Lounge", "Advertising 0", "offer 0"):
        assert part in article.text
    assert find_all(first, "a", href="/rooms/lounge/messages/2/")
    assert find_all(first, "a", href=f"/rooms/lounge/people/{reported[0].message.author_id}/")


def test_more_reports_cost_no_more_queries(client: Client, keeper: Person, reported: list[Report]) -> None:
    client.force_login(keeper)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/reports/")
        return len(captured)

    with_many = queries()
    Report.objects.exclude(pk=reported[0].pk).delete()
    assert queries() == with_many


def test_a_report_is_dismissed(client: Client, keeper: Person, reported: list[Report]) -> None:
    client.force_login(keeper)
    page = client.post(f"/reports/{reported[0].pk}/dismiss/", follow=True)
    assert not find_all(page.content, id=f"report-{reported[0].pk}")
    assert Message.objects.get(seq=2).body == "offer 0"
    assert client.post(f"/reports/{reported[0].pk}/dismiss/").status_code == 404


def test_what_was_reported_is_deleted(client: Client, keeper: Person, reported: list[Report]) -> None:
    client.force_login(keeper)
    page = client.post(f"/reports/{reported[0].pk}/delete/", follow=True)
    assert not find_all(page.content, id=f"report-{reported[0].pk}")
    assert Message.objects.get(seq=2).body == ""
    assert Act.objects.latest("pk").why == "Advertising 0"


def test_others_find_none_of_it(client: Client, ann: Person, reported: list[Report]) -> None:
    assert "nothing to look at" in client.get("/reports/").content.decode()
    for act in ("dismiss", "delete"):
        assert client.post(f"/reports/{reported[0].pk}/{act}/").status_code == 404
    assert Report.objects.open().count() == 60


def test_who_was_moderator_a_moment_ago(
    client: Client, keeper: Person, reported: list[Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(keeper)
    mine = Membership.objects.get(person=keeper)
    find_queue = moderation.reports_for

    def then_demoted(by: Person) -> object:
        queue = find_queue(by)
        list(queue)
        Membership.objects.filter(pk=mine.pk).update(role=Role.MEMBER)
        return Report.objects.filter(pk__in=[report.pk for report in reported])

    monkeypatch.setattr(moderation, "reports_for", then_demoted)
    response = client.post(f"/reports/{reported[0].pk}/delete/")
    assert response.status_code == 403
    assert "You cannot delete this message." in response.content.decode()


@pytest.mark.parametrize("after", ["", "x", "0", "9" * 18, "9" * 40, "٣"])
def test_any_page_of_it_gets_an_answer(client: Client, ann: Person, after: str) -> None:
    assert client.get("/reports/", {"after": after}).status_code == 200


def test_the_lobby_counts_them(client: Client, keeper: Person, ann: Person, reported: list[Report]) -> None:
    assert not find_all(client.get("/").content, "a", href="/reports/")
    client.force_login(keeper)
    assert find(client.get("/").content, "a", href="/reports/").text.split() == ["Reports", "60"]
