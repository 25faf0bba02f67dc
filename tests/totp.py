"""What an authenticator app shows."""

import base64
import hmac
import struct
import time


def totp(secret: str, at: float | None = None) -> str:
    """The code of this moment (RFC 6238)."""
    step = int(time.time() if at is None else at) // 30
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    start = digest[-1] & 15
    number = struct.unpack(">I", digest[start : start + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"
