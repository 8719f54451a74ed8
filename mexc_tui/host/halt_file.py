"""The halt file: stops the next engine even if its database cannot be read."""

import os
from pathlib import Path

import msgspec

from mexc_tui.model.trading import Cause, Trading, TradingState

NAME = "halt.json"


class _StoredHalt(msgspec.Struct, frozen=True):
    scope: str
    trading: Trading


class HaltFileOnDisk:
    """Halt file of one ledger, in a profile's private folder. Raises OSError."""

    def __init__(self, folder: Path, scope: str) -> None:
        """`scope`: account and exchange session; a halt of another ledger is ignored."""
        self._folder = folder
        self._path = folder / NAME
        self._scope = scope

    def read(self) -> Trading | None:
        """Return the halt of this ledger; an unreadable file counts as one."""
        try:
            note = msgspec.json.decode(self._path.read_bytes(), type=_StoredHalt)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            return Trading(
                state=TradingState.HALTED,
                cause=Cause.STORAGE,
                text=f"the halt file {self._path} cannot be read and counts as a halt: {error}",
                by="halt file",
            )
        return note.trading if note.scope == self._scope else None

    def stamp(self) -> tuple[int, int, int] | None:
        """Return a value that differs after each change of the file; None: no file."""
        try:
            now = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0, 0)
        return now.st_ino, now.st_mtime_ns, now.st_size

    def write(self, trading: Trading) -> None:
        """Write a halt durably: sync the file and the folder."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            try:
                _write_all(descriptor, msgspec.json.encode(_StoredHalt(self._scope, trading)))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            fresh.unlink(missing_ok=True)  # a partial file would occupy space of a full disk
            raise
        fresh.replace(self._path)
        self._sync_folder()

    def clear(self) -> None:
        """Delete the halt of this ledger durably; that of another ledger stays."""
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
    """Write all bytes: a nearly full disk may accept a part without an error."""
    while content:
        content = content[os.write(descriptor, content) :]
