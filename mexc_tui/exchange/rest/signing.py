"""Request signatures (protocol 2.4)."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from mexc_tui.model.credentials import Credentials

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII).fullmatch
"""Matches text of unreserved characters only (RFC 3986), which needs no encoding: most values."""


def encode(params: Iterable[tuple[str, str]]) -> str:
    """Return `k=v&k=v` in the given order, values percent-encoded: upper-case hex, space as %20.

    Raises ValueError for text that is not Unicode (lone surrogates).
    """
    return "&".join([f"{name}={value if _PLAIN(value) else quote(value, safe='')}" for name, value in params])


class Signer:
    """Signs queries with the API secret. The signed text is sent byte for byte."""

    def __init__(self, credentials: Credentials) -> None:
        self.access_key = credentials.access_key
        self._secret = credentials.secret

    def sign(self, text: str) -> str:
        """Return the signature of an encoded query (followed directly by the body, if there is one)."""
        return self._secret.sign(text.encode())

    def signed_query(self, params: Iterable[tuple[str, str]], recv_window_ms: int, timestamp_ms: int) -> str:
        """Return the complete query including recvWindow, timestamp and signature."""
        encoded = encode(params)
        lead = f"{encoded}&" if encoded else ""
        text = f"{lead}recvWindow={recv_window_ms}&timestamp={timestamp_ms}"
        return f"{text}&signature={self.sign(text)}"
