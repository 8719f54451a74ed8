"""Implements the engine's settings port on the settings file."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mexc_tui.model.event import SettingChanged
from mexc_tui.model.view import SettingRow
from mexc_tui.ports.settings import SettingValue
from mexc_tui.settings.all_settings import TABLE, Settings
from mexc_tui.settings.file import checked_value, read_file, set_value
from mexc_tui.settings.live import LiveSettings
from mexc_tui.settings.load import Layers, Loaded, load
from mexc_tui.settings.setting_rows import live_rows

_Stamp = tuple[int, int, int] | None


class SettingsStore:
    """Implements `ports.settings.SettingsPort`. `layers` are the other sources of settings."""

    def __init__(self, file: Path, layers: Layers, loaded: Loaded) -> None:
        """Start with `loaded` as the active settings."""
        self._file = file
        self._layers = layers
        self._live = LiveSettings(loaded)
        self._read = self._stamp()

    def current(self) -> Settings:
        """Return the active settings. Call it for each use: they are replaced, never changed in place."""
        return self._live.current

    def rows(self) -> Sequence[SettingRow]:
        """Return every setting with its active value and its value from the next start."""
        return live_rows(self._live)

    def pending(self) -> tuple[str, ...]:
        """Return the names of settings with a new value that applies at the next start."""
        return tuple(change.name for change in self._live.pending())

    def config_hash(self) -> str:
        """Return the hash of the active settings."""
        return self.current().config_hash

    def value(self, name: str) -> SettingValue | None:
        """Return the configured value, active now or from the next start; None for an unknown name."""
        return _value(self._live.configured, name) if name in TABLE else None

    def has_changed(self) -> bool:
        """Return whether the file has changed since it was read."""
        return self._stamp() != self._read

    def reload(self, at_ms: int) -> tuple[SettingChanged, ...]:
        """Read the file, apply the changes that need no restart and return all changes.

        An invalid file is not read again until it changes.

        Raises SettingsError.
        """
        self._read = self._stamp()
        return self._apply(load(replace(self._layers, file=read_file(self._file))), at_ms)

    def check(self, name: str, text: str | None) -> SettingValue:
        """Return the value that `change` would give an existing setting. Raises SettingsError."""
        return _value(checked_value(self._file, name, text, layers=self._layers), name)

    def change(self, name: str, text: str | None, at_ms: int) -> tuple[SettingChanged, ...]:
        """Write an existing setting into the file (None: remove it), apply it and return each change.

        Raises SettingsError; nothing is changed then.
        """
        loaded = set_value(self._file, name, text, layers=self._layers)
        self._read = self._stamp()
        return self._apply(loaded, at_ms)

    def _apply(self, loaded: Loaded, at_ms: int) -> tuple[SettingChanged, ...]:
        return tuple(change.event(at_ms) for change in self._live.apply(loaded))

    def _stamp(self) -> _Stamp:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


def _value(loaded: Loaded, name: str) -> SettingValue:
    return SettingValue(loaded.settings.text(name), loaded.origin(name))
