"""Run the program with a keyring in a file under HOME, a backend it does not trust by default."""

import json
import os
import sys
from pathlib import Path

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from mexc_tui.cli.main import main
from mexc_tui.host.keys import keyring_storage


class FileKeyring(KeyringBackend):
    """Stores all passwords in one file."""

    priority = 1  # pyright: ignore[reportAssignmentType]  # the library reads it as a class property

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or Path(os.environ["HOME"]) / "keyring.json"

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file.write_text(json.dumps(self._read() | {f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        passwords = self._read()
        if passwords.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("none")
        self._file.write_text(json.dumps(passwords))

    def _read(self) -> dict[str, str]:
        return json.loads(self._file.read_text()) if self._file.exists() else {}


if __name__ == "__main__":
    keyring.set_keyring(FileKeyring())
    keyring_storage.SAFE = frozenset((FileKeyring.__module__,))
    sys.exit(main())
