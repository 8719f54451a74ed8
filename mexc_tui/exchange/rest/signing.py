"""Signatures of MEXC requests (reference 2.4)."""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*", re.ASCII).fullmatch
"""Unreserved characters stay as they are (RFC 3986); most values hold nothing else."""


class Secret:
    """Holds a key's secret and never shows it: not in repr, str, format, pickle or a debugger's locals."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value.encode("ascii", "replace")

    def sign(self, text: bytes) -> str:
        """Return HMAC-SHA256 of `text` as lower-case hex."""
        return hmac.digest(self.__value, text, "sha256").hex()

    def __repr__(self) -> str:
        """Hide."""
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Hide."""
        return repr(self)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("A secret is not written anywhere.")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A key pair. Only the access key's first four characters are ever shown."""

    access_key: str
    secret: Secret

    def __post_init__(self) -> None:
        """Raise ValueError, without the key, for text that cannot be a key."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", self.access_key):
            raise ValueError("An access key is letters and digits only: paste it again.")

    def __repr__(self) -> str:
        """Name the key, not its text."""
        return f"Credentials({self.access_key[:4]}***)"


def encode(params: Iterable[tuple[str, str]]) -> str:
    """Return `k=v&k=v` in the given order, values percent-encoded: upper-case hex, space as %20.

    Raises ValueError for text that is not Unicode (lone surrogates).
    """
    return "&".join([f"{name}={value if _PLAIN(value) else quote(value, safe='')}" for name, value in params])


class Signer:
    """Signs the text that is sent, byte for byte."""

    def __init__(self, credentials: Credentials) -> None:
        self.access_key = credentials.access_key
        self._secret = credentials.secret

    def sign(self, text: str) -> str:
        """Return the signature of an encoded query (followed directly by the body, if there is one)."""
        return self._secret.sign(text.encode())

    def signed_query(self, params: Iterable[tuple[str, str]], recv_window_ms: int, timestamp_ms: int) -> str:
        """Return the whole query, signature included, ready to be sent as it is."""
        encoded = encode(params)
        lead = f"{encoded}&" if encoded else ""
        text = f"{lead}recvWindow={recv_window_ms}&timestamp={timestamp_ms}"
        return f"{text}&signature={self.sign(text)}"
