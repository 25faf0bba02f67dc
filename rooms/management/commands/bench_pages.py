import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter, thread_time
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from tqdm import tqdm

from rooms import changes
from rooms.calendar import path
from rooms.days import DAY
from rooms.history_file import HistoryFile, Line
from rooms.models import Message, Person, Room
from rooms.templatetags import remembered

BATCH = 900  # messages, the most `changes.load` takes
PLACES = 10  # in each room, where pages are opened

Pages = dict[str, list[str]]
# Of a page: milliseconds when it is first shown, when it is shown again, and of the latter the processor's.
Figures = dict[str, tuple[float, ...]]


class Command(BaseCommand):
    help = (
        "Measures how long the pages of a room take, in rooms of different sizes. The rooms are made "
        "of a file of history, again and again with later dates, in a database of their own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="as for load_history")
        parser.add_argument("--messages", type=int, nargs="+", default=[1_000, 1_000_000], help="a room each")
        parser.add_argument("--times", type=int, default=10, help="how often each page is opened")

    def handle(self, *, file: str, messages: list[int], times: int, **options: Any) -> None:
        try:
            with Path(file).open("rb") as source:
                lines = list(islice(HistoryFile(source), max(messages)))
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        if len(lines) < 200:
            raise CommandError(f"{file} has too little in it: 200 messages are the least.")
        call_command("collectstatic", interactive=False, verbosity=0)
        with scratch_database(), override_settings(ALLOWED_HOSTS=["testserver"], RATE_LIMITS=False):
            reader = Person.guest("Reader")
            reader.save()
            client = Client()
            client.force_login(reader)
            places = [len(lines[: min(messages)]) * n // (PLACES + 2) for n in range(1, PLACES + 1)]
            rooms = [fill(lines, count) for count in messages]
            self.report(measured(client, [pages(*room, places) for room in rooms], times), messages)

    def report(self, found: list[Figures], messages: list[int]) -> None:
        sizes = "".join(f"{f'{count:,} messages':>24}" for count in messages)
        heads = f"{'first':>10}{'again':>7}{'CPU':>7}" * len(found)
        self.stdout.write(f"{'median, ms':18}{sizes}\n{'':18}{heads}   last to first")
        for page in found[0]:
            figures = "".join("{:10.1f}{:7.1f}{:7.1f}".format(*of[page]) for of in found)
            ratios = [
                f"{last / first:7.2f}" for last, first in zip(found[-1][page], found[0][page], strict=True)
            ]
            self.stdout.write(f"{page:18}{figures} {''.join(ratios)}")


@contextmanager
def scratch_database() -> Iterator[None]:
    """An empty database beside the site's own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="parlor-bench-") as directory:
        name = settings.DATABASES["default"]["NAME"]
        is_file = connection.vendor == "sqlite"
        connection.settings_dict["TEST"]["NAME"] = (
            f"{directory}/bench.sqlite3" if is_file else f"{name}_bench"
        )
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield
        finally:
            connection.creation.destroy_test_db(str(name), verbosity=0)


def fill(lines: Sequence[Line], count: int) -> tuple[Room, int, Any]:
    """A room with so many messages. Returns with it how many messages and how much time the last
    whole repetition in its first half is away from its beginning."""
    room = Room.named(f"Room of {count}")
    span = (lines[-1].at - lines[0].at) // DAY * DAY + 2 * DAY
    said = (
        line._replace(at=line.at + n * span, key=f"{n}-{line.key}"[:64])
        for n in range(count // len(lines) + 1)
        for line in lines
    )
    first = islice(said, count)
    with tqdm(total=count, unit="message", unit_scale=True, disable=None) as bar:
        while batch := list(islice(first, BATCH)):
            changes.load(room, batch)
            bar.update(len(batch))
    away = count // len(lines) // 2
    return room, away * len(lines), away * span


def pages(room: Room, seqs_away: int, time_away: Any, places: Sequence[int]) -> Pages:
    """The addresses of its pages. The places are far inside a large room, and what was said there is
    what was said at the same places of a small one."""
    here = room.get_absolute_url()
    said = Message.objects.filter(room=room, seq__in=[place + seqs_away for place in places]).order_by("seq")
    found = [(message.seq, path(message.at.date())) for message in said]
    return {
        "live room": [here],
        "history": [f"{here}history/?before={seq}" for seq, _ in found],
        "a day": [f"{here}history/{day}" for _, day in found],
        "at a message": [f"{here}messages/{seq}/" for seq, _ in found],
    }


def measured(client: Client, rooms: Sequence[Pages], times: int) -> list[Figures]:
    """Takes the rooms in turn: a machine that is slower for a while is so for all of them."""
    for room in rooms:
        client.get(room["live room"][0])  # who opens a room joins it, once
    found: list[Figures] = [{} for _ in rooms]
    for name in rooms[0]:
        rounds: list[list[tuple[float, ...]]] = [[] for _ in rooms]
        for turn in zip(*(room[name] * times for room in rooms), strict=True):
            for url, of_room in zip(turn, rounds, strict=True):
                remembered.made.clear()
                of_room.append((timed(client, url)[0], *timed(client, url)))
        for figures, of_room in zip(found, rounds, strict=True):
            figures[name] = tuple(map(median, zip(*of_room, strict=True)))
    return found


def timed(client: Client, url: str) -> tuple[float, float]:
    """Milliseconds by the clock, and of them those that the processor was at work for it."""
    began, worked = perf_counter(), thread_time()
    response = client.get(url)
    found = (perf_counter() - began) * 1000, (thread_time() - worked) * 1000
    if response.status_code != 200:
        raise CommandError(f"{url}: {response.status_code}")
    return found
