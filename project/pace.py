"""How the interpreter shares its time in a process that serves, so that nobody waits long for it."""

import ctypes
import gc
import sys
from contextlib import suppress

# Objects that are new, and still there, before the collector looks for cycles among them. Most go by
# themselves. With Python's own 700 it looks through all tabs every few seconds, and everybody waits.
MOST_NEW = 10_000
# How often it does that before it looks through what was still there each time: 10 ms for that of a busy
# site, and 20 to 40 with Python's own 10. And how often that, before it looks through everything.
YOUNG, OLD = 3, 30
# How long a thread that computes may keep the others waiting, where Python's own is 5 ms. To post takes
# a dozen turns of two threads: each would wait so long while a third one reads something from the database.
TURN_SECONDS = 0.0005
# Parts in which glibc keeps memory, where its own is eight for each core. Each thread has one of them, and
# each keeps what its threads needed most; threads of requests come and go, so that it would grow for hours.
ARENAS, M_ARENA_MAX = 2, -8  # malloc.h


def serve_evenly() -> None:
    """To be called once all is loaded: that stays, and is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(MOST_NEW, YOUNG, OLD)
    sys.setswitchinterval(TURN_SECONDS)
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, ARENAS)
