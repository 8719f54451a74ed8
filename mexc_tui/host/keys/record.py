"""The stored API key, its visible part, and the interface of a storage."""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.errors import DeskError

LIFETIME_DAYS = 90
"""Lifetime of a key without an IP restriction (protocol 2.3)."""
FORM = re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII)
"""Format of access key and secret."""
SHOWN = 4
DAY_MS = 86_400_000


class CredentialsError(DeskError):
    """A key could not be read or stored.

    Raised by the storages of keys. Show the text, which names the next step and holds no part of the key.
    """


class StorageKind(StrEnum):
    """Where a key is stored."""

    SYSTEMD = "systemd credential"
    KEYRING = "keyring of this system"
    FILE = "encrypted file"

    @property
    def not_protected(self) -> str:
        """Return what the storage does not protect against, as a sentence (reliability 4.2)."""
        match self:
            case StorageKind.SYSTEMD:
                return (
                    "Not protected against: root on this machine while it runs; "
                    "an unencrypted credential also against a copy of the disk."
                )
            case StorageKind.KEYRING:
                return "Not protected against: programs of this user while the keyring is unlocked."
            case StorageKind.FILE:
                return "Not protected against: whoever knows the passphrase; root while the engine runs."


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One stored key. Its parts are never shown."""

    access_key: str = field(repr=False)
    secret: str = field(repr=False)
    stored_on: date | None = None
    """Date of storage in UTC; None: unknown."""

    @property
    def is_whole(self) -> bool:
        """Whether both parts have the format of a key."""
        return bool(FORM.fullmatch(self.access_key) and FORM.fullmatch(self.secret))

    @property
    def credentials(self) -> Credentials:
        """Return the key for signing."""
        return Credentials(self.access_key, Secret(self.secret))


class _Content(msgspec.Struct, frozen=True, kw_only=True):
    """A key as JSON inside a storage, so that it is replaced as a whole."""

    access_key: str
    secret: str
    stored_on: date | None = None


def encoded(record: KeyRecord) -> bytes:
    """Return a key as JSON for a storage that encrypts."""
    content = _Content(access_key=record.access_key, secret=record.secret, stored_on=record.stored_on)
    return msgspec.json.encode(content)


def decoded(content: bytes | str) -> KeyRecord | None:
    """Return a key from JSON; None: it is not one."""
    try:
        found = msgspec.json.decode(content, type=_Content)
    except ValueError:  # its message may contain the secret
        return None
    record = KeyRecord(found.access_key, found.secret, found.stored_on)
    return record if record.is_whole else None


class KeyStorage(Protocol):
    """One storage of one profile's key. Methods block and raise CredentialsError."""

    kind: StorageKind

    def is_available(self) -> bool:
        """Whether this machine has the storage."""
        ...

    def read(self) -> KeyRecord | None:
        """Return the key; None: there is none."""
        ...

    def write(self, record: KeyRecord) -> None:
        """Store a key, replacing the previous one."""
        ...

    def remove(self) -> bool:
        """Delete the key; return whether there was one."""
        ...


@dataclass(frozen=True, slots=True)
class KeySummary:
    """Visible part of a key: the last characters of the access key."""

    profile: str
    ends_with: str
    kind: StorageKind
    stored_on: date | None = None
    """Date of storage in UTC; None: unknown."""

    @property
    def expires_on(self) -> date | None:
        """Return the expiry without an IP restriction; None: unknown."""
        return expiry(self.stored_on)

    @property
    def expires_ms(self) -> int | None:
        """Return the expiry without an IP restriction as Unix milliseconds; None: unknown."""
        ends_on = self.expires_on
        return None if ends_on is None else (ends_on - date(1970, 1, 1)).days * DAY_MS

    def expiry_text(self, today: date) -> str:
        """Return the expiry as text. `today` in UTC."""
        return expiry_text(self.stored_on, today)


def expiry(stored_on: date | None) -> date | None:
    """Return the expiry of a key without an IP restriction; None: unknown."""
    return None if stored_on is None else stored_on + timedelta(days=LIFETIME_DAYS)


def expiry_text(stored_on: date | None, today: date) -> str:
    """Return the expiry of a key without an IP restriction as text. Dates in UTC."""
    ends_on = expiry(stored_on)
    if ends_on is None:
        return "Its storage date is unknown: a key without an IP restriction expires after 90 days."
    left = (ends_on - today).days
    if left <= 0:
        return f"Without an IP restriction it expired on {ends_on}: create a new key."
    return f"Without an IP restriction it expires on {ends_on} ({left} days left)."


def check_record(record: KeyRecord) -> None:
    """Refuse a key whose parts do not have the format of a key. Raises CredentialsError."""
    for name, text in (("access key", record.access_key), ("secret", record.secret)):
        if not FORM.fullmatch(text):
            raise CredentialsError(
                f"Not a valid {name}: expected 8 to 128 letters and digits. Copy it again."
            )
