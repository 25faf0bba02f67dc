"""`manage.py up`, as a process of its own."""

import http.client
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener, urlopen

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.process import Server, free_port


@pytest.fixture
def site() -> Iterator[Server]:
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


def visit(
    site: Server, room: str = "Lounge", name: str = "ann"
) -> tuple[str, AbstractContextManager[ClientConnection]]:
    """Join `room` by its form. Returns the page, and its socket, which `with` opens."""
    cookies = HTTPCookieProcessor()
    browser = build_opener(cookies)
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', browser.open(site.url).read().decode())
    assert token is not None
    form = f"csrfmiddlewaretoken={token[1]}&room_name={room}&username={name}"
    with browser.open(f"{site.url}/", form.encode()) as answer:
        page, url = answer.read().decode(), answer.url
    cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in cookies.cookiejar)
    live = url.replace("http://", "ws://") + "live/"
    return page, connect(live, additional_headers={"Cookie": cookie}, compression=None)


def refusal(site: Server) -> str:
    """What a start that fails writes to stderr; it has to be one line."""
    assert site.launch().wait(30) == 1
    site.kill()
    line, end, rest = site.errors.partition("\n")
    assert (end, rest) == ("\n", "")
    assert line.startswith("parlor: ")
    return line


@pytest.mark.parametrize("debug", ["off", "on"])
def test_serves_pages_and_their_files(site: Server, debug: str) -> None:
    site.env["DEBUG"] = debug
    site.start()
    with urlopen(site.url) as page:
        html = page.read().decode()
    for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', html):
        with urlopen(site.url + path) as file:
            assert file.status == 200
    assert site.stop() == 0
    assert site.errors == ""


def test_ctrl_c_ends_everything_in_silence_though_people_are_there(site: Server) -> None:
    site.start()
    idle = http.client.HTTPConnection("127.0.0.1", site.port)
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    _, live = visit(site)
    assert len(redis_of(site)) == 1
    with live as socket:
        socket.ping().wait(10)
        assert site.interrupt() == 0
    idle.close()
    assert redis_of(site) == []
    assert site.errors == ""


def test_ctrl_c_before_it_serves(site: Server) -> None:
    process = site.launch()
    while process.poll() is None and not redis_of(site):
        pass
    assert site.interrupt() == 0
    assert redis_of(site) == []
    assert site.errors == ""


def test_a_second_start_still_has_what_was_said(site: Server) -> None:
    site.start()
    _, live = visit(site)
    with live as socket:
        socket.send('{"body": "said before the restart", "key": "one"}')
        while "said before the restart" not in socket.recv(timeout=10):
            pass
    site.stop()
    site.start()
    page, _ = visit(site, name="bob")
    assert "said before the restart" in page


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
def test_no_port(site: Server, port: str) -> None:
    site.env["PORT"] = port
    assert f":{port} is no port" in refusal(site)


def test_the_same_data_twice(site: Server) -> None:
    site.start()
    second = Server(site.data_dir)
    process = second.launch()
    assert process.wait(30) == 1
    second.kill()
    assert "another Parlor runs" in second.errors
    assert len(redis_of(site)) == 1


def test_no_redis_at_redis_url(site: Server) -> None:
    site.env["REDIS_URL"] = f"redis://127.0.0.1:{free_port()}/0"
    assert "REDIS_URL" in refusal(site)


@pytest.mark.parametrize(
    "url", ["postgres://127.0.0.1:1/parlor", "postgres://[", "mysql://here/parlor", "parlor"]
)
def test_no_database_at_database_url(site: Server, url: str) -> None:
    site.env["DATABASE_URL"] = url
    assert "DATABASE_URL" in refusal(site)
    assert redis_of(site) == []


def test_a_database_that_is_something_else(site: Server) -> None:
    (site.data_dir / "parlor.sqlite3").write_text(
        "not a database, but a text as long as it takes to be none" * 20
    )
    assert "file is not a database" in refusal(site)


def test_a_file_where_the_data_directory_should_be(site: Server) -> None:
    (site.data_dir / "file").touch()
    site.env["DATA_DIR"] = str(site.data_dir / "file")
    assert "DATA_DIR" in refusal(site)


def test_a_data_directory_that_cannot_be_made(site: Server) -> None:
    site.env["DATA_DIR"] = "/proc/parlor"
    assert "DATA_DIR" in refusal(site)


def test_odd_names_of_directories(site: Server) -> None:
    odd = site.data_dir / 'it\'s a "long" #1 %20 näme?' / ("x" * 80)
    odd.mkdir(parents=True)
    site.env |= {"DATA_DIR": str(odd), "TMPDIR": str(site.data_dir)}
    site.start()
    assert site.stop() == 0
    with sqlite3.connect(odd / "parlor.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 0
    database.close()
