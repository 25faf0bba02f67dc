"""Hostile texts in a real browser: nothing of them runs, loads, leads or changes anything."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, join, until_live, wait_until
from e2e.site import expect_shows_all, manage, say, shown
from tests.hostile import PAYLOADS, cut

NAME = "<img src=x onerror=alert(1)>"  # which the form takes: it can be read
ROOM = "<svg onload=alert(1)>"
PATH = "/rooms/svg-onloadalert1/"

# Each call of what a hostile text calls is told, and nothing is shown that would hold up the page.
TRAPS = """
for (const name of ["alert", "confirm", "prompt", "print", "open", "msgbox"])
    window[name] = () => { trapped(name); };
Object.defineProperty(window, "pwned", {set() { trapped("pwned"); }});
"""
# What the pages of this test may ask for.
EXPECTED = re.compile(
    r"/|/me\.css|/favicon\.ico|/static/(css|vendor)/[\w.-]+|/static/favicon\.\w+\.svg|/parts/\w+/[a-z-]+/"
    r"|/people/\d+/(picture/)?|/rooms/[\w-]+/((messages/(\d+/)?)|about/|live/)?"
)
KEEP = """
import asyncio, json, sys
from rooms import changes
from rooms.management.commands.say import checked
from rooms.models import Membership, Message, Person, Room
room = Room.objects.get(slug=sys.argv[-1] if False else SLUG)
names, topics, bios, bodies, rooms = json.load(sys.stdin)
people = []
for n, name in enumerate(names):
    person = Person.guest(f"author {n}")
    person.save()
    people.append(person)
Membership.join(room.pk, *(person.pk for person in people))
for person, name, bio in zip(people, names, bios):
    person.username, person.bio = name, bio
    person.save(update_fields=["username", "bio"])
for n, name in enumerate(rooms):
    Room.objects.create(name=name, name_key=f"hostile {n}", slug=f"hostile-{n}", topic=topics[n])
async def say_all():
    for n, body in enumerate(bodies):
        await changes.apost(room, people[n % len(people)], body)
bodies = [checked(body) for body in bodies]
asyncio.run(say_all())
print(json.dumps([person.pk for person in people]))
"""


class Watch:
    """What the pages of a context do that no harmless text makes them do."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.found: list[str] = []
        self._home = urlsplit(url).netloc
        context.expose_function("trapped", lambda name: self.found.append(f"called {name}"))
        context.add_init_script(TRAPS)
        context.on("request", self._asked)
        context.on("dialog", lambda dialog: (self.found.append(f"dialog {dialog.type}"), dialog.dismiss()))
        context.on("page", lambda page: self.found.append("another page"))

    def _asked(self, request: Request) -> None:
        to = urlsplit(request.url)
        if to.netloc != self._home or request.method != "GET" or not EXPECTED.fullmatch(to.path):
            self.found.append(f"{request.method} {request.url}")

    def sees_nothing(self, page: Page) -> None:
        """The page has loaded and been touched; what it holds has had its chance."""
        page.mouse.move(200, 200)
        page.keyboard.press("Tab")
        page.wait_for_load_state("networkidle")
        expect(page).to_have_title(re.compile(" – Parlor$|^Parlor$"))
        assert self.found == []
