"""Where on the network a request comes from."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str:
    """The address of whoever asks; nothing, where it cannot be known."""
    return _address(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR", ""))


def address_in(scope: dict[str, Any]) -> str:
    """The same, of whoever opens a socket."""
    peer = (scope.get("client") or [""])[0]
    forwarded = [value.decode("latin1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return _address(peer, ",".join(forwarded))


def _address(peer: str, forwarded: str) -> str:
    """Each proxy adds to `forwarded` whom it heard it from, so that of as many entries from the end
    as proxies are trusted nobody can make up any."""
    proxies = settings.TRUSTED_PROXIES
    hops = forwarded.split(",") if forwarded else []
    if proxies and len(hops) >= proxies:
        return _whose(_parsed(hops[-proxies].strip()))
    # Also where a proxy that nobody has named may be in between: a header that anybody can send must
    # not free them from limits.
    return _whose(_parsed(peer))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    if text.count(":") == 1:  # some proxies add the port
        text = text.partition(":")[0]
    try:
        address = ip_address(text.strip("[]"))
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _whose(address: IPv4Address | IPv6Address | None) -> str:
    """What of it is one household's: of an IPv6 address, its network."""
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address.packed[:8] + bytes(8), 64)))
    return str(address or "")
