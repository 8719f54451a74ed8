"""A file encrypted with the passphrase of a profile: scrypt (RFC 7914) and AES-256-GCM.

The library is imported on use, because that is slow.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.record import CredentialsError
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
WRONG = "Wrong passphrase, or the file {file} was changed. Try again, or store its content again: {command}"


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    """Readable part of the file; authenticated with the profile as associated data."""

    format: int
    cost: int
    salt: bytes
    nonce: bytes


class _File(msgspec.Struct, frozen=True, kw_only=True):
    header: _Header
    sealed: bytes


class SealedFile:
    """One encrypted file. `name` is bound to it: a file of another profile or purpose does not open.

    `command` stores its content again, for messages. Methods block and raise CredentialsError.
    """

    def __init__(self, file: Path, name: str, passphrase: Passphrase, *, command: str) -> None:
        self.file = file
        self._name = name
        self._passphrase = passphrase
        self._command = command

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.file.is_file()

    def read(self) -> bytes | None:
        """Return the content; None: no file."""
        return self._open()[0] if self.exists() else None

    def write(self, content: bytes, others: Sequence["SealedFile"] = ()) -> None:
        """Replace the file as a whole. If one of `others` exists, its passphrase is used for this one too."""
        header = _Header(format=FORMAT, cost=COST, salt=os.urandom(SALT_BYTES), nonce=os.urandom(NONCE_BYTES))
        opener = next((other for other in others if other.exists()), None)
        passphrase = self._passphrase.choose() if opener is None else opener.passphrase()
        sealed = _cipher(_derived(passphrase, header)).encrypt(
            header.nonce, content, _bound(header, self._name)
        )
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private_file(self.file, msgspec.json.encode(_File(header=header, sealed=sealed)) + b"\n")
        except OSError as error:
            raise CredentialsError(
                f"Cannot write {self.file}: {error.strerror}. Check the folder's owner and free space."
            ) from None

    def passphrase(self) -> str:
        """Return the passphrase that opens the file."""
        return self._open()[1]

    def remove(self) -> bool:
        """Delete the file; return whether there was one."""
        try:
            self.file.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CredentialsError(f"Cannot delete {self.file}: {error.strerror}.") from None
        return True

    def _open(self) -> tuple[bytes, str]:
        """Return the content and the passphrase, which the process remembers."""
        stored = self._load()
        for attempt in range(self._passphrase.tries):
            passphrase = self._passphrase.get(is_again=attempt > 0)
            content = _opened(_derived(passphrase, stored.header), stored, self._name)
            if content is not None:
                self._passphrase.remember(passphrase)
                return content, passphrase
        self._passphrase.forget()
        raise CredentialsError(WRONG.format(file=self.file, command=self._command))

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
                f"{self.file} is damaged. Restore it, or store its content again: {self._command}"
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


def _opened(key: bytes, stored: _File, name: str) -> bytes | None:
    """Return the content; None: wrong passphrase, or a changed file."""
    from cryptography.exceptions import InvalidTag

    try:
        return _cipher(key).decrypt(stored.header.nonce, stored.sealed, _bound(stored.header, name))
    except (InvalidTag, ValueError):
        return None


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _bound(header: _Header, name: str) -> bytes:
    """Return the associated data: a file with another name or with other parameters does not open."""
    return msgspec.json.encode(header) + name.encode("ascii")
