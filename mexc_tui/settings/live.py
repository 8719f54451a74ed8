"""Settings of a running engine: reloadable ones apply at once, the others at the next start."""

from dataclasses import dataclass

from mexc_tui.model.event import SettingChanged
from mexc_tui.settings.all_settings import TABLE, Settings
from mexc_tui.settings.load import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A changed setting."""

    name: str
    old: str
    new: str
    needs_restart: bool
    """Whether the old value stays in effect until the next start."""
    origin: str

    def event(self, at_ms: int) -> SettingChanged:
        """Return the change as a journal event."""
        return SettingChanged(
            at_ms=at_ms,
            about=self.name,
            old=self.old,
            new=self.new,
            needs_restart=self.needs_restart,
            origin=self.origin,
        )


class LiveSettings:
    """Settings in effect, and settings as configured."""

    def __init__(self, loaded: Loaded) -> None:
        """Start with all settings in effect."""
        self.current: Settings = loaded.settings
        """Settings in effect. Read it each time: it is replaced, never changed."""
        self.configured: Loaded = loaded
        self._pending: tuple[SettingChange, ...] = ()

    def apply(self, loaded: Loaded) -> tuple[SettingChange, ...]:
        """Apply reloadable settings, and return each change since the last call, in the table's order."""
        changes = _changes(self.configured.settings, loaded)
        safe = {name: getattr(loaded.settings, name) for name in TABLE if not TABLE[name].needs_restart}
        self.current = self.current.model_copy(update=safe)
        self.configured = loaded
        self._pending = _changes(self.current, loaded)
        return changes

    def pending(self) -> tuple[SettingChange, ...]:
        """Return the changes that apply at the next start."""
        return self._pending


def _changes(old: Settings, loaded: Loaded) -> tuple[SettingChange, ...]:
    return tuple(
        SettingChange(
            name=name,
            old=old.text(name),
            new=loaded.settings.text(name),
            needs_restart=setting.needs_restart,
            origin=loaded.origin(name),
        )
        for name, setting in TABLE.items()
        if getattr(old, name) != getattr(loaded.settings, name)
    )
