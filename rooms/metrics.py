"""What the site counts and measures, for Prometheus: all definitions, and what counts.

Whatever concerns the tabs of a room is counted once for all of them: a tab costs nothing here. What a
process has is looked at only when it is asked for its metrics; see rooms/scrape.py.
"""

from collections.abc import Iterable
from time import time
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

disable_created_metrics()  # when counting began, a second series for each

QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)  # seconds
BELIEVABLE_SECONDS = 600.0  # from one process to another; beyond that their clocks differ

# Changes, from the one who makes them to the tabs.
CHANGES = Counter("parlor_changes", "Changes to rooms that this process made.", ["kind"])
PUBLISH = Histogram(
    "parlor_publish_seconds", "From a change being committed to Redis having it.", buckets=QUICK
)
UNPUBLISHED = Counter("parlor_publish_failures", "What Redis did not take; the hubs read it later.")
REFUSED = Counter("parlor_refused_posts", "Messages that were not taken.", ["reason"])
DELIVERIES = Counter("parlor_deliveries", "Changes times the tabs of their room in this process.")
FRAMES = Counter("parlor_frames", "Frames that carried changes, each of one or more, to tabs.")
FLUSH = Histogram(
    "parlor_publish_to_flush_seconds",
    "From a change being published, by any process, to the last tab of this one being handed it.",
    buckets=QUICK,
)
GAPS = Counter("parlor_gaps_repaired", "Times that what Redis did not bring was read from the database.")
REPAIRED = Counter("parlor_changes_repaired", "Changes, or newest pages, that were read for that.")
RESUMES = Counter("parlor_resumes", "Tabs that came, or came back, by what they had missed.", ["missed"])
SLOW_TABS = Counter("parlor_slow_tabs_closed", "Tabs that were closed because they did not read.")

# Requests.
REQUESTS = Counter("parlor_http_requests", "Requests answered.", ["view", "method", "status"])
LATENCY = Histogram("parlor_http_request_duration_seconds", "From a request to its answer.", ["view"])

# What there is at the moment.
TABS = Gauge("parlor_tabs", "Tabs that are open.")
ROOMS = Gauge("parlor_rooms_with_tabs", "Rooms that have tabs.")
TABS_BEHIND = Gauge("parlor_tabs_behind", "Tabs to which a write is under way.")
BACKLOG = Gauge("parlor_backlog_characters", "What waits to be written to tabs.")
TASKS = Gauge("parlor_tasks_waiting", "What waits for the worker; of the whole site.")
THREADS = Gauge("parlor_thread_queue", "What waits for a thread that talks to the database.", ["thread"])
CHECKS = Gauge("parlor_check", "1 where a check of /readyz succeeds, 0 where it fails.", ["check"])

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_REASONS = {422: "form", 429: "rate"}


def published(change: Any) -> None:
    """Count `change`, which is committed."""
    change.goes_out()
    CHANGES.labels(_kind(change)).inc()


def _kind(change: Any) -> str:
    if change.message is not None:
        return "post" if change.is_new else "alter"
    return "room" if change.head else "purge" if change.gone else "access"


def sent(events: Iterable[dict[str, Any]]) -> None:
    """Count that Redis has all of these."""
    now = time()
    for event in events:
        if published_at := event.get("published_at"):
            PUBLISH.observe(max(now - published_at, 0))


def flushed(shown: Iterable[Any], tabs: int) -> None:
    """Count that all of `shown` was handed to so many tabs, in a frame each."""
    now, count = time(), 0
    for part in shown:
        count += 1
        # Of what was read from the database nobody knows when it was published.
        if 0 <= (seconds := now - getattr(part, "published_at", 0)) < BELIEVABLE_SECONDS:
            FLUSH.observe(seconds)
    DELIVERIES.inc(count * tabs)
    FRAMES.inc(tabs)


def repaired(changes: int) -> None:
    """Count that so many changes were read which Redis did not bring."""
    GAPS.inc()
    REPAIRED.inc(changes)


def refused(status: int) -> None:
    """Count a message that was not taken, by the status that a page says so with."""
    REFUSED.labels(_REASONS.get(status, "room")).inc()


def method_of(method: str | None) -> str:
    """A method as it is counted: whoever asks chooses it, and each that is new would stay."""
    return method if method in _METHODS and method is not None else "other"


def answered(view: str, method: str, status: int, seconds: float) -> None:
    """Count an answer to a request that took so long; `view` is the name of its address."""
    REQUESTS.labels(view, method, status).inc()
    LATENCY.labels(view).observe(seconds)
