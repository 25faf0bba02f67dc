"""What goes over the wire to a browser that opens a room: the first time, and again."""

import re
from argparse import Namespace
from random import Random
from typing import cast

from bench.crowd import Crowd
from bench.http import Answer, Http
from bench.parlor import Parlor
from bench.scenes.scene import Outcome, Run, Scene
from bench.shape import Shape
from bench.target import Target

ASKED_FOR = (
    re.compile(r'<link rel="(?:stylesheet|icon|preload)"[^>]*? href="([^"]+)"'),
    re.compile(r'<(?:script|img)[^>]*? src="([^"]+)"'),
    re.compile(r'hx-get="([^"]+)"[^>]*hx-trigger="load\b'),
)
HASH = re.compile(r"\.[0-9a-f]{12}(?=\.)|\?v=.*|(?<=/parts/)[^/]+/|\?.*")
ACCEPTED = "gzip, deflate, br, zstd"


class Browser:
    """Asks as a browser does, and keeps what it may keep."""

    def __init__(self, parlor: Parlor, encodings: str) -> None:
        self._http = Http(parlor.host, parlor.port)
        self._headers = {"Cookie": parlor.people[0].cookie}
        if encodings:
            self._headers["Accept-Encoding"] = encodings
        self._kept: dict[str, Answer] = {}

    async def weigh(self, path: str) -> tuple[int, Answer]:
        """How many bytes it takes to have what is at `path`, and what that is."""
        headers = dict(self._headers)
        kept = self._kept.get(path)
        if kept is not None:
            if re.search(r"max-age=[1-9]", kept.headers.get("cache-control", "")):
                return 0, kept
            if tag := kept.headers.get("etag"):
                headers["If-None-Match"] = tag
        answer = await self._http.get(path, headers)
        if answer.status not in (200, 304):
            raise RuntimeError(f"{path}: {answer.status}")
        if answer.status == 200 and "no-store" not in answer.headers.get("cache-control", ""):
            self._kept[path] = answer
        return answer.wire, kept if answer.status == 304 and kept else answer

    def close(self) -> None:
        self._http.close()


def visit(number: int, encodings: str = ACCEPTED) -> Run:
    """Weigh that visit, by a browser that has made those before it."""

    async def run(target: Target, options: Namespace) -> Outcome:
        parlor = cast(Parlor, target)
        await fill(parlor, options.messages)
        browser, room = Browser(parlor, encodings), parlor.address(0)
        plain = Http(parlor.host, parlor.port)
        page = await plain.get(room, {"Cookie": parlor.people[0].cookie})
        found = dict.fromkeys(
            path.replace("&amp;", "&") for one in ASKED_FOR for path in one.findall(page.text)
        )
        weights: dict[str, float] = {}
        for _ in range(number):
            weights = {"the page": (await browser.weigh(room))[0]}
            for path in found:
                name = HASH.sub("", path).removeprefix("/static/").strip("/")
                weights[name] = weights.get(name, 0) + (await browser.weigh(path))[0]
        await parlor.prepare(1, 1, 1)  # the cursor of the page
        tab = Crowd(parlor, 1)
        await tab.connect()
        await tab.settle()
        weights["the socket, once it is open"] = tab.ledger.bytes
        await tab.leave()
        browser.close()
        plain.close()
        requests = sum(bool(weight) for weight in weights.values())
        return Outcome({"bytes in all": sum(weights.values()), "requests": requests} | weights)

    return run


async def fill(parlor: Parlor, count: int) -> None:
    """Have at least so many messages in the first room, of lengths as people write."""
    await parlor.prepare(1, 1, 1)
    missing = count - int(parlor.cursors[0])
    chance, shape = Random(1), Shape()  # noqa: S311 — no secret
    crowd = Crowd(parlor, 1)
    await crowd.connect()
    for _ in range(missing):
        crowd.say(crowd.tabs[0], size=shape.length(chance))
        await crowd.finish()
    await crowd.leave()


WEIGHT = Scene(
    "weight",
    "the bytes of a visit to a room, file by file",
    {"messages": (50, "in the room")},
    {"first visit": visit(1), "again": visit(2), "first, uncompressed": visit(1, "")},
    is_parlors=True,
    compares=False,
)
