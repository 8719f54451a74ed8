"""Allowed server addresses: the exchange over TLS, or this machine."""

import ipaddress
from urllib.parse import urlsplit

from mexc_tui.model.errors import DeskError

HOSTS = frozenset({"api.mexc.com", "www.mexc.com", "www.mexc.co"})
"""The only remote hosts that requests are sent to (reliability 4.6)."""


class OriginRefused(DeskError):
    """A server address is not allowed.

    Raised when a client or a stream is built. Correct the address: the message lists the allowed ones.
    """


def checked_origin(origin: str) -> str:
    """Return the origin: `https://` of an allowed host, or `http(s)://` of this machine.

    Raises OriginRefused for any other address.
    """
    parts = urlsplit(origin)
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    host = parts.hostname or ""
    allowed = (parts.scheme == "https" and host in HOSTS) or (
        parts.scheme in ("http", "https") and is_loopback_host(host)
    )
    if not (plain and allowed):
        raise OriginRefused(
            f"{host or 'This address'} is not allowed: use https:// of {', '.join(sorted(HOSTS))}, "
            "or this machine, without a path."
        )
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback_host(host: str) -> bool:
    """Return whether `host` is `localhost` or a loopback address. Other names are not resolved."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
