"""Tabs whose sidebars are looked at."""

from rooms.events import group_of_person
from rooms.hub import Hub
from rooms.models import Person, Room
from rooms.standing import known_of
from tests.html import find_all
from tests.page import Page
from tests.waiting import until


class Tab(Page):
    """A tab whose sidebar is looked at."""

    def __init__(self, person: Person, room_id: int = 0) -> None:
        super().__init__()
        self.person_id, self.room_id = person.pk, room_id
        self.titled: list[int] = []
        self.refreshed = 0
        self.called = ""

    def retitle(self, mentions: int) -> None:
        self.titled.append(mentions)

    def refresh_rooms(self) -> None:
        self.refreshed += 1

    def person_renamed(self, name: str) -> None:
        self.called = name

    @property
    def rung(self) -> int:
        """How often it was to sound."""
        return "".join(self.frames).count("<audio autoplay")

    def told(self, room: Room) -> list[str]:
        """What it was told of the room, in order: `some`, `none`, or how often it names them."""
        marks = find_all("".join(self.frames), "b", id=f"news-{room.pk}")
        return [mark.text.partition(" ")[0] or mark.classes[-1] for mark in marks]


async def open_tab(here: Hub, person: Person, room: Room | None = None) -> Tab:
    tab = Tab(person, room.pk if room else 0)
    known = await known_of(person.pk)
    here.news.join(tab, known)
    here.hear_rooms(room.room_id for room in known)
    await here._subscribe(group_of_person(person.pk))
    await until(lambda: here._groups.keys() <= here._heard)
    return tab
