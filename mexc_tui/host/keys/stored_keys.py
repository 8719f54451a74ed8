"""Finds the storage of a profile's API key and reads or writes it (reliability 4.2).

Order: systemd credential, keyring, encrypted file.
"""

import os
from collections.abc import Mapping
from datetime import date

from mexc_tui.host.keys.encrypted_file import EncryptedFile
from mexc_tui.host.keys.keyring_storage import KeyringStorage
from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.profile_files import channel_files, key_file
from mexc_tui.host.keys.record import (
    SHOWN,
    CredentialsError,
    KeyRecord,
    KeyStorage,
    KeySummary,
    StorageKind,
    check_record,
)
from mexc_tui.host.keys.systemd_credential import SystemdStorage
from mexc_tui.model.credentials import Credentials


class StoredKeys:
    """The key of one profile. Methods block, possibly until the user unlocks a storage.

    They raise CredentialsError.
    """

    def __init__(
        self,
        profile: str,
        environ: Mapping[str, str] | None = None,
        *,
        safe: frozenset[str] | None = None,
        new_passphrase: str = "",
    ) -> None:
        """`environ`: None: of this process. `safe`: usable keyring backends; None: all that encrypt.

        `new_passphrase`: for a key to be stored in an encrypted file; empty: the user types one.
        Raises PathsError for an invalid profile.
        """
        environ = os.environ if environ is None else environ
        self._profile = profile
        self.file = key_file(profile, environ)
        self._keyring = KeyringStorage(profile, safe)
        passphrase = Passphrase(profile, environ, new_passphrase)
        channels = tuple(channel_files(profile, environ, passphrase).values())
        self._encrypted = EncryptedFile(self.file, profile, passphrase, others=channels)
        self._storages: tuple[KeyStorage, ...] = (
            SystemdStorage(profile, environ),
            self._keyring,
            self._encrypted,
        )

    def load(self) -> tuple[Credentials, KeySummary] | None:
        """Return the key and its visible part; None: there is no key."""
        found = self._find()
        if found is None:
            return None
        kind, record = found
        shown = KeySummary(self._profile, record.access_key[-SHOWN:], kind, record.stored_on)
        return record.credentials, shown

    def read(self) -> Credentials | None:
        """Return the key; None: there is none."""
        found = self.load()
        return None if found is None else found[0]

    def shown(self) -> KeySummary | None:
        """Return the visible part of the key; None: no key."""
        found = self.load()
        return None if found is None else found[1]

    def kind(self) -> StorageKind | None:
        """Return where the key is, without opening an encrypted file; None: there is no key."""
        if self._storages[0].is_available():
            return StorageKind.SYSTEMD
        if self._has_keyring() and self._keyring.read() is not None:
            return StorageKind.KEYRING
        return StorageKind.FILE if self._encrypted.exists() else None

    def keyring_problem(self) -> str:
        """Return why this machine's keyring cannot be used; empty: it can."""
        return self._keyring.absence_text()

    def store(
        self, access_key: str, secret: str, today: date, *, kind: StorageKind | None = None
    ) -> StorageKind:
        """Store a key, replacing the previous one; return where. `today` in UTC.

        `kind`: None: the keyring if this machine has one, otherwise the encrypted file.
        """
        record = KeyRecord(access_key, secret, today)
        check_record(record)
        if self._storages[0].is_available():
            self._storages[0].write(record)
        chosen = kind or self._default_kind()
        storage = next(one for one in self._storages if one.kind is chosen)
        storage.write(record)
        self._remove_others(chosen)
        return chosen

    def remove(self) -> bool:
        """Delete the key from every storage; return whether there was one."""
        removed = self._storages[0].remove()
        if self._has_keyring():
            removed = self._keyring.remove() or removed
        return self._encrypted.remove() or removed

    def _find(self) -> tuple[StorageKind, KeyRecord] | None:
        for storage in self._storages:
            if storage.kind is StorageKind.KEYRING and not self._has_keyring():
                continue
            record = storage.read()
            if record is not None:
                return storage.kind, record
        return None

    def _default_kind(self) -> StorageKind:
        return StorageKind.KEYRING if self._keyring.is_available() else StorageKind.FILE

    def _has_keyring(self) -> bool:
        """Whether the keyring can be used. One that cannot is an error only if no file holds the key."""
        try:
            return self._keyring.is_available()
        except CredentialsError:
            if self._encrypted.exists():
                return False
            raise

    def _remove_others(self, chosen: StorageKind) -> None:
        """Delete an older key, which would be found first or stay behind."""
        if chosen is StorageKind.FILE and self._has_keyring():
            self._keyring.remove()
        if chosen is StorageKind.KEYRING:
            self._encrypted.remove()
