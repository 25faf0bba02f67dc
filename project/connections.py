"""Connections to the database that outlive the requests they were opened for.

Under ASGI a request has a thread of its own, which ends with it, and Django's connections belong to
threads: each request would open one, which is most of a page's time on PostgreSQL. Django's pool is
for sites that keep no connection open, and the sockets' threads keep theirs.
"""

import threading
from collections import deque
from typing import Any

from django.core.signals import request_finished, request_started
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

KEPT = 8  # connections with nothing to do; more requests than that at once open some, and close them

_idle: deque[BaseDatabaseWrapper] = deque()


def keep_connections() -> None:
    """From here on, requests hand their connections on.

    Django's handlers of the same signals come before: one that cannot be used any more is closed by
    then, and one that may have been ended meanwhile is looked at before its first query
    (CONN_HEALTH_CHECKS).
    """
    request_started.connect(_take)
    request_finished.connect(_give_back)


def _take(**kwargs: Any) -> None:
    if connections.all(initialized_only=True) or not _idle:
        return
    try:
        connection = _idle.pop()  # the one used last: fewer are in use, and the others stay closed
    except IndexError:  # another thread took it
        return
    connections[DEFAULT_DB_ALIAS] = connection


def _give_back(**kwargs: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        return  # which has a connection for as long as it lasts
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:  # a test's
            continue
        if connection.connection is None or len(_idle) >= KEPT:
            connection.close()
            continue
        if not connection.allow_thread_sharing:
            connection.inc_thread_sharing()
        del connections[connection.alias]
        _idle.append(connection)
