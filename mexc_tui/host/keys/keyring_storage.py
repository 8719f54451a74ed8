"""A key in the keyring of the operating system. The library is imported on use, because that is slow."""

from datetime import date
from typing import Protocol, cast

from mexc_tui.host.keys.record import CredentialsError, KeyRecord, StorageKind, decoded, encoded

SERVICE = "mexc-tui"
ENTRY = "key"
PARTS = KEY, SECRET, SINCE = "access key", "secret", "kept on"
"""Entries of version 0.2, one for each part; read until the key is replaced."""
SAFE = frozenset(
    (
        "keyring.backends.SecretService",
        "keyring.backends.libsecret",
        "keyring.backends.kwallet",
        "keyring.backends.macOS",
        "keyring.backends.Windows",
    )
)
"""Keyring backends that encrypt. Others, such as plain-text files, are never used."""
NO_KEYRING = "This machine has no encrypting keyring (found: {found})."
PLAINTEXT = "The keyring of this machine ({found}) stores keys unencrypted and is not used."
IN_FILE = "Next step: store the key in an encrypted file: mexc-tui keys set --storage file"
NOT_LOADED = (
    "The keyring that this machine is set up to use cannot be loaded ({error}). Next step: correct or unset "
    "PYTHON_KEYRING_BACKEND and keyringrc.cfg (`keyring diagnose` shows both), then try again."
)


class Backend(Protocol):
    """The used part of a keyring backend; the types of the library are incomplete."""

    def get_password(self, service: str, username: str) -> str | None: ...
    def set_password(self, service: str, username: str, password: str) -> None: ...
    def delete_password(self, service: str, username: str) -> None: ...


class KeyringStorage:
    """The key of one profile in the keyring. Methods may block until the user unlocks it."""

    kind = StorageKind.KEYRING

    def __init__(self, profile: str, safe: frozenset[str] | None = None) -> None:
        """`safe`: modules of the backends that may be used; None: `SAFE`."""
        self._profile = profile
        self._safe = SAFE if safe is None else safe

    def is_available(self) -> bool:
        """Whether this machine has an encrypting keyring. Raises CredentialsError if it cannot be loaded."""
        return self._found()[0] is not None

    def absence_text(self) -> str:
        """Return why the keyring cannot be used; empty: it can."""
        return self._found()[1]

    def read(self) -> KeyRecord | None:
        """Return the key; None: there is none, or it is incomplete."""
        stored = self._get(ENTRY)
        if stored:
            return decoded(stored)
        record = KeyRecord(self._get(KEY), self._get(SECRET), self._since())
        return record if record.is_whole else None

    def write(self, record: KeyRecord) -> None:
        """Store a key, replacing the previous one in one step."""
        self._set(ENTRY, encoded(record).decode())
        self._delete(PARTS)

    def remove(self) -> bool:
        """Delete the key; return whether there was one."""
        return self._delete((ENTRY, *PARTS))

    def read_text(self, name: str) -> str:
        """Return another secret of the profile; empty: there is none."""
        return self._get(name)

    def write_text(self, name: str, text: str) -> None:
        """Store another secret of the profile, replacing the previous one."""
        self._set(name, text)

    def _set(self, name: str, text: str) -> None:
        backend = self._backend()
        try:
            backend.set_password(SERVICE, self._name(name), text)
        except Exception as error:  # each backend raises its own
            raise _refused(error) from None

    def _delete(self, names: tuple[str, ...]) -> bool:
        backend, had = self._backend(), False
        for name in names:
            if self._get(name):
                had = had or name != SINCE
                try:
                    backend.delete_password(SERVICE, self._name(name))
                except Exception as error:  # each backend raises its own
                    raise _refused(error) from None
        return had

    def _since(self) -> date | None:
        try:
            return date.fromisoformat(self._get(SINCE))
        except ValueError:
            return None

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
        backend, found = self._found()
        if backend is None:
            raise CredentialsError(f"{found} {IN_FILE}")
        return backend

    def _found(self) -> tuple[Backend | None, str]:
        """Return the keyring in use, or the first safe one of a chain, and the module that was found."""
        try:
            import keyring
            from keyring.backends.chainer import ChainerBackend

            found = keyring.get_keyring()
        except Exception as error:  # a configured backend that cannot be loaded may raise any error
            raise CredentialsError(NOT_LOADED.format(error=type(error).__name__)) from None
        links = found.backends if isinstance(found, ChainerBackend) else (found,)
        for backend in links:
            if type(backend).__module__ in self._safe:
                return cast("Backend", backend), ""
        plaintext = [link for link in links if "plaintext" in type(link).__name__.casefold()]
        if plaintext:
            return None, PLAINTEXT.format(found=type(plaintext[0]).__module__)
        return None, NO_KEYRING.format(found=type(found).__module__)


def _refused(error: Exception) -> CredentialsError:
    # The message of a backend is not shown: it may contain the secret.
    return CredentialsError(
        f"The keyring refused access ({type(error).__name__}). Unlock it, then try again."
    )
