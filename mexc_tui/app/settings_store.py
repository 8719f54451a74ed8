"""Fills the engine's port of settings: a file, between flags and variables above it and a scenario below."""

from dataclasses import replace
from pathlib import Path

from mexc_tui.settings.file import checked_value, read_file, set_value
from mexc_tui.settings.load import Layers, Loaded, load

_Stamp = tuple[int, int, int] | None


class SettingsStore:
    """`engine.outside.SettingsHome` on one file. `layers` are the places around it."""

    def __init__(self, file: Path, layers: Layers) -> None:
        self._file = file
        self._layers = layers
        self._read = self._stamp()

    def has_changed(self) -> bool:
        """Whether the file is another than when it was read last."""
        return self._stamp() != self._read

    def read(self) -> Loaded:
        """Read the file anew. Raises SettingsError; a file that is wrong is not read twice."""
        self._read = self._stamp()
        return load(replace(self._layers, file=read_file(self._file)))

    def write(self, name: str, text: str | None) -> Loaded:
        """Write one setting (None: take it out). Raises SettingsError, and then nothing has changed."""
        loaded = set_value(self._file, name, text, self._layers)
        self._read = self._stamp()
        return loaded

    def check(self, name: str, text: str | None) -> Loaded:
        """Return all settings as `write` would make them; nothing is written. Raises SettingsError."""
        return checked_value(self._file, name, text, self._layers)

    def _stamp(self) -> _Stamp:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
