"""Hostile texts in a real browser: nothing of them runs, loads, leads or changes anything."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Dialog, Error, Page, Request, Route, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, join, until_live, wait_until
from e2e.site import expect_shows_all, manage, say
from tests.hostile import PAYLOADS, cut

NAME = "<img src=x onerror=alert(2)>"  # which the form takes: it can be read
ROOM = "<svg onload=alert(1)>"
SLUG = "svg-onloadalert1"
PATH = f"/rooms/{SLUG}/"

# Each call of what a hostile text calls is told, and nothing is shown that would hold up the page.
TRAPS = """
for (const name of ["alert", "confirm", "prompt", "print", "open", "msgbox"])
    window[name] = () => { trapped(name); };
Object.defineProperty(window, "pwned", {set() { trapped("pwned"); }});
"""
# What the pages of this test may ask for.
EXPECTED = re.compile(
    r"/|/me\.css|/favicon\.ico|/static/(css|vendor)/[\w.-]+|/static/favicon\.\w+\.svg|/parts/\w+/[a-z-]+/"
    r"|/people/\d+/(picture/)?|/rooms/[\w-]+/((messages/(\d+/((newer|about)/)?)?)|about/|history/|live/)?"
)
# Keeps what is on standard input where forms would keep it, or refuse it: SQLite minds no length.
KEEP = """
import json, sys
from rooms import changes
from rooms.files_shown import files_shown
from rooms.management.commands.say import checked
from rooms.models import File, Membership, Person, Room

texts, all_of_them = json.load(sys.stdin)
room = Room.objects.get()
people = [Person.guest(f"author {n}") for n in range(len(texts))]
for person in people:
    person.save()
Membership.join(room.pk, *(person.pk for person in people))
for person, text in zip(people, texts):
    Person.objects.filter(pk=person.pk).update(username=text, bio=text)
    person.username = text

MARKED_UP = '[x](http://127.0.0.1/ "{}") [{}](http://127.0.0.1/) :{}: `{}` ||{}|| #{}'
for person, text in zip(people, texts):
    about = {"kind": File.Kind.OTHER, "type": "text/plain", "size": 1, "person": person}
    file = File.objects.create(name=text[:100], caption=text[:300], **about)
    def attach(message):
        file.message = message
        file.save()
        message.extras = {"files": files_shown([file])}
    marked_up = MARKED_UP.replace("{}", text)
    body = text if len(text + marked_up) > 3900 else f"{text} {marked_up}"
    changes.post(room, person, checked(body), attach=attach)
Room.objects.filter(pk=room.pk).update(topic=all_of_them, description=all_of_them)
for n, text in enumerate(texts):
    Room.objects.create(name=text, name_key=f"hostile {n}", slug=f"hostile-{n}")
Person.objects.filter(pk=people[0].pk).update(bio=all_of_them)
print(people[0].pk)
"""


class Watch:
    """What the pages of a context do that no harmless text makes them do."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.found: list[str] = []
        self._home = urlsplit(url).netloc
        context.expose_function("trapped", lambda name: self.found.append(f"called {name}"))
        context.add_init_script(TRAPS)
        context.on("request", self._asked)
        context.on("dialog", self._dialog)
        context.on("page", lambda page: self.found.append(f"another page: {page.url}"))

    def _asked(self, request: Request) -> None:
        to = urlsplit(request.url)
        is_join = (request.method, to.path) == ("POST", "/")
        is_expected = request.method == "GET" and EXPECTED.fullmatch(to.path)
        if to.netloc != self._home or not (is_expected or is_join):
            self.found.append(f"{request.method} {request.url}")

    def has_found(self, what: str) -> bool:
        return any(found.startswith(what) for found in self.found)

    def _dialog(self, dialog: Dialog) -> None:
        self.found.append(f"dialog {dialog.type}")
        dialog.dismiss()

    def sees_nothing(self, page: Page) -> None:
        """The page is there, and is touched: what it holds has had its chance."""
        page.mouse.move(200, 200)
        page.keyboard.press("Tab")
        expect(page).to_have_title(re.compile(" – Parlor$|^Parlor$"))
        assert self.found == []


def keep_all(server: Site) -> str:
    """Each is what somebody is called, what they say, and what a room is called. Returns the id of
    the first of them, who says all of it of themselves; so does the room there is."""
    # Without what a browser itself reads as another character.
    texts = list(dict.fromkeys(text.replace("\r", "\n") for text in cut(4000)))
    text = json.dumps([texts, " ".join(texts)])
    return manage(server, "shell", "-v", "0", "-c", KEEP, text=text).strip()


def test_nothing_of_what_people_write_happens(new_page: Callable[..., Page], own_server: Site) -> None:
    """As it comes, and wherever it is found later; and people go on talking."""
    ann, bob = new_page(), new_page()
    hers, his = Watch(ann.context, own_server.url), Watch(bob.context, own_server.url)
    join(ann, ROOM, NAME)
    join(bob, ROOM, "bob")
    expect(ann.get_by_role("heading", level=1)).to_have_text(ROOM)
    expect(bob.locator("#present").get_by_title(NAME)).to_be_attached()
    first = keep_all(own_server)
    expect_shows_all(ann, own_server, SLUG)
    assert ann.locator("#messages > .message").count() > 400  # not the newest page, but each as it came
    hers.sees_nothing(ann)
    go_on_talking(ann, bob, "<b>still here</b>")
    his.sees_nothing(bob)
    with until_live(ann):
        ann.reload()
    expect_shows_all(ann, own_server, SLUG)
    for path, selector in {
        **{f"{PATH}?before={seq}": ".text" for seq in range(51, len(PAYLOADS), 50)},
        "/": ".room-name",
        f"{PATH}about/": ".description",
        f"{PATH}history/": ".text",
        f"{PATH}messages/1/": ".author",
        f"{PATH}messages/1/about/": ".author",
        f"/people/{first}/": ".bio",
        "/rooms/hostile-0/": "h1",
        "/rooms/hostile-0/about/": "h1",
    }.items():
        ann.goto(path)
        expect(ann.locator(selector).first).not_to_be_empty()
        hers.sees_nothing(ann)
    with until_live(ann):
        ann.goto(PATH)
    go_on_talking(ann, bob, NAME)
    hers.sees_nothing(ann)
    his.sees_nothing(bob)


def go_on_talking(ann: Page, bob: Page, text: str) -> None:
    """What is written in the field of one page is seen on the other."""
    ann.locator("[name=body]:visible").first.focus()
    say(ann, text)
    expect(bob.locator(".message .text").last).to_have_text(text)
    expect(bob.locator(".message .author").last).to_have_text(NAME)


SEEN = {
    "<script>alert(1)</script>": "called alert",
    "<img src=x onerror=confirm(1)>": "called confirm",
    "<svg onload=pwned=1>": "called pwned",
    "<iframe src=javascript:parent.prompt(1)></iframe>": "called prompt",
    "<img src=x>": "GET {home}/rooms/x/x",
    "<link rel=stylesheet href=//evil.example/x.css>": "GET http://evil.example/x.css",
    "<meta http-equiv=refresh content='0;url=//evil.example/'>": "GET http://evil.example/",
    "<form action=/account/logout/ method=post><input autofocus onfocus=form.submit()>": "POST {home}/",
}


def test_the_watch_sees_what_is_not_harmless(
    new_page: Callable[..., Page], server: Site, page_errors: PageErrors
) -> None:
    """Where a page is not escaped and has no policy; where it has one, the browser tells of it."""
    page_errors.allow("")
    headers: dict[str, str] = {}
    body = ""

    def serve(route: Route) -> None:
        if route.request.url == f"{server.url}/rooms/x/":
            route.fulfill(body=body, content_type="text/html", headers=headers)
        else:
            route.abort()

    context = new_page().context
    watch = Watch(context, server.url)
    context.route("**", serve)
    for html, sees in SEEN.items():
        page = context.new_page()
        body = html
        watch.found.clear()
        with suppress(Error):  # it may lead elsewhere at once
            page.goto("/rooms/x/")
        wait_until(page, partial(watch.has_found, sees.format(home=server.url)))
        page.close()  # or else it may lead elsewhere later, and take what comes next with it
    body, headers = "<script>alert(1)</script>", {"content-security-policy": "script-src 'self'"}
    page = context.new_page()
    watch.found.clear()
    page.goto("/rooms/x/")
    wait_until(page, lambda: any("Content Security Policy" in error for error in page_errors.all))
    assert watch.found == []
