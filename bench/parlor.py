"""Parlor as a target: people who sign in, and tabs that send what its pages send."""

import json
import re
from contextlib import closing
from secrets import token_urlsafe
from urllib.parse import quote, unquote, urlencode, urlsplit

import psutil
from tqdm import tqdm

from bench.http import Answer, Http
from bench.launch import family_of
from bench.site import Site
from bench.wire import Wire

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
CURSOR = re.compile(r'id="cursor" name="cursor" value="(\d+)"')
EYE = b'id="eye"'  # the server asks a tab that it has taken in whether it is before somebody


class Person:
    """Somebody who is signed in: what their browser keeps."""

    def __init__(self, cookies: dict[str, str]) -> None:
        self.cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
        self.token = cookies["csrftoken"]


class Parlor:
    """`site`, one of the benchmark's own, or whatever runs at `url` with the processes `pids`."""

    name = "parlor"
    has_rooms = True

    def __init__(self, site: Site | None, url: str = "", pids: tuple[int, ...] = ()) -> None:
        self.site, self._pids = site, pids
        self.host = "127.0.0.1" if site else str(urlsplit(url).hostname)
        self.port = site.port if site else urlsplit(url).port or 80
        self.people: list[Person] = []
        self.slugs: list[str] = []
        self.cursors: list[str] = []
        self._names = token_urlsafe(3)

    def start(self) -> None:
        if self.site:
            self.site.start()

    def stop(self) -> None:
        if self.site:
            self.site.stop()

    def log(self) -> str:
        return self.site.log.read_text(errors="replace") if self.site and self.site.log.exists() else ""

    def processes(self) -> list[psutil.Process]:
        return self.site.processes() if self.site else family_of(self._pids)

    async def prepare(self, tabs: int, people: int, rooms: int) -> None:
        """Whoever has signed in stays so, and who is missing does. Room n has each n-th tab."""
        people, known = max(people, rooms), len(self.people)
        bar = tqdm(total=people, initial=len(self.people), disable=None, unit="person", desc="signing in")
        with bar, closing(Http(self.host, self.port)) as lobby:
            page = await lobby.get("/")
            while len(self.people) < people or len(self.slugs) < rooms:
                await self._join(lobby, page, len(self.people) % rooms)
                bar.update()
        if self.site and len(self.people) > known:
            self.stop()  # what signing in has left in its memory is not what is measured
            self.start()
        with closing(Http(self.host, self.port)) as http:
            self.cursors = [await self._cursor(http, n) for n in range(rooms)]

    async def _join(self, lobby: Http, page: Answer, room: int) -> None:
        """Somebody signs in by the form of the lobby, which is on `page` and leads into the room."""
        name = f"bench {self._names} {len(self.people)}"
        fields = {"csrfmiddlewaretoken": _found(TOKEN, page), "room_name": f"bench {room}", "username": name}
        head = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"csrftoken={page.cookies['csrftoken']}",
            "Origin": f"http://{self.host}:{self.port}",
        }
        answer = await lobby.ask("POST", "/", head, urlencode(fields).encode())
        if answer.status != 302:
            raise RuntimeError(f"nobody can sign in: {answer.status}")
        self.people.append(Person(answer.cookies))
        if room == len(self.slugs):
            self.slugs.append(unquote(answer.headers["location"].split("/")[2]))

    async def _cursor(self, http: Http, room: int) -> str:
        page = await http.get(self.address(room), {"Cookie": self.people[room].cookie})
        return _found(CURSOR, page)

    def address(self, room: int) -> str:
        return f"/rooms/{quote(self.slugs[room])}/"

    def person(self, tab: int) -> Person:
        return self.people[tab % len(self.people)]

    def wire(self, tab: int, room: int) -> Wire:
        person, first = self.person(tab), self.cursors[room]
        url = f"http://{self.host}:{self.port}{self.address(room)}"
        head = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Current-URL": url}

        def frame(source: str, **fields: object) -> str:
            headers = head | {"HX-Source": source, "X-CSRFToken": person.token}
            return json.dumps(fields | {"headers": headers})

        def say(text: str) -> list[str]:
            # The form of a message, and then what says it again until the server lets the form go.
            key = token_urlsafe(9)
            said = {"csrfmiddlewaretoken": person.token, "key": key, "body": text}
            return [frame(f"form#send-{key}", **said), frame("i", **said, again=1)]

        def answer(payload: bytes) -> str | None:
            return frame("i#eye", action="seen") if EYE in payload else None

        return Wire(
            path=f"{self.address(room)}live/",
            headers=(f"Cookie: {person.cookie}",),
            say=say,
            hello=lambda cursor: [frame("form#resume", action="resume", cursor=cursor or first)],
            ready=EYE,
            answer=answer,
            is_refusal=lambda payload: b'class="problem"' in payload or b'hx-target="#notice"' in payload,
            type=frame("i", action="typing"),
            blink=frame("i", action="blink"),
        )


def _found(pattern: re.Pattern[str], page: Answer) -> str:
    found = pattern.search(page.text)
    if page.status != 200 or not found:
        raise RuntimeError(f"that is no page of Parlor: {page.status}")
    return found[1]
