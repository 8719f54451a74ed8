"""Port of settings: their values, their changes, and the settings file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mexc_tui.model.event import SettingChanged
from mexc_tui.model.view import SettingRow


@dataclass(frozen=True, slots=True)
class SettingValue:
    """The value of one setting as text, and its source."""

    text: str
    origin: str


class SettingsPort(Protocol):
    """Settings of a running engine: scenario below, then file, variables and flags.

    Settings that are safe to change apply at once, the others at the next start.
    """

    def rows(self) -> Sequence[SettingRow]:
        """Return every setting with the value in force and the value of the next start."""
        ...

    def pending(self) -> tuple[str, ...]:
        """Return the names of settings with a new value that applies at the next start."""
        ...

    def config_hash(self) -> str:
        """Return the hash of the values in force."""
        ...

    def value(self, name: str) -> SettingValue | None:
        """Return a value as configured, in force now or at the next start. None: there is no such setting."""
        ...

    def has_changed(self) -> bool:
        """Return whether the file differs from the one read last."""
        ...

    def reload(self, at_ms: int) -> tuple[SettingChanged, ...]:
        """Read the file, apply what is safe and return each change. Raises SettingsRefused."""
        ...

    def check(self, name: str, text: str | None) -> SettingValue:
        """Return the value that `change` would give an existing setting. Raises SettingsRefused."""
        ...

    def change(self, name: str, text: str | None, at_ms: int) -> tuple[SettingChanged, ...]:
        """Write an existing setting into the file (None: remove it), apply it and return each change.

        Raises SettingsRefused, and then nothing has changed.
        """
        ...
