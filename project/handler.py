"""Django's handler of requests, whose requests go by themselves when they are done with."""

from contextlib import suppress
from typing import Any

from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler


class Handler(ASGIHandler):
    """Its task that waits for the browser to hang up ends by an exception, as good as always; that keeps the
    frame that knows the task, and with it the request and whatever its page was made of, until the garbage
    collector comes by."""

    async def listen_for_disconnect(self, receive: Any) -> None:
        with suppress(RequestAborted):  # as does who waits for it
            await super().listen_for_disconnect(receive)
