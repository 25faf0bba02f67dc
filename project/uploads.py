"""How much a request may bring: whoever serves takes all of it in before Django looks at any."""

from typing import Any

from django.conf import settings

REST = 2_000_000  # bytes of a form, beside its files
TOO_MUCH = b"That is too much at once.\n"


def limited(application: Any) -> Any:
    """Answers 413 to a request that says it brings more than the files of a message may have together,
    and hangs up on one that does not say so and brings it."""

    async def limiting(scope: Any, receive: Any, send: Any) -> Any:
        most = settings.FILES_PER_MESSAGE * settings.FILE_MAX_MB * 1_000_000 + REST
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and (len(length) > 18 or int(length) > most):
            headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 413, "headers": headers})
            return await send({"type": "http.response.body", "body": TOO_MUCH})
        brought = 0

        async def counted() -> Any:
            nonlocal brought
            message = await receive()
            brought += len(message.get("body", b""))
            return {"type": "http.disconnect"} if brought > most else message

        return await application(scope, counted, send)

    return limiting
