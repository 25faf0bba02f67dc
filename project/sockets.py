"""What stands between the ASGI server and the consumers of WebSockets."""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError
from django.http import HttpRequest
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from rooms import context
from rooms.reading import reading

log = logging.getLogger(__name__)

INTERNAL_ERROR = 1011  # after which a page connects again
CLOSE_SECONDS = 30  # how long a client may take to answer a close; one that reads slowly needs it


def told(application: Any) -> Any:
    """Has whatever is logged while a socket is served tell which tab that is, and logs what breaks there."""

    async def telling(scope: Any, receive: Any, send: Any) -> Any:
        context.begin(tab=context.new_id())
        try:
            return await application(scope, receive, send)
        except Exception:
            # Servers would log it too, each in a way of its own, and with what it says.
            log.exception("a tab broke")
        with suppress(Exception):  # it may be closed by now
            await send({"type": "websocket.close", "code": INTERNAL_ERROR})

    return telling


def same_origin(application: Any) -> Any:
    """Refuses a socket that a page of another origin opens, with 403 before the handshake.

    A browser sends the cookies of this site with such a socket too (cross-site WebSocket
    hijacking). Same origin means the same host and port as the request is for; other origins
    may be named in CSRF_TRUSTED_ORIGINS. A client that is no browser sends no Origin, and has
    no cookies it was not given.
    """

    async def refusing(scope: Any, receive: Any, send: Any) -> Any:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin1")
        host = headers.get(b"host", b"").decode("latin1")
        if origin and origin not in settings.CSRF_TRUSTED_ORIGINS and not same_host(origin, host):
            return await WebsocketDenier()(scope, receive, send)
        return await application(scope, receive, send)

    return refusing


def same_host(origin: str, host: str) -> bool:
    """Whether an Origin header names the host and port of a Host header.

    The scheme is not compared: behind a proxy that speaks TLS this server sees http only.
    """
    try:
        return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
    except ValueError:
        return False


def signed_in(application: Any) -> Any:
    """Adds to the scope whom the session cookie says this is: `user`, perhaps nobody; and
    `session_key`.

    Channels' own middleware looks at the session again for every frame that is sent; a tab is
    sent thousands and never changes it.
    """
    sessions = import_module(settings.SESSION_ENGINE)

    @reading
    def user_of(session_key: str | None) -> Any:
        request = HttpRequest()
        request.session = sessions.SessionStore(session_key)
        return get_user(request)

    async def knowing(scope: Any, receive: Any, send: Any) -> Any:
        session_key = scope["cookies"].get(settings.SESSION_COOKIE_NAME)
        scope["session_key"] = session_key or ""
        try:
            scope["user"] = await user_of(session_key)
        except DatabaseError as error:
            log.warning("nobody can be known: the database failed: %s", error)
            return await WebsocketDenier()(scope, receive, send)
        return await application(scope, receive, send)

    return CookieMiddleware(knowing)


def daphne_manners(application: Any) -> Any:
    """Makes up for what daphne lacks, where the server is daphne.

    Backpressure: the ASGI specification leaves waiting to the server. Others make `send` wait
    while the client does not read; daphne hands everything to Twisted's transport, which buffers
    without end, but tells a registered producer when that buffer is full.

    Close codes: daphne closes by a method of autobahn's that refuses the codes of RFC 6455,
    section 7.4.1, above 1000. The frame itself may hold any.
    """

    async def mannerly(scope: Any, receive: Any, send: Any) -> Any:
        protocol: Any = send.args[0] if isinstance(send, partial) and send.args else None
        if not hasattr(protocol, "sendCloseFrame"):
            return await application(scope, receive, send)
        gate = _Gate()
        # Until now the producer is the HTTP channel that this connection began as.
        protocol.unregisterProducer()
        protocol.registerProducer(gate, True)
        protocol.closeHandshakeTimeout = CLOSE_SECONDS

        async def patient_send(message: Any) -> None:
            if not gate.is_set():
                await gate.wait()
            if message["type"] == "websocket.close" and protocol.state == protocol.STATE_OPEN:
                protocol.sendCloseFrame(code=message.get("code", 1000))
            else:
                await send(message)

        return await application(scope, receive, patient_send)

    return mannerly


@implementer(IPushProducer)
class _Gate(asyncio.Event):
    """Open while the transport takes more."""

    def __init__(self) -> None:
        super().__init__()
        self.set()

    def pauseProducing(self) -> None:
        self.clear()

    def resumeProducing(self) -> None:
        self.set()

    def stopProducing(self) -> None:
        self.set()
