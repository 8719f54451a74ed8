"""Removes secrets from logs, and from texts that leave this machine. Pure."""

import re
from collections.abc import Iterable

from mexc_tui.model.credentials import Secret

MASK = "[removed]"
_NAMED = re.compile(
    r"(?i)(signature|listen_?key|x-mexc-apikey|access_?key|api_?key|api_?secret|secret_?key|secret|passw(?:or)?d"
    r"|passphrase|authorization|credential)(\W{1,4})([^\s\"'&,;}\]]{4,})"
)
_LONG_TOKEN = re.compile(r"(?i)(token)(\W{1,4})([^\s\"'&,;}\]]{16,})")
_PATTERNS = (
    re.compile(r"\bmx0[A-Za-z0-9]{8,}"),
    re.compile(r"(?i)\bbearer\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"\b[0-9]{6,12}:[A-Za-z0-9_-]{30,}"),
    re.compile(r"\b(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{32})\b"),
    re.compile(r"(?i)https?://[^\s\"']*(?:webhook|hooks\.)[^\s\"']*"),
)
"""MEXC access keys, bearer tokens, Telegram bot tokens, signatures, secrets, listen keys, webhooks."""


class Redactor:
    """Replaces known secret values, in every usual encoding, and everything that looks like a secret."""

    def __init__(self, secrets: Iterable[Secret] = (), home: str = "") -> None:
        """`secrets`: values to remove; `home`: folder of the user, shown as ~."""
        self._secrets = tuple(secrets)
        self._home = home.rstrip("/")

    def add(self, secrets: Iterable[Secret]) -> None:
        """Remove these values, too."""
        self._secrets = (*self._secrets, *secrets)

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            text = secret.removed_from(text, MASK)
        text = _NAMED.sub(rf"\1\2{MASK}", text)
        text = _LONG_TOKEN.sub(rf"\1\2{MASK}", text)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        return text.replace(self._home, "~") if self._home else text
