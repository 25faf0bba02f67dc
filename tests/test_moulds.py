"""What is put together of its texts is what its template makes of them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms import fragments, moulds
from rooms.forms import new_key
from rooms.markup import render
from rooms.models import Message, Person, Room

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=40)
hostile = st.sampled_from(["%(seq)s", "%s 100%", "<b>&\"'</b>", "%%(html)s", "{{ message }}"]) | texts
moments = st.integers(0, 4 * 10**15).map(lambda moment: datetime.fromtimestamp(moment / 10**6, UTC))
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/St_Johns", "Pacific/Apia"])


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Plain ones, and such as are more than that."""
    at = draw(moments)
    gap = st.integers(0, 8 * 60).map(lambda seconds: at - timedelta(seconds=seconds))
    message = Message(
        room=Room(pk=1, slug=draw(st.sampled_from(["lounge", "žofie-2", "休憩室"])), name="x"),
        author=Person(pk=draw(st.integers(1, 10**6)), username=draw(hostile)),
        seq=draw(st.integers(1, 2**40)),
        version=1,
        at=at,
        previous_at=draw(st.none() | gap),
        follows_author=draw(st.booleans()),
        html=render(draw(hostile)).html,
        edited_at=draw(st.sampled_from([None, None, None, at])),
        deleted_at=draw(st.sampled_from([None, None, None, at])),
        thread_seq=draw(st.sampled_from([None, None, None, 7])),
        extras=draw(st.sampled_from([None, None, None, {"pinned": True}])),
    )
    message.is_topmost = draw(st.booleans())
    return message


def rendered(partial: str, **context: object) -> str:
    """As the template makes it, whatever there is to be put together."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moulds, "plain", lambda *args: None)
        return render_to_string(f"room.html#{partial}", context)


@settings(deadline=None)
@given(messages(), zones)
def test_a_message_is_as_its_template_makes_it(message: Message, zone: str) -> None:
    with timezone.override(zone):
        by_template = rendered("changed", message=message)
        assert render_to_string("room.html#changed", {"message": message}) == by_template
    assert fragments.change(message, zone, is_new=True) == by_template


def test_a_text_alone_is_not_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2024, 2, 3, 12, tzinfo=UTC)
    room, author = Room(pk=1, slug="x", name="x"), Person(pk=7, username="ann")
    message = Message(room=room, author=author, seq=2, version=2, at=at, previous_at=at, html="<p>hello</p>")
    first = fragments.change(message, "UTC", is_new=True)
    monkeypatch.setattr(fragments, "_render", lambda *args: pytest.fail("It was rendered."))
    assert fragments.change(message, "UTC", is_new=True) == first
    message.html = "<p>and more</p>"
    assert fragments.change(message, "UTC", is_new=True) == first.replace("hello", "and more")


@pytest.mark.parametrize("more", ["extras", "edited_at", "deleted_at", "thread_seq", "is_here", "is_topmost"])
def test_what_is_more_is_rendered(more: str) -> None:
    at = datetime(2024, 2, 3, 12, tzinfo=UTC)
    room, author = Room(pk=1, slug="x", name="x"), Person(pk=7, username="ann")
    message = Message(room=room, author=author, seq=2, version=2, at=at, previous_at=at, html="<p>hello</p>")
    assert moulds.plain(message, ZoneInfo("UTC")) is not None
    setattr(message, more, {"pinned": True})
    assert moulds.plain(message, ZoneInfo("UTC")) is None


@pytest.mark.parametrize("thread", [0, 12])
@pytest.mark.parametrize("lead", ["", "what came after"])
def test_a_form_is_let_go_as_the_template_says(thread: int, lead: str) -> None:
    room = Room(pk=1, slug="lounge-%(key)s", name="x")
    for key, spare in ((new_key(), new_key()), ("%(spare)s", "100%")):
        by_template = rendered("accepted", room=room, key=key, spare=spare, lead=lead, thread=thread)
        assert fragments.accepted(room, key, spare, lead, thread) == by_template
