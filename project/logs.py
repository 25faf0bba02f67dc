"""How the site logs."""

import logging

from redis.exceptions import RedisError


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
