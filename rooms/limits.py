"""How much one person may do in a while; counted in each process by itself."""

from django.conf import settings
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

_limiter = MovingWindowRateLimiter(MemoryStorage())

POSTS = RateLimitItemPerSecond(20, 10)
FRAMES = RateLimitItemPerSecond(200, 10)
TOO_MANY = "You are writing faster than others can read. Please wait a moment and send it again."


def may_post(person_id: int) -> bool:
    """Whether this person may post now; counts as a post if so."""
    return not settings.RATE_LIMITS or _limiter.hit(POSTS, "post", str(person_id))


def may_send_frame(person_id: int) -> bool:
    """Whether this person's tabs may send another frame now; counts as one if so."""
    return not settings.RATE_LIMITS or _limiter.hit(FRAMES, "frame", str(person_id))
