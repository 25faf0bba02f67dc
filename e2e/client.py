"""A person without a browser: signs in over HTTP, talks over a WebSocket."""

import http.cookiejar
import json
import re
import socket
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
    page = opener.open(url).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token
    fields = {"csrfmiddlewaretoken": token[1], "room_name": room, "username": name}
    opener.open(url, urllib.parse.urlencode(fields).encode()).read()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


@contextmanager
def open_socket(url: str, slug: str, cookie: str, **options: Any) -> Iterator[ClientConnection]:
    """A socket in the room, which has resumed from the beginning; options as `websockets` has them."""
    live = f"{url.replace('http', 'ws', 1)}/rooms/{slug}/live/"
    with connect(live, additional_headers={"Cookie": cookie}, compression=None, **options) as connection:
        connection.send(json.dumps({"action": "resume", "cursor": "0"}))
        yield connection
