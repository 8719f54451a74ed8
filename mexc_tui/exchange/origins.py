"""Which addresses the client talks to: the exchange's over TLS, or this machine."""

import ipaddress
from urllib.parse import urlsplit

from mexc_tui.model.errors import DeskError

HOSTS = frozenset({"api.mexc.com", "www.mexc.com", "www.mexc.co"})
"""The only hosts outside this machine that are ever spoken to (reliability 4.6)."""


class OriginRefused(DeskError):
    """An address that the desk does not talk to.

    Raised when a client or a stream is built. Correct the address: the text names what is allowed.
    """


def checked_origin(origin: str) -> str:
    """Return `https://host`, or `http://` of this machine itself. Raises OriginRefused for all else."""
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
    """Return whether a host is certainly this machine; no name but `localhost` is looked at."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
