"""Texts go out compressed."""

from typing import Any

from django.http import HttpRequest
from django.middleware.gzip import GZipMiddleware

TEXTS = ("text/", "application/atom+xml", "application/json", "image/svg+xml")


class CompressTexts(GZipMiddleware):
    """As Django's, which would compress pictures, and files of which a part was asked for, too. It adds
    some random bytes to each, against guessing secrets by how long a page is (BREACH)."""

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        if response.streaming or not response.get("Content-Type", "").startswith(TEXTS):
            return response
        return super().process_response(request, response)
