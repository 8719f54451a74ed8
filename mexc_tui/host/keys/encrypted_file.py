"""A key in a file, encrypted with a passphrase: scrypt (RFC 7914) and AES-256-GCM.

The library is imported on use, because that is slow.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.record import CredentialsError, KeyRecord, StorageKind, decoded, encoded
from mexc_tui.host.private_files import write_private_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = 1
COST = 2**16
"""Cost of scrypt: 64 MB and a fraction of a second for each attempt."""
MOST_COST = 2**20
"""A file that names a higher cost is refused: it would use up the memory."""
BLOCK, PARALLEL, KEY_BYTES, SALT_BYTES, NONCE_BYTES = 8, 1, 32, 16, 12
MOST_BYTES = 16_384
WRONG = (
    "Wrong passphrase, or the file {file} was changed. Try again, or store the key again: mexc-tui keys set"
)


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """Readable part of the file; authenticated with the profile as associated data."""

    format: int
    cost: int
    salt: bytes
    nonce: bytes


class _File(msgspec.Struct, frozen=True, kw_only=True):
    header: _Header
    sealed: bytes


class EncryptedFile:
    """The key of one profile in an encrypted file."""

    kind = StorageKind.FILE

    def __init__(self, file: Path, profile: str, passphrase: Passphrase) -> None:
        self.file = file
        self._profile = profile
        self._passphrase = passphrase

    def is_available(self) -> bool:
        """Return True: every machine can hold a file."""
        return True

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.file.is_file()

    def read(self) -> KeyRecord | None:
        """Return the key; None: no file."""
        if not self.exists():
            return None
        stored = self._load()
        for attempt in range(self._passphrase.tries):
            passphrase = self._passphrase.get(is_again=attempt > 0)
            record = _opened(_derived(passphrase, stored.header), stored, self._profile)
            if record is not None:
                self._passphrase.remember(passphrase)
                return record
        self._passphrase.forget()
        raise CredentialsError(WRONG.format(file=self.file))

    def write(self, record: KeyRecord) -> None:
        """Store a key, replacing the previous file as a whole."""
        header = _Header(format=FORMAT, cost=COST, salt=os.urandom(SALT_BYTES), nonce=os.urandom(NONCE_BYTES))
        key = _derived(self._passphrase.choose(), header)
        sealed = _cipher(key).encrypt(header.nonce, encoded(record), _bound(header, self._profile))
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private_file(self.file, msgspec.json.encode(_File(header=header, sealed=sealed)) + b"\n")
        except OSError as error:
            raise CredentialsError(
                f"Cannot write {self.file}: {error.strerror}. Check the folder's owner and free space."
            ) from None

    def remove(self) -> bool:
        """Delete the file; return whether there was one."""
        try:
            self.file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CredentialsError(f"Cannot delete {self.file}: {error.strerror}.") from None
        return True

    def _load(self) -> _File:
        try:
            status = self.file.stat()
            content = self.file.read_bytes()[: MOST_BYTES + 1]
        except OSError as error:
            raise CredentialsError(f"Cannot read {self.file}: {error.strerror}. Check its owner.") from None
        if status.st_mode & 0o077:
            raise CredentialsError(f"Other users can access {self.file}. Run: chmod 600 {self.file}")
        try:
            stored = msgspec.json.decode(content, type=_File)
        except msgspec.MsgspecError:
            raise CredentialsError(
                f"{self.file} is damaged. Restore it, or store the key again: mexc-tui keys set"
            ) from None
        if stored.header.format != FORMAT or not 2 <= stored.header.cost <= MOST_COST:
            raise CredentialsError(f"{self.file} was written by another version. Install that version.")
        return stored


def _derived(passphrase: str, header: _Header) -> bytes:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    try:
        kdf = Scrypt(salt=header.salt, length=KEY_BYTES, n=header.cost, r=BLOCK, p=PARALLEL)
        return kdf.derive(passphrase.encode("utf-8"))
    except (ValueError, MemoryError):
        raise CredentialsError(
            "The passphrase cannot be checked: too little memory, or a damaged file."
        ) from None


def _opened(key: bytes, stored: _File, profile: str) -> KeyRecord | None:
    """Return the key; None: wrong passphrase, or a changed file."""
    from cryptography.exceptions import InvalidTag

    try:
        plain = _cipher(key).decrypt(stored.header.nonce, stored.sealed, _bound(stored.header, profile))
    except (InvalidTag, ValueError):
        return None
    return decoded(plain)


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _bound(header: _Header, profile: str) -> bytes:
    """Return the associated data: a file of another profile or with other parameters does not open."""
    return msgspec.json.encode(header) + profile.encode("ascii")
