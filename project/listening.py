"""Where a server of the site listens."""

import errno
import socket
import stat
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

BACKLOG = 2048  # connections that wait to be accepted
# Bytes that the system takes for somebody who does not read. It would take three million of a tab's frames
# before the site sees that it is behind, and a server's pings would wait behind these.
MOST_UNSENT = 128 * 1024


def listen(host: str, port: str) -> socket.socket:
    """A socket that listens at `host` and `port`.

    Raises ImproperlyConfigured when there can be none.
    """
    try:
        listener = socket.create_server((host, int(port)), backlog=BACKLOG)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # what it accepts has it too
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, MOST_UNSENT)
        return listener
    except OSError as error:
        # The error's own text tells the address once more.
        reason = error.strerror.partition(" (")[0] if error.strerror else str(error)
        problem = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened at ({reason})"
    except (ValueError, OverflowError):
        problem = "is no port"
    raise ImproperlyConfigured(f"{host}:{port} {problem}: stop what uses it, or set HOST and PORT to another")


def listen_at_path(path: Path) -> socket.socket:
    """A unix socket that listens at `path`, in place of one that nobody listens at any more. Who may
    connect is up to the directory that it is in.

    Raises ImproperlyConfigured when there can be none.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        if _is_left_behind(path):
            path.unlink()
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(BACKLOG)
        return listener
    except OSError as error:
        listener.close()
        problem = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened at ({error})"
        raise ImproperlyConfigured(f"{path} {problem}: stop what uses it, or name another path") from error


def _is_left_behind(path: Path) -> bool:
    """Whether there is the socket of a process that was killed."""
    with suppress(FileNotFoundError), socket.socket(socket.AF_UNIX) as probe:
        if stat.S_ISSOCK(path.stat().st_mode):
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                return True
    return False
