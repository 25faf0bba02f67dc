"""Where a server of the site listens."""

import socket

import pytest

from project.listening import listen

MEGABYTE = 1024 * 1024


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the system has no such limit")
def test_the_system_takes_little_for_who_does_not_read() -> None:
    with (
        listen("127.0.0.1", "0") as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as server,
    ):
        server.setblocking(False)
        taken = 0
        with pytest.raises(BlockingIOError):
            while True:
                taken += server.send(bytes(MEGABYTE))
        assert taken < MEGABYTE
