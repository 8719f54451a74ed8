"""Records the listen keys of this desk, so that keys of other programs are never closed."""

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec

NAME = "listen-keys.json"
MAX_KEYS = 60
"""Maximum listen keys of an account at a time; older ones have expired."""


class ListenKeyFile:
    """File with digests of listen keys, in a profile's private folder; it contains no key."""

    def __init__(self, folder: Path) -> None:
        """Read nothing yet."""
        self._path = folder / NAME

    def recorded(self, keys: Iterable[str]) -> frozenset[str]:
        """Return those of these keys that were recorded; none if the file cannot be read."""
        known = self._read()
        return frozenset(key for key in keys if _digest(key) in known)

    def add(self, key: str) -> None:
        """Record a key, durably. Raises OSError."""
        digest = _digest(key)
        kept = [recorded for recorded in self._read() if recorded != digest][-(MAX_KEYS - 1) :]
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode([*kept, digest]))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self._path)

    def _read(self) -> list[str]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[str])
        except (OSError, msgspec.DecodeError):
            return []


def _digest(key: str) -> str:
    return blake2b(key.encode(), digest_size=16).hexdigest()
