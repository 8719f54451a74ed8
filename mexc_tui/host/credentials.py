"""Stores API keys in the keyring of the operating system only (reliability 4.2).

The keyring library is imported when a key is read or written, because that is slow.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol, cast

from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.errors import DeskError

SERVICE = "mexc-tui"
KEY, SECRET, SINCE = "access key", "secret", "kept on"
LIFETIME_DAYS = 90
"""Lifetime of a key without an IP restriction (protocol 2.3)."""
FORM = re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII)
"""Format of access key and secret."""
SHOWN = 4
SAFE = frozenset(
    (
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    )
)
"""Keyring backends that encrypt. Plain-text files are never accepted."""
NO_KEYRING = (
    "This machine has no encrypting keyring ({found}), so it cannot store a key. Next step: install and "
    "unlock a Secret Service (gnome-keyring with a D-Bus session, or KeePassXC), then try again."
)


NOT_LOADED = (
    "The keyring that this machine is set up to use cannot be loaded ({error}). Next step: correct or unset "
    "PYTHON_KEYRING_BACKEND and keyringrc.cfg (`keyring diagnose` shows both), then try again."
)


class Backend(Protocol):
    """The used part of a keyring backend; the types of the library are incomplete."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class CredentialsError(DeskError):
    """A key could not be read or stored.

    Raised by the keyring's adapter. Show the text, which names the next step and holds no part of the key.
    """


@dataclass(frozen=True, slots=True)
class KeySummary:
    """Visible part of a key: the last characters of the access key."""

    profile: str
    ends_with: str
    stored_on: date | None = None
    """Date of storage in UTC; None: unknown."""

    def expiry_text(self, today: date) -> str:
        """Return the expiry as text. `today` in UTC."""
        if self.stored_on is None:
            return "Its storage date is unknown: a key without an IP restriction expires after 90 days."
        ends_on = self.stored_on + timedelta(days=LIFETIME_DAYS)
        left = (ends_on - today).days
        if left <= 0:
            return f"Without an IP restriction it expired on {ends_on}: create a new key."
        return f"Without an IP restriction it expires on {ends_on} ({left} days left)."


class StoredKeys:
    """The key of one profile. Methods block, possibly until the user unlocks a keyring.

    They raise CredentialsError.
    """

    def __init__(self, profile: str, safe: frozenset[str] | None = None) -> None:
        """`safe`: modules of the backends that may be used; None: `SAFE`."""
        self._profile = profile
        self._safe = SAFE if safe is None else safe

    def read(self) -> Credentials | None:
        """Return the key; None: there is none, or it is incomplete."""
        key, secret = self._get(KEY), self._get(SECRET)
        is_whole = FORM.fullmatch(key) and FORM.fullmatch(secret)
        return Credentials(key, Secret(secret)) if is_whole else None

    def shown(self) -> KeySummary | None:
        """Return the visible part of the key; None: no key."""
        key = self.read()
        return None if key is None else KeySummary(self._profile, key.access_key[-SHOWN:], self._since())

    def _since(self) -> date | None:
        try:
            return date.fromisoformat(self._get(SINCE))
        except ValueError:
            return None

    def store(self, access_key: str, secret: str, today: date) -> None:
        """Store a key, replacing the previous one. `today` in UTC."""
        for name, text in ((KEY, access_key), (SECRET, secret)):
            if not FORM.fullmatch(text):
                raise CredentialsError(
                    f"Not a valid {name}: expected 8 to 128 letters and digits. Copy it again."
                )
        self.remove()  # never combine an old key with a new secret
        backend = self._backend()
        try:
            backend.set_password(SERVICE, self._name(SECRET), secret)
            backend.set_password(SERVICE, self._name(KEY), access_key)
            backend.set_password(SERVICE, self._name(SINCE), today.isoformat())
        except Exception as error:  # each backend raises its own
            raise _refused(error) from None

    def remove(self) -> bool:
        """Delete the key; return whether there was one."""
        backend, had = self._backend(), False
        for name in (KEY, SECRET, SINCE):
            if self._get(name):
                had = had or name != SINCE
                try:
                    backend.delete_password(SERVICE, self._name(name))
                except Exception as error:  # each backend raises its own
                    raise _refused(error) from None
        return had

    def _get(self, name: str) -> str:
        try:
            return self._backend().get_password(SERVICE, self._name(name)) or ""
        except CredentialsError:
            raise
        except Exception as error:  # each backend raises its own
            raise _refused(error) from None

    def _name(self, name: str) -> str:
        return f"{self._profile}: {name}"

    def _backend(self) -> Backend:
        """Return the keyring in use, or the first safe one of a chain."""
        try:
            import keyring
            from keyring.backends.chainer import ChainerBackend

            found = keyring.get_keyring()
        except Exception as error:  # a configured backend that cannot be loaded may raise any error
            raise CredentialsError(NOT_LOADED.format(error=type(error).__name__)) from None
        links = found.backends if isinstance(found, ChainerBackend) else (found,)
        for backend in links:
            if type(backend).__module__ in self._safe:
                return cast("Backend", backend)
        raise CredentialsError(NO_KEYRING.format(found=f"found: {type(found).__module__}"))


def _refused(error: Exception) -> CredentialsError:
    # The message of a backend is not shown: it may contain the secret.
    return CredentialsError(
        f"The keyring refused access ({type(error).__name__}). Unlock it, then try again."
    )
