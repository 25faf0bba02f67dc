"""What the site keeps beside its database: the data directory and what lives in it."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

LONGEST_SOCKET_PATH = 100  # bytes; Linux takes 107 and macOS 103
# What needs no quoting, neither in the address of a Redis nor in its configuration.
PLAIN_PATH = re.compile(r"[\w./-]+")


def make_data_dir(path: Path) -> Path:
    """Make `path` if it is missing and return it, absolute.

    Raises ImproperlyConfigured when it cannot be made or written to.
    """
    path = path.expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        # Asking the file system beats reading mode bits: root may write where the bits say no,
        # and nobody may on a file system mounted read-only.
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise ImproperlyConfigured(
            f"cannot write to the data directory {path} ({error.strerror}): "
            "make it writable, or set DATA_DIR to a directory that is"
        ) from error
    return path


def secret_key(data_dir: Path) -> str:
    """The site's secret key, made on the first call and kept in `data_dir`."""
    path = data_dir / "secret_key"
    if not path.exists():
        # Written whole under another name, then linked into place: of two processes that
        # start together one wins, and nobody ever reads half a key.
        draft = data_dir / f"secret_key.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_text(get_random_secret_key())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def redis_socket(data_dir: Path) -> Path:
    """The unix socket of the embedded Redis: in `data_dir` or, where that path is too long or
    too odd for a socket's name, in a directory of the temporary one that is this user's alone."""
    path = data_dir / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH and PLAIN_PATH.fullmatch(str(path)):
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"parlor-{os.getuid()}-{digest}" / "redis.sock"
