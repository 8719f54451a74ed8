"""An API key and its secret, which no log, error or traceback ever shows."""

import base64
import hmac
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote


class Secret:
    """Holds a key's secret and never shows it: not in repr, str, format, pickle or a debugger's locals."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value.encode("ascii", "replace")

    def sign(self, text: bytes) -> str:
        """Return HMAC-SHA256 of `text` as lower-case hex."""
        return hmac.digest(self.__value, text, "sha256").hex()

    def removed_from(self, text: str, mask: str) -> str:
        """Return a text in which `mask` replaces the secret as text, in base64, hexadecimal and in a URL."""
        raw = self.__value
        encodings = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
        forms = {raw.decode(), *encodings, *(one.rstrip("=") for one in encodings)}
        forms |= {raw.hex(), raw.hex().upper(), quote(raw.decode(), safe="")}
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, mask) if form else text
        return text

    def __repr__(self) -> str:
        """Return a text without the secret."""
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        """Return a text without the secret."""
        return repr(self)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied."""
        raise TypeError("A secret cannot be serialized.")


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """A key pair. Only the access key's first four characters are ever shown."""

    access_key: str
    secret: Secret

    def __post_init__(self) -> None:
        """Raise ValueError, without the key, for text that cannot be a key."""
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,128}", self.access_key):
            raise ValueError("An access key has letters, digits, - and _ only: paste it again.")

    def __repr__(self) -> str:
        """Return a text without the key."""
        return f"Credentials({self.access_key[:4]}***)"
