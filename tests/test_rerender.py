"""`manage.py rerender`: what an older release has rendered is rendered again."""

from typing import Any

import pytest
from django.core.management import call_command

from rooms import changes, markup, rerender
from rooms.models import Kind, Membership, Message, Person, Room
from rooms.search.results import search
from tests.html import find_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(lounge: Room, ann: Person) -> Message:
    """A message that was rendered when bodies were plain text."""
    Membership.join(lounge.pk, ann.pk)
    message = changes.post(lounge, ann, "**hello** @ann")
    Message.objects.filter(pk=message.pk).update(html="**hello** @ann", markup=0)
    return Message.objects.get(pk=message.pk)


def test_what_is_old_is_rendered_again_and_nothing_else(old: Message, lounge: Room, ann: Person) -> None:
    new = changes.post(lounge, ann, "new")
    Message.objects.filter(pk=new.pk).update(html="as it is")
    room = Room.objects.get(pk=lounge.pk)
    mentions = Membership.objects.get(room=lounge, person=ann).mentions
    call_command("rerender")
    message = Message.objects.get(pk=old.pk)
    assert find_all(message.html, "strong")[0].text == "hello"
    assert find_all(message.html, class_="mention")[0]["data-person"] == str(ann.pk)
    assert (message.markup, message.version) == (markup.VERSION, old.version)
    assert Message.objects.get(pk=new.pk).html == "as it is"
    assert Room.objects.get(pk=lounge.pk).clock == room.clock
    assert Membership.objects.get(room=lounge, person=ann).mentions == mentions


def test_all_of_it_if_that_is_asked_for(old: Message, lounge: Room, ann: Person) -> None:
    new = changes.post(lounge, ann, "new")
    Message.objects.filter(pk=new.pk).update(html="as it is")
    call_command("rerender", "--all")
    assert Message.objects.get(pk=new.pk).html == "<p>new</p>"


def test_what_is_deleted_stays_so(old: Message, ann: Person) -> None:
    changes.delete(old, ann)
    call_command("rerender", "--all")
    assert Message.objects.get(pk=old.pk).html == ""


def test_a_change_made_meanwhile_stays(old: Message, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    render = markup.render

    def render_and_delete(*args: Any) -> markup.Rendered:
        monkeypatch.setattr(markup, "render", render)
        changes.delete(old, ann)
        return render(*args)

    monkeypatch.setattr(markup, "render", render_and_delete)
    assert list(rerender.rerender()) == [1]
    assert Message.objects.get(pk=old.pk).html == ""


def test_it_goes_on_where_it_was_ended(old: Message, lounge: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        changes.post(lounge, old.author, f"*{n}*")
    Message.objects.update(markup=0)
    monkeypatch.setattr(rerender, "BATCH", 2)
    assert next(rerender.rerender()) == 2
    assert Message.objects.filter(markup=markup.VERSION).count() == 2
    assert sum(rerender.rerender()) == 3
    assert not Message.objects.exclude(markup=markup.VERSION).exists()


def test_what_has_become_a_link_is_found_as_one(lounge: Room, ann: Person) -> None:
    message = changes.post(lounge, ann, "tea: `http://a.example`")
    Message.objects.filter(pk=message.pk).update(markup=0, html='<a href="http://a.example">x</a>')
    message = Message.objects.select_related("room").get(pk=message.pk)
    rerender.index.put([message])
    assert search("tea has:link", ann).hits
    call_command("rerender")
    assert not search("tea has:link", ann).hits


def test_rooms_that_are_not_open_are_never_named(lounge: Room, ann: Person) -> None:
    hidden = [Room.hidden("Cellar", Kind.PRIVATE), Room.hidden("", Kind.DIRECT, "1 2")]
    for room in hidden:
        Membership.join(room.pk, ann.pk)
    body = f"#Cellar #{hidden[0].slug} #{hidden[1].slug} #Lounge #lounge #LOUNGE"
    message = changes.post(lounge, ann, body)
    assert [link.text for link in find_all(message.html, "a")] == ["#Lounge", "#lounge", "#LOUNGE"]
    assert {link["href"] for link in find_all(message.html, "a")} == {"/rooms/lounge/"}
