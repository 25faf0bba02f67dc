"""`manage.py serve`, as a process of its own."""

import http.client
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings

from e2e.client import open_socket, session_of
from project.listening import listen_at_path
from tests.process import ROOT, Serving


@pytest.fixture
def site(ready_data: Path) -> Iterator[Serving]:
    (ready_data / "stderr").unlink(missing_ok=True)
    site = Serving(ready_data, REDIS_URL=settings.REDIS)
    yield site
    site.kill()


@pytest.fixture
def at_path(site: Serving, path: Path) -> Iterator[Serving]:
    """The same, at the unix socket `path`."""
    site = Serving(site.data_dir, path, REDIS_URL=settings.REDIS)
    yield site
    site.kill()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parlor.sock"


def refusal(site: Serving) -> str:
    """What a start that fails writes to stderr; it has to be one line."""
    assert site.launch().wait(30) == 1
    site.kill()
    line, end, rest = site.errors.partition("\n")
    assert (end, rest) == ("\n", "")
    assert line.startswith("parlor: ")
    return line


def status(path: Path, headers: dict[str, str]) -> int:
    """That of the lobby, from a server at the unix socket `path`."""
    with closing(http.client.HTTPConnection("localhost")) as browser:
        browser.sock = socket.socket(socket.AF_UNIX)
        browser.sock.connect(str(path))
        browser.request("GET", "/", headers=headers)
        return browser.getresponse().status


def test_serves_pages_their_files_and_sockets(site: Serving) -> None:
    site.start()
    with urlopen(site.url) as page:
        html = page.read().decode()
        assert page.headers["Server"] is None
    for address in re.findall(r'(?:href|src)="(/static/[^"]+)"', html):
        with urlopen(site.url + address) as file:
            assert file.status == 200
    cookie = session_of(site.url, "Lounge", "ann")
    with open_socket(site.url, "lounge", cookie) as tab:
        assert "cursor" in str(tab.recv(timeout=20))
        assert tab.protocol.extensions == []
    assert site.stop() == 0
    assert site.errors == ""


def test_at_a_unix_socket_that_a_killed_process_left(at_path: Serving, path: Path) -> None:
    at_path.env["TRUSTED_PROXIES"] = "1"
    at_path.start()
    at_path.kill()
    assert path.is_socket()
    at_path.start()
    assert status(path, {"Host": "localhost", "X-Forwarded-For": "203.0.113.7"}) == 200
    assert at_path.stop() == 0
    assert not path.exists()
    assert at_path.errors == ""


def test_a_unix_socket_that_is_in_use(at_path: Serving, path: Path) -> None:
    with listen_at_path(path):
        assert f"{path} is in use" in refusal(at_path)


@pytest.mark.parametrize("name", ["x" * 200, "there/is/no/such/directory", "static"])
def test_a_path_where_no_socket_can_be(site: Serving, name: str) -> None:
    site.env["UNIX_SOCKET"] = str(site.data_dir / name)
    assert "name another path" in refusal(site)
    assert (site.data_dir / "static").is_dir()


def test_tells_systemd_when_it_serves(at_path: Serving, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"{path}.notify")
        at_path.env |= {"NOTIFY_SOCKET": f"{path}.notify", "TRUSTED_PROXIES": "1"}
        at_path.start()
        assert manager.recv(100) == b"READY=1"
        assert status(path, {"Host": "localhost"}) == 200


def test_says_that_nobodys_address_is_known(at_path: Serving) -> None:
    at_path.start()
    assert "TRUSTED_PROXIES is 0" in at_path.errors
    assert at_path.stop() == 0


def test_a_port_in_use(site: Serving) -> None:
    with socket.create_server(("127.0.0.1", site.port)):
        assert f":{site.port} is in use" in refusal(site)


def test_needs_a_redis_to_share(site: Serving) -> None:
    del site.env["REDIS_URL"]
    assert "REDIS_URL" in refusal(site)


def test_serves_though_redis_is_away(site: Serving) -> None:
    site.env["REDIS_URL"] = "redis://127.0.0.1:1"
    site.start()
    assert urlopen(site.url).status == 200
    assert site.stop() == 0


@pytest.mark.parametrize(
    ("env", "told"),
    [
        ({"DATABASE_URL": "sqlite:////{}/new.sqlite3"}, "manage.py migrate"),
        ({"DATABASE_URL": "postgres://127.0.0.1:1/parlor"}, "cannot use the database"),
        ({"DATA_DIR": "{}/new"}, "manage.py collectstatic"),
    ],
)
def test_says_what_has_to_be_done_first(site: Serving, env: dict[str, str], told: str) -> None:
    site.env |= {name: value.format(site.data_dir) for name, value in env.items()}
    assert told in refusal(site)


def test_says_what_to_install(site: Serving) -> None:
    without = (
        "import manage, sys; sys.modules['uvicorn'] = None; sys.argv = ['manage.py', 'serve']; manage.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", without], env=site.env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("parlor: serve needs uvicorn")
    assert "pip install -r requirements-production.txt" in done.stderr
