"""How much one person may do in a while; counted in each process by itself."""

from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_limiter = MovingWindowRateLimiter(MemoryStorage())

POSTS = RateLimitItemPerSecond(20, 10)
TOO_MANY = "You are writing faster than others can read. Please wait a moment and send it again."


def may_post(person_id: int) -> bool:
    """Whether this person may post now."""
    return not settings.RATE_LIMITS or _limiter.test(POSTS, "post", str(person_id))


def posted(person_id: int) -> None:
    """Count a message of this person that was kept."""
    if settings.RATE_LIMITS:
        _limiter.hit(POSTS, "post", str(person_id))
