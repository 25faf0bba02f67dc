import logging
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import date
from statistics import median
from time import perf_counter_ns
from typing import Any

from django.core.management import BaseCommand, call_command
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from tqdm import tqdm

from rooms import changes
from rooms.models import Kind, Membership, Person, Room

MESSAGES = 100
# As long as the address of a hidden room. One of the two is there only to be told from the other:
# what lies between two rooms that are not there is noise.
MISSING, AS_MISSING = "bench-nowhere-one", "bench-nowhere-two"

WHEN = {"day": date(2020, 6, 2), "year": 2020}

Ask = Callable[[str], int]


class Command(BaseCommand):
    help = (
        "Measures whether an outsider can tell a private room from one that is not there by the time "
        "the answer takes. It makes a room and two people, and takes them back at the end."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=200, help="questions of each kind on each road")

    def handle(self, *, rounds: int, **options: Any) -> None:
        call_command("collectstatic", interactive=False, verbosity=0)
        logging.disable(logging.WARNING)  # of answers that there is no such room
        try:
            with transaction.atomic():
                rows = _measure(rounds)
                transaction.set_rollback(True)
        finally:
            logging.disable(logging.NOTSET)
        self.stdout.write(f"{'road':24}{'hidden':>10}{'missing':>10}{'hidden/missing':>16}{'noise':>8}")
        for name, there, gone, as_gone in rows:
            times = f"{there / 1e6:>7.2f} ms{gone / 1e6:>7.2f} ms"
            self.stdout.write(f"{name:24}{times}{there / gone:>16.3f}{as_gone / gone:>8.3f}")


def _measure(rounds: int) -> list[tuple[str, float, float, float]]:
    hidden = _hidden_room()
    client = Client(SERVER_NAME="localhost")
    client.force_login(_person("bench outsider"))
    bar = tqdm(list(roads(client)), disable=None, unit="road", file=sys.stderr)
    return [(name, *_medians(ask, hidden, rounds)) for name, ask in bar]


def roads(client: Client) -> Iterator[tuple[str, Ask]]:
    """Every address that lies in a room, by its name, as a question: slug -> nanoseconds until it is
    answered, which is always that there is no such room."""
    for pattern in get_resolver().url_patterns:
        if isinstance(pattern, URLPattern) and str(pattern.pattern).startswith("rooms/<str:slug>/"):
            yield str(pattern.name), _road(client, pattern)


def _road(client: Client, pattern: URLPattern) -> Ask:
    others = {name: WHEN.get(name, 1) for name in pattern.pattern.converters if name != "slug"}

    def ask(slug: str) -> int:
        url = reverse(str(pattern.name), kwargs={"slug": slug, **others})
        start = perf_counter_ns()
        response = client.get(url)
        if response.status_code == 405:
            start = perf_counter_ns()
            response = client.post(url)
        took = perf_counter_ns() - start
        if response.status_code != 404:
            raise AssertionError(f"{url} was answered with {response.status_code}.")
        return took

    return ask


def _medians(ask: Ask, hidden: str, rounds: int) -> tuple[float, float, float]:
    """The median time of a room that is hidden, of one that is not there, and of another such, asked
    for in turn."""
    slugs = [hidden, MISSING, AS_MISSING]
    times: dict[str, list[int]] = {slug: [] for slug in slugs}
    for n in range(rounds):
        for slug in slugs[n % 3 :] + slugs[: n % 3]:
            times[slug].append(ask(slug))
    there, gone, as_gone = (median(times[slug]) for slug in slugs)
    return there, gone, as_gone


def _hidden_room() -> str:
    member = _person("bench member")
    room = Room.hidden("bench", Kind.PRIVATE)
    Membership.join(room.pk, member.pk)
    for n in range(MESSAGES):
        changes.post(room, member, f"message {n}")
    return room.slug


def _person(name: str) -> Person:
    person = Person.guest(name)
    person.save()
    return person
