"""A person without a browser: signs in over HTTP, talks over a WebSocket."""

import http.cookiejar
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect


def small_socket(url: str) -> socket.socket:
    """A TCP connection to `url` whose system buffers next to nothing of what is not read."""
    parts = urllib.parse.urlsplit(url)
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.connect((parts.hostname, parts.port))
    return small


def session_of(url: str, room: str, name: str) -> str:
    """Join `room` as a new guest; returns the value for a Cookie header."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [("Referer", f"{url}/")]  # as browsers send it: where there is TLS, it is asked for
    page = opener.open(url).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    fields = {"csrfmiddlewaretoken": token[1], "room_name": room, "username": name}
    opener.open(url, urllib.parse.urlencode(fields).encode()).read()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def post(url: str, path: str, cookie: str, **fields: str) -> int:
    """Send a form of the site with that session, by a connection of its own; returns the status."""
    token = cookie.partition("csrftoken=")[2].partition(";")[0]
    headers = {"Cookie": cookie, "X-CSRFToken": token, "Referer": f"{url}/"}
    request = urllib.request.Request(url + path, urllib.parse.urlencode(fields).encode(), headers)
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        return opener.open(request).status
    except urllib.error.HTTPError as error:
        return error.code


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        """It is an answer like others."""


@contextmanager
def open_socket(
    url: str, slug: str, cookie: str, headers: dict[str, str] | None = None, **options: Any
) -> Iterator[ClientConnection]:
    """A socket in the room, which has resumed from the beginning; options as `websockets` has them."""
    live = f"{url.replace('http', 'ws', 1)}/rooms/{slug}/live/"
    headers = {"Cookie": cookie} | (headers or {})
    with connect(live, additional_headers=headers, compression=None, **options) as connection:
        connection.send(json.dumps({"action": "resume", "cursor": "0"}))
        yield connection
