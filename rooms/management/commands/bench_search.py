import os
import random
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate, islice
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection
from django.test import Client
from tqdm import tqdm

from rooms import changes, recording
from rooms.bulk import without_waiting
from rooms.history_file import Line
from rooms.models import Person, Room
from rooms.search import index

BATCH = 900
RUNS = 15
WORDS = 30_000
START = datetime(2016, 1, 1, tzinfo=UTC)
QUERIES = {
    "a word in every second message": "second",
    "a word in every tenth message": "tenth",
    "a word in one of a hundred": "hundredth",
    "a word in one of a thousand": "thousandth",
    "a word in one of 100,000": "rarest",
    "a word nobody said": "unsaid",
    "two common words": "second tenth",
    "two words rarely together": "thousandth hundredth",
    "a phrase in one of a hundred": '"red herring"',
    "a phrase of common words, once": '"tenth second first"',
    "one word without another": "tenth -second",
    "how a word begins": "thousandt*",
    "one author": "from:author1",
    "an author and a word": "from:author7 tenth",
    "a room and a word": "in:bench tenth",
    "a year ago and a word": "before:2017 tenth",
    "one month, nothing else": "after:2017-02 before:2017-04",
    "links": "has:link",
    "links and a rare word": "has:link thousandth",
}


class Command(BaseCommand):
    help = (
        "Measures search, in a room of a million messages that it makes in a database of its own and "
        "removes again: how long the first page takes, how big the index is and what it adds to a post."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "urls", nargs="*", default=["sqlite"], help="sqlite, or the DATABASE_URL of a server; several go"
        )
        parser.add_argument("--messages", type=int, default=1_000_000)
        parser.add_argument("--here", action="store_true", help="on the server of this site's settings")

    def handle(self, *, urls: list[str], messages: int, here: bool, **options: Any) -> None:
        if here:
            self.measure(messages)
            return
        for url in urls:
            with tempfile.TemporaryDirectory(prefix="parlor-bench-") as directory:
                env = os.environ | {"DATA_DIR": directory, "RATE_LIMITS": "off"}
                env["DATABASE_URL"] = "" if url == "sqlite" else url
                command = [sys.executable, sys.argv[0], "bench_search", "--here", f"--messages={messages}"]
                if subprocess.run(command, env=env, check=False).returncode:  # noqa: S603 — it is this one
                    raise CommandError(f"{url}: it could not be measured.")

    def measure(self, count: int) -> None:
        connection.settings_dict["TEST"]["NAME"] = f"{settings.DATA_DIR}/bench.sqlite3"
        if connection.vendor == "postgresql":
            connection.settings_dict["TEST"]["NAME"] = "parlor_bench_search"
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            self.report(count)
        finally:
            connection.creation.destroy_test_db(connection.settings_dict["NAME"], verbosity=0)

    def report(self, count: int) -> None:
        room = Room.named("bench")
        seconds = self.load(room, count)
        size = index.backend().size()
        self.say(f"{connection.vendor}, {count:,} messages")
        self.say(f"{count / seconds:12,.0f}    messages a second were loaded, index included")
        self.say(f"{size / 1e6:12,.0f} MB the index takes, {size / count:,.0f} bytes for a message")
        with_index, without = self.post(room)
        self.say(f"{with_index:12.2f} ms a post takes, and {without:.2f} ms without the index")
        client = Client(headers={"HX-Request": "true"}, SERVER_NAME="localhost")
        client.force_login(Person.objects.create_user("reader"))
        for what, query in QUERIES.items():
            search = partial(client.get, "/search/", {"q": query})
            times = sorted(timed(search) for _ in range(RUNS))
            self.say(f"{median(times):12.1f} ms {what}: {query} ({times[0]:.1f} to {times[-1]:.1f})")

    def load(self, room: Room, count: int) -> float:
        lines, seconds = spoken(count), 0.0
        with tqdm(total=count, unit="message", disable=None, file=sys.stderr) as bar, without_waiting():
            while batch := list(islice(lines, BATCH)):
                began = perf_counter()
                changes.load(room, batch)
                seconds += perf_counter() - began
                bar.update(len(batch))
        return seconds

    def post(self, room: Room) -> tuple[float, float]:
        """How many milliseconds a post takes, with the index and without."""
        author = Person.objects.get(username="author1")
        texts = [line.body for line in spoken(400)]

        def post(text: str) -> Callable[[], object]:
            return lambda: recording.record(recording.Posting(room.pk, author, recording.Said(text)))

        with_index = median(timed(post(text)) for text in texts)
        with patch.object(index, "put"):
            return with_index, median(timed(post(text)) for text in texts)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def spoken(count: int) -> Iterator[Line]:
    """So many lines of words as people use them, a few of them often and most of them rarely; the same
    every time."""
    chance = random.Random(1)  # noqa: S311 — no secret
    words = ["".join(chance.choices("aeioulnrstkmdp", k=2 + n % 8)) for n in range(WORDS)]
    weights = list(accumulate(1 / (n + 3) for n in range(WORDS)))
    special = {2: "second", 10: "tenth", 97: "red herring", 100: "hundredth", 1003: "thousandth"}
    for n in range(1, count + 1):
        said = chance.choices(words, cum_weights=weights, k=chance.randint(3, 20))
        said += [word for every, word in special.items() if n % every == 0]
        chance.shuffle(said)
        if n % 100_000 == 0:
            said.append("rarest")
        if n == count // 3:
            said += ["tenth", "second", "first"]
        if n % 20 == 0:
            said.append(f"https://example.org/{n}")
        at = START + timedelta(seconds=300 * n)
        yield Line(at, f"author{int(chance.paretovariate(0.7)) % 2000}", " ".join(said), f"bench-{n}")


def timed(act: Callable[[], object]) -> float:
    """How many milliseconds `act` takes."""
    began = perf_counter()
    act()
    return (perf_counter() - began) * 1000
