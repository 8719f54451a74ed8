"""The key of a profile in an encrypted file."""

from collections.abc import Sequence
from pathlib import Path

from mexc_tui.host.keys.passphrase import Passphrase
from mexc_tui.host.keys.record import CredentialsError, KeyRecord, StorageKind, decoded, encoded
from mexc_tui.host.keys.sealed_file import WRONG, SealedFile

COMMAND = "mexc-tui keys set"


class EncryptedFile:
    """The key of one profile in an encrypted file. `others` share its passphrase."""

    kind = StorageKind.FILE

    def __init__(
        self, file: Path, profile: str, passphrase: Passphrase, *, others: Sequence[SealedFile] = ()
    ) -> None:
        self.file = file
        self.sealed = SealedFile(file, profile, passphrase, command=COMMAND)
        self._others = others

    def is_available(self) -> bool:
        """Return True: every machine can hold a file."""
        return True

    def exists(self) -> bool:
        """Whether the file exists."""
        return self.sealed.exists()

    def read(self) -> KeyRecord | None:
        """Return the key; None: no file."""
        content = self.sealed.read()
        if content is None:
            return None
        record = decoded(content)
        if record is None:
            raise CredentialsError(WRONG.format(file=self.file, command=COMMAND))
        return record

    def write(self, record: KeyRecord) -> None:
        """Store a key, replacing the previous file as a whole."""
        self.sealed.write(encoded(record), self._others)

    def remove(self) -> bool:
        """Delete the file; return whether there was one."""
        return self.sealed.remove()
