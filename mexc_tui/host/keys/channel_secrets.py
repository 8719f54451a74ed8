"""Secrets of notification channels: a systemd credential, the keyring of the system, or an encrypted file."""

import os
from collections.abc import Mapping

from mexc_tui.host.keys.keyring_storage import KeyringStorage
from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.profile_files import channel_files, key_file
from mexc_tui.host.keys.record import CredentialsError, StorageKind
from mexc_tui.host.keys.sealed_file import SealedFile
from mexc_tui.host.keys.systemd_credential import credential_name, read_credential
from mexc_tui.host.paths import check_profile
from mexc_tui.model.credentials import Secret
from mexc_tui.model.notification import SecretName

MOST_CHARACTERS = 1_000
INVALID = "Not a valid secret of {channel}: one line of 1 to 1000 printable ASCII characters. Copy it again."


class ChannelSecrets:
    """Secrets of one profile's channels. Methods block, possibly until the user unlocks the keyring."""

    def __init__(
        self,
        profile: str,
        environ: Mapping[str, str] | None = None,
        *,
        safe: frozenset[str] | None = None,
        passphrase: str = "",
        may_ask: bool = True,
    ) -> None:
        """`environ`: None: of this process. `safe`: usable keyring backends; None: all that encrypt.

        `passphrase`: of the encrypted files; empty: the user types it, if `may_ask`.
        Raises PathsError for an invalid profile.
        """
        environ = os.environ if environ is None else environ
        self._profile = check_profile(profile)
        self._environ = environ
        self._keyring = KeyringStorage(profile, safe)
        typed = Passphrase(profile, environ, passphrase, may_ask=may_ask)
        self._files = channel_files(profile, environ, typed)
        self._key = SealedFile(key_file(profile, environ), profile, typed, command="mexc-tui keys set")

    def read(self, name: SecretName) -> str:
        """Return a secret; empty: there is none. Raises CredentialsError."""
        given = read_credential(self._credential(name), self._environ)
        if given is not None:
            return given.strip()
        found = self._keyring.read_text(_entry(name)) if self._keyring.is_available() else ""
        return found or (self._files[name].read() or b"").decode("ascii")

    def write(self, name: SecretName, secret: str) -> StorageKind:
        """Store a secret in the keyring, or without one in an encrypted file; return where.

        It replaces the previous one. Raises CredentialsError.
        """
        is_whole = 0 < len(secret) <= MOST_CHARACTERS and secret.isascii() and secret.isprintable()
        if not is_whole:
            raise CredentialsError(INVALID.format(channel=name))
        file = self._files[name]
        if not self._keyring.absence_text():
            self._keyring.write_text(_entry(name), secret)
            file.remove()
            return StorageKind.KEYRING
        others = [self._key, *(other for other in self._files.values() if other is not file)]
        file.write(secret.encode("ascii"), others)
        return StorageKind.FILE

    def unlock(self) -> None:
        """Let the process remember the passphrase, if a secret is in an encrypted file."""
        for file in self._files.values():
            if file.exists():
                file.passphrase()
                return

    def _credential(self, name: SecretName) -> str:
        return f"{credential_name(self._profile)}-{name}"


def stored_secret(profile: str, name: SecretName) -> str:
    """Return a secret of a profile; empty: there is none. Blocks, but never asks. Raises CredentialsError."""
    return ChannelSecrets(profile, may_ask=False).read(name)


def parts_of(secret: str) -> tuple[Secret, ...]:
    """Return what logs must hide: the secret and its longer parts; a chat number alone is too short."""
    return tuple(Secret(part) for part in {secret, *secret.split(" ")} if len(part) >= 8)


def _entry(name: SecretName) -> str:
    return f"channel {name}"
