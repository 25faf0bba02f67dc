"""Errors are reported to Sentry, or to whatever speaks as it does, where SENTRY_DSN says so.

What is logged as an error is reported: where it came from, and nothing else that the log would not tell.
"""

import logging
from collections.abc import Iterator
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
from sentry_sdk.integrations.threading import ThreadingIntegration

from project import discreet
from project.logs import told
from rooms import context

# Of what Sentry's library gathers; the rest, such as requests, arguments and people, stays here.
KEPT = {
    "event_id",
    "timestamp",
    "platform",
    "level",
    "logger",
    "environment",
    "release",
    "server_name",
    "sdk",
}
KEPT_OF_FRAMES = {
    "abs_path",
    "context_line",
    "filename",
    "function",
    "in_app",
    "lineno",
    "module",
    "post_context",
    "pre_context",
}
TAGS = {"request", "tab", "room"}


def report_errors(dsn: str) -> None:
    """From here on. Raises ValueError where `dsn` is none."""
    ignore_logger("django.security.DisallowedHost")  # whoever asks chooses the host
    sentry_sdk.init(
        dsn,
        before_send=_discreet,
        max_request_body_size="never",
        include_local_variables=False,
        max_breadcrumbs=0,
        send_client_reports=False,
        auto_session_tracking=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[
            LoggingIntegration(level=None, event_level=logging.ERROR),
            ExcepthookIntegration(),
            ThreadingIntegration(propagate_scope=False),
            DedupeIntegration(),
            AtexitIntegration(callback=lambda pending, timeout: None),
        ],
    )


def _discreet(event: Any, hint: dict[str, Any]) -> Any:
    """What of `event` is sent."""
    sent = {name: value for name, value in event.items() if name in KEPT}
    sent["tags"] = {name: value for name, value in context.now().items() if name in TAGS}
    if "log_record" in hint:
        sent["logentry"] = {"formatted": told(hint["log_record"]).getMessage()}
    error = hint["exc_info"][1] if hint.get("exc_info") else None
    words = {(type(each).__name__, str(each)): discreet.words(each) for each in _chain(error)}
    found = event.get("exception", {}).get("values", [])
    if found:
        sent["exception"] = {"values": [_exception(each, words) for each in found]}
    return sent


def _exception(value: dict[str, Any], words: dict[tuple[str, str], str]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames", [])
    kept = [{name: of for name, of in frame.items() if name in KEPT_OF_FRAMES} for frame in frames]
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": words.get((str(value.get("type")), str(value.get("value"))), discreet.HIDDEN),
        "stacktrace": {"frames": kept},
    }


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """`error`, and those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
