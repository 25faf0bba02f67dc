"""`manage.py up`, as a process of its own."""

import http.client
import re
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.process import Server, free_port


@pytest.fixture
def site(empty: Server, fresh_data: Path) -> Server:
    """One that has run before."""
    shutil.copytree(fresh_data, empty.data_dir, dirs_exist_ok=True)
    return empty


@pytest.fixture
def empty() -> Iterator[Server]:
    """One that has never run."""
    with tempfile.TemporaryDirectory(prefix="parlor-up-") as directory:
        site = Server(Path(directory))
        yield site
        site.kill()
        for redis in redis_of(site):
            redis.kill()


def redis_of(site: Server) -> list[psutil.Process]:
    """The embedded Redis servers that run on the data of `site`, whoever started them."""
    socket = f"{site.data_dir}/redis/redis.sock"
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if socket in " ".join(process.info["cmdline"] or [])
    ]


class Visitor:
    """Somebody in a room, by its forms alone. `page` is what they see."""

    def __init__(self, site: Server, name: str = "ann") -> None:
        self._cookies = HTTPCookieProcessor()
        self._browser = build_opener(self._cookies)
        self._fetch(site.url)
        self.send(f"{site.url}/", room_name="Lounge", username=name)

    def send(self, url: str, **fields: str) -> None:
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', self.page)
        assert token is not None
        self._fetch(url, urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode())

    def say(self, body: str) -> None:
        self.send(f"{self.url}messages/", body=body)

    def look(self, url: str) -> None:
        self._fetch(url)

    def live(self) -> AbstractContextManager[ClientConnection]:
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies.cookiejar)
        return connect(self.url.replace("http", "ws") + "live/", additional_headers={"Cookie": cookie})

    def _fetch(self, url: str, data: bytes | None = None) -> None:
        with self._browser.open(url, data) as answer:
            self.url, self.page = answer.url, answer.read().decode()


def refusal(site: Server) -> str:
    """What a start that fails writes to stderr; it has to be one line."""
    assert site.launch().wait(30) == 1
    site.kill()
    line, end, rest = site.errors.partition("\n")
    assert (end, rest) == ("\n", "")
    assert line.startswith("parlor: ")
    return line


@pytest.mark.parametrize("debug", ["off", "on"])
def test_serves_pages_and_their_files(empty: Server, debug: str) -> None:
    empty.env["DEBUG"] = debug
    empty.start()
    with urlopen(empty.url) as page:
        html = page.read().decode()
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', html):
        with urlopen(empty.url + path) as file:
            assert file.status == 200
    assert empty.stop() == 0
    assert empty.errors == ""


def test_ctrl_c_ends_everything_in_silence_though_people_are_there(site: Server) -> None:
    site.start()
    idle = http.client.HTTPConnection("127.0.0.1", site.port)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    assert len(redis_of(site)) == 1
    with Visitor(site).live() as socket:
        socket.ping().wait(10)
        assert site.interrupt() == 0
    idle.close()
    assert redis_of(site) == []
    assert site.errors == ""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGHUP])
def test_other_ends_are_as_clean(site: Server, ending: signal.Signals) -> None:
    site.start()
    assert site.stop(ending) == 0
    assert redis_of(site) == []
    assert site.errors == ""


def test_ctrl_c_before_it_serves(empty: Server) -> None:
    process = empty.launch()
    while process.poll() is None and not redis_of(empty):
        pass
    assert empty.interrupt() == 0
    assert redis_of(empty) == []
    assert empty.errors == ""


def test_a_second_start_still_has_what_was_said(site: Server) -> None:
    site.start()
    Visitor(site).say("said before the restart")
    assert site.stop() == 0
    site.start()
    assert "said before the restart" in Visitor(site, "bob").page


def test_what_was_said_before_there_was_an_index_is_found(site: Server) -> None:
    site.start()
    Visitor(site).say("said before the index")
    assert site.stop() == 0
    with closing(sqlite3.connect(site.data_dir / "parlor.sqlite3")) as database, database:
        database.execute("DELETE FROM rooms_search")
    site.start()
    assert "This is done once." in site.errors
    visitor = Visitor(site, "bob")
    visitor.look(f"{site.url}/search/?q=before")
    assert "said <mark>before</mark> the index" in visitor.page
    assert site.stop() == 0
    site.start()
    assert site.errors.count("This is done once.") == 1


def test_what_a_kill_left_behind_is_ended(site: Server) -> None:
    site.start()
    site.kill()
    [orphan] = redis_of(site)
    site.start()
    [redis] = redis_of(site)
    assert redis != orphan
    assert site.stop() == 0
    assert redis_of(site) == []


def test_redis_is_deaf_to_the_network(site: Server) -> None:
    site.start()
    [redis] = redis_of(site)
    assert redis.net_connections(kind="inet") == []
    assert (site.data_dir / "redis").stat().st_mode & 0o077 == 0


def test_port_in_use(site: Server) -> None:
    site.start()
    other = Server(site.data_dir / "other", PORT=str(site.port))
    assert f":{site.port} is in use" in refusal(other)


@pytest.mark.parametrize("port", ["eighty", "99999"])
def test_no_port(empty: Server, port: str) -> None:
    empty.env["PORT"] = port
    assert f":{port} is no port" in refusal(empty)


def test_the_same_data_twice(site: Server) -> None:
    site.start()
    second = Server(site.data_dir)
    process = second.launch()
    assert process.wait(30) == 1
    second.kill()
    assert "another Parlor runs" in second.errors
    assert len(redis_of(site)) == 1


def test_no_redis_at_redis_url(empty: Server) -> None:
    empty.env["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    assert "REDIS_URL" in refusal(empty)


@pytest.mark.parametrize(
    "url", ["postgres://127.0.0.1:1/parlor", "postgres://[", "mysql://here/parlor", "parlor"]
)
def test_no_database_at_database_url(empty: Server, url: str) -> None:
    empty.env["DATABASE_URL"] = url
    assert "DATABASE_URL" in refusal(empty)
    assert redis_of(empty) == []


def test_a_database_that_is_something_else(empty: Server) -> None:
    (empty.data_dir / "parlor.sqlite3").write_text(
        "not a database, but a text as long as it takes to be none" * 20
    )
    assert "file is not a database" in refusal(empty)


def test_a_file_where_the_data_directory_should_be(empty: Server) -> None:
    (empty.data_dir / "file").touch()
    empty.env["DATA_DIR"] = str(empty.data_dir / "file")
    assert "DATA_DIR" in refusal(empty)


def test_a_data_directory_that_cannot_be_made(empty: Server) -> None:
    empty.env["DATA_DIR"] = "/proc/parlor"
    assert "DATA_DIR" in refusal(empty)


def test_odd_names_of_directories(empty: Server) -> None:
    odd = empty.data_dir / 'it\'s a "long" #1 %20 näme?' / ("x" * 80)
    odd.mkdir(parents=True)
    empty.env |= {"DATA_DIR": str(odd), "TMPDIR": str(empty.data_dir)}
    empty.start()
    assert empty.stop() == 0
    with sqlite3.connect(odd / "parlor.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 0
    database.close()
