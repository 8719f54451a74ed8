"""Settings as rows of the desk API."""

from collections.abc import Mapping

from mexc_tui.model.view import SettingRow
from mexc_tui.settings.all_settings import TABLE, Settings
from mexc_tui.settings.live import LiveSettings
from mexc_tui.settings.load import Loaded


def setting_rows(loaded: Loaded) -> list[SettingRow]:
    """Return every setting with its value at the next start."""
    return [_row(name, loaded.settings, loaded, pending={}) for name in TABLE]


def live_rows(live: LiveSettings) -> list[SettingRow]:
    """Return every setting with its value in effect, and the pending one for the next start."""
    pending = {change.name: change.new for change in live.pending()}
    return [_row(name, live.current, live.configured, pending=pending) for name in TABLE]


def _row(name: str, settings: Settings, loaded: Loaded, *, pending: Mapping[str, str]) -> SettingRow:
    setting = TABLE[name]
    return SettingRow(
        name=name,
        value=settings.text(name),
        origin=loaded.origin(name),
        unit=setting.unit,
        allowed=setting.allowed,
        default=setting.default,
        help=setting.help,
        needs_restart=setting.needs_restart,
        pending=pending.get(name, ""),
        group=setting.group,
    )
