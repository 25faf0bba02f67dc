"""REDIS_URL: one server, several, or one that sentinels know; as each part of the site wants it."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from channels_redis.utils import create_pool, decode_hosts
from django.core.exceptions import ImproperlyConfigured
from redis import ConnectionPool
from redis import asyncio as aio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

SENTINEL = "redis+sentinel://"
SCHEMES = ("redis://", "rediss://", "unix://", SENTINEL)
SENTINEL_PORT = 26379
SENTINEL_SECONDS = 0.5  # before the next is asked


def servers(redis_url: str) -> list[str]:
    """The URLs in `redis_url`, with commas between; one of sentinels has commas between its hosts too.

    Raises ImproperlyConfigured where one of them is no URL of a Redis.
    """
    urls = [url.strip() for url in re.split(r",(?=\s*[a-z+]+://)", redis_url)]
    for url in urls:
        is_one = url.startswith(SENTINEL) or "," not in url
        if not (url.startswith(SCHEMES) and is_one):
            raise ImproperlyConfigured(f"REDIS_URL: {url!r} does not begin with any of {', '.join(SCHEMES)}")
        host(url)
    return urls


def host(url: str) -> str | dict[str, Any]:
    """The server at `url`, as channels_redis names one in its `hosts`.

    `redis+sentinel://user:password@host:26379,host:26379/name?db=0&sentinel_password=…` is the master
    that these sentinels know by that name.
    """
    if not url.startswith(SENTINEL):
        return url
    try:
        parts, asked = urlsplit(url), parse_qs(urlsplit(url).query)
        credentials, _, hosts = parts.netloc.rpartition("@")
        username, _, password = credentials.partition(":")
        name = unquote(parts.path.strip("/"))
        if not (hosts and name):
            raise ValueError("it needs hosts and a name")
        return {
            "master_name": name,
            "sentinels": [_address(address) for address in hosts.split(",")],
            "sentinel_kwargs": {
                "password": asked.get("sentinel_password", [None])[0],
                "socket_timeout": SENTINEL_SECONDS,
                "socket_connect_timeout": SENTINEL_SECONDS,
                "retry": AsyncRetry(NoBackoff(), 0),  # there are others
            },
            "db": int(asked.get("db", ["0"])[0]),
            "username": unquote(username) or None,
            "password": unquote(password) or None,
        }
    except ValueError as error:
        raise ImproperlyConfigured(
            f"REDIS_URL cannot be read ({error}): sentinels are named as redis+sentinel://host:port,host:port/name"
        ) from error


def _address(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"{text!r} is no host")
    return parts.hostname, parts.port or SENTINEL_PORT


def pool(url: str, **options: Any) -> ConnectionPool:
    """Connections to the server at `url`, with redis-py's `options`."""
    server = host(url)
    if isinstance(server, str):
        return ConnectionPool.from_url(server, **options)
    asked = server.pop("sentinel_kwargs") | {"retry": Retry(NoBackoff(), 0)}
    sentinels = Sentinel(server.pop("sentinels"), sentinel_kwargs=asked)
    return SentinelConnectionPool(server.pop("master_name"), sentinels, **server, **options)


def async_pool(url: str, **options: Any) -> aio.ConnectionPool:
    """The same for coroutines, as the channel layer makes it."""
    [server] = decode_hosts([host(url)])
    return create_pool(server | options)
