"""Settings to compare: those in force now, those of a file, or those kept with a snipe."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from mexc_tui.cli.errors import NO_ENGINE, WRONG_USAGE, CommandFailed
from mexc_tui.model.settings_snapshot import SettingsSnapshot, SettingText, snapshot_of

if TYPE_CHECKING:
    from mexc_tui.cli.command_runner import CommandRunner

NOW = "now"
MOST_BYTES = 1024 * 1024


def named_settings(runner: "CommandRunner", name: str) -> SettingsSnapshot:
    """Return the settings that a word names. Raises CommandFailed or SettingsError."""
    if name == NOW:
        return snapshot_of(SettingText(row.name, row.value) for row in runner.data.settings())
    file = Path(name)
    if file.is_file():
        return _of_json(file) if file.suffix == ".json" else _of_toml(file)
    text = f"{name!r} is neither a settings file nor {NOW!r}."
    raise CommandFailed(text, NO_ENGINE)


def _of_toml(file: Path) -> SettingsSnapshot:
    """Return the settings that an engine would have with this file alone."""
    from mexc_tui.settings.all_settings import TABLE
    from mexc_tui.settings.file import read_file
    from mexc_tui.settings.load import Layers, load

    settings = load(Layers(file=read_file(file))).settings
    return snapshot_of(SettingText(name, settings.text(name)) for name in TABLE)


def _of_json(file: Path) -> SettingsSnapshot:
    """Return the settings of a bundle, or of `settings --json`: a snapshot, or a list of settings."""
    try:
        with file.open("rb") as opened:
            found = json.loads(opened.read(MOST_BYTES))
        if isinstance(found, dict):
            return msgspec.convert(found, SettingsSnapshot)
        rows = msgspec.convert(found, list[dict[str, object]])
        return snapshot_of(SettingText(str(row["name"]), str(row["value"])) for row in rows)
    except (OSError, ValueError, KeyError, msgspec.ValidationError) as error:
        raise CommandFailed(f"{file} holds no settings ({type(error).__name__}).", WRONG_USAGE) from None
