"""Somebody with a session, who asks for pages and posts forms over HTTP."""

import asyncio
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from faults.page import Page
from faults.record import Record

SECONDS = 10.0  # how long somebody waits for an answer
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')

_threads = ThreadPoolExecutor(max_workers=100, thread_name_prefix="person")


class Unanswered(Exception):
    """The site did not answer, or not as it should: what was asked for may have been done or not."""


class Person:
    """A guest, who has an address of their own, so that the limits of one are not those of all."""

    def __init__(self, url: str, name: str, number: int, record: Record) -> None:
        self.url, self.name, self.record = url, name, record
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Forwarded-For"] = self.address = f"10.0.{number // 250}.{number % 250 + 1}"

    @property
    def cookie(self) -> str:
        """For a Cookie header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._session.cookies)

    async def join(self, room: str) -> str:
        """Come into the room of this name, through the lobby; returns its slug."""
        found = TOKEN.search((await self.ask("GET", "/")).text)
        if found is None:
            raise Unanswered("the lobby has no form")
        fields = {"csrfmiddlewaretoken": found[1], "room_name": room, "username": self.name}
        answer = await self.ask("POST", "/", fields)
        if answer.status_code != 302:
            raise Unanswered(f"{self.name} could not join: {answer.status_code}")
        return str(answer.headers["Location"]).strip("/").split("/")[1]

    async def page(self, slug: str, thread: int | None = None) -> Page:
        """The room, or a thread in it."""
        path = f"/rooms/{slug}/" + (f"messages/{thread}/thread/" if thread else "")
        answer = await self.ask("GET", path)
        if answer.status_code != 200:
            raise Unanswered(f"a page: {answer.status_code}")
        return await asyncio.get_running_loop().run_in_executor(_threads, Page, answer.text)

    async def post(self, path: str, page: Page, **fields: str) -> bool:
        """Send a form of `page` off; returns whether it was taken. Raises Unanswered."""
        answer = await self.ask("POST", path, {"csrfmiddlewaretoken": page.token, **fields})
        return answer.status_code in (302, 204)

    async def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> Any:
        """The answer, whose status is below 500. Raises Unanswered where there is no such."""
        since = time.monotonic()
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(_threads, self._ask, method, path, fields)
        except (requests.RequestException, OSError) as error:
            self.record.failed(f"{method}: {type(error).__name__}", since)
            raise Unanswered(repr(error)) from error
        if answer.status_code >= 500:
            self.record.failed(f"{method}: status {answer.status_code}", since)
            raise Unanswered(f"{method} {path}: {answer.status_code}")
        return answer

    def _ask(self, method: str, path: str, fields: dict[str, str] | None) -> requests.Response:
        return self._session.request(
            method, self.url + path, data=fields, timeout=SECONDS, allow_redirects=False
        )

    def close(self) -> None:
        self._session.close()
