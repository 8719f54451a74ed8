"""The halt beside the store: a file that stops the next engine whether its database can be read or not."""

import os
from pathlib import Path

import msgspec

from mexc_tui.model.trading import Cause, Trading, TradingState

NAME = "halt.json"


class _Note(msgspec.Struct, frozen=True):
    scope: str
    trading: Trading


class HaltFileOnDisk:
    """One file in a profile's private folder, for the books of one scope. Raises OSError."""

    def __init__(self, folder: Path, scope: str) -> None:
        """`scope`: account and exchange session; a halt of another ledger has no effect here."""
        self._folder = folder
        self._path = folder / NAME
        self._scope = scope

    def read(self) -> Trading | None:
        """Return the halt of this ledger; an unreadable file counts as one."""
        try:
            note = msgspec.json.decode(self._path.read_bytes(), type=_Note)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            return Trading(
                state=TradingState.HALTED,
                cause=Cause.STORAGE,
                words=f"the halt file {self._path} cannot be read and counts as a halt: {error}",
                by="halt file",
            )
        return note.trading if note.scope == self._scope else None

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what is another after each change of the file; None: there is none. It reads no content."""
        try:
            now = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0, 0)
        return now.st_ino, now.st_mtime_ns, now.st_size

    def write(self, trading: Trading) -> None:
        """Put a halt there, durably: the file and its name in the folder."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                _write_all(descriptor, msgspec.json.encode(_Note(self._scope, trading)))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            fresh.unlink(missing_ok=True)  # a partial file would occupy space of a full disk
            raise
        fresh.replace(self._path)
        self._sync_folder()

    def clear(self) -> None:
        """Take it away, durably. The halt of other books stays."""
        if self.read() is not None:
            self._path.unlink(missing_ok=True)
            self._sync_folder()

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_all(descriptor: int, content: bytes) -> None:
    """Write all of it: a nearly full disk may accept a part without an error."""
    while content:
        content = content[os.write(descriptor, content) :]
