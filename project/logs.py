"""How the site logs: in lines to be read or, with LOG_FORMAT=json, in objects to be collected."""

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from pythonjsonlogger.json import JsonFormatter
from redis.exceptions import RedisError

from project import discreet
from rooms import context

ABOUT = ("request", "tab", "room", "person")
# Of an answer; see project/requests.py.
ANSWER = ("view", "method", "status", "ms")


class ShortRedisOutage(logging.Filter):
    """One line, not a traceback a second, while Redis is away.

    The channel layer logs every failed attempt to receive with its traceback. Rooms go on
    without Redis (the hub reads the database), so a line that names the trouble is enough.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RedisError | OSError):
            record.msg, record.args = "Redis cannot be reached: %s", (error,)
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


class _Discreet(logging.Formatter):
    """Tells what is being served, and nothing of what people write or keep secret."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(told(record))

    def formatException(self, ei: Any) -> str:
        return discreet.trace(ei[1])


def told(record: logging.LogRecord) -> logging.LogRecord:
    """A copy of `record` as it may be told; others have theirs."""
    copy = logging.makeLogRecord(record.__dict__)
    if isinstance(copy.args, tuple):
        copy.args = tuple(map(discreet.argument, copy.args))
    copy.msg, copy.args = discreet.addresses(copy.getMessage()), None
    copy.exc_text = None  # another formatter may have kept there what it made
    about = context.now()
    copy.__dict__ |= {name: about.get(name) for name in ABOUT}
    return copy


class LineFormatter(_Discreet):
    """A line for each record; what goes with it, such as a traceback, is set in below."""

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        about = " ".join(f"{name}={value}" for name in ABOUT if (value := getattr(record, name)) is not None)
        return discreet.on_one_line(super().formatMessage(record) + (f" ({about})" if about else ""))

    def formatException(self, ei: Any) -> str:
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())


class ObjectFormatter(_Discreet, JsonFormatter):
    """A JSON object on a line for each record."""

    def __init__(self) -> None:
        names = {"levelname": "level", "name": "logger", "exc_info": "exception"}
        super().__init__(["levelname", "name", "message"], rename_fields=names, timestamp="time")

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """What a library hangs on its records may be anything: the rest is left out."""
        names = ("time", "level", "logger", "message", *ABOUT, *ANSWER, "exception")
        return {name: log_data[name] for name in names if log_data.get(name) is not None}


def logging_config(log_format: str, *, is_access_logged: bool) -> dict[str, Any]:
    """For Django's LOGGING. Raises ImproperlyConfigured where there is no such format."""
    formatters = {"plain": "project.logs.LineFormatter", "json": "project.logs.ObjectFormatter"}
    if log_format not in formatters:
        raise ImproperlyConfigured(f"LOG_FORMAT has to be one of: {', '.join(formatters)}")
    handler = {"class": "logging.StreamHandler", "formatter": "site"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redis_outage": {"()": "project.logs.ShortRedisOutage"}},
        "formatters": {"site": {"()": formatters[log_format]}},
        "handlers": {"stderr": handler, "layer": handler | {"filters": ["redis_outage"]}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "rooms": {"level": "INFO"},
            "project": {"level": "INFO"},
            "project.requests": {"level": "INFO" if is_access_logged else "WARNING"},
            "channels_redis": {"handlers": ["layer"], "propagate": False},
            "django": {"handlers": [], "level": "INFO"},
            # uvicorn has set its own up by now; what it logs of requests tells what was looked for.
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }
