from typing import Any

from django.apps import AppConfig
from django.core.signals import request_finished


class RoomsConfig(AppConfig):
    name = "rooms"

    def ready(self) -> None:
        from rooms import sessions  # noqa: F401 — it listens from here on
        from rooms.accounts import keeping  # noqa: F401 — likewise
        from rooms.search import forgetting  # noqa: F401 — likewise

        request_finished.connect(_close_connections)


def _close_connections(**kwargs: Any) -> None:
    """A request has a thread of its own, which ends with it, and so must the connection it opened."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:  # a test's
            connection.close()
