"""Command `settings`: show, change and compare settings."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import command_runner, output_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mexc_tui.cli.pages.tables import Pen, TextCell
    from mexc_tui.model.settings_snapshot import SettingDifference

DIFF = "diff"
EQUAL = "The settings are equal."


@click.command(context_settings={"ignore_unknown_options": True})  # a VALUE may be negative
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.argument("second", required=False)
@click.option("--default", "to_default", is_flag=True, help="Remove NAME from the settings file.")
@output_flags
def settings(
    name: str | None,
    value: str | None,
    second: str | None,
    to_default: bool,
    profile: str | None,
    as_json: bool,
) -> None:
    """Show settings, or change one in the settings file. A running engine applies the change.

    `settings diff A B` compares two sets of settings: `now` or a file (settings.toml, or JSON of a bundle).
    """
    from mexc_tui.cli.pages.engine_pages import setting_page, settings_page

    if name == DIFF:
        _compare(value, second, profile, as_json=as_json)
        return
    if second is not None:
        raise click.UsageError(f"Unexpected argument {second[:64]!r}.")
    if to_default and (name is None or value is not None):
        raise click.UsageError("--default needs a NAME and no VALUE.")
    with command_runner(profile, as_json) as runner:
        if name is not None and (value is not None or to_default):
            _check_setting(name)
            row, message = runner.data.change_setting(name, value)
            runner.show(row, lambda _, __: message)
        elif name is not None:
            _check_setting(name)
            runner.show(next(row for row in runner.data.settings() if row.name == name), setting_page)
        else:
            runner.show_all(runner.data.settings(), settings_page)


def _check_setting(name: str) -> None:
    from difflib import get_close_matches

    from mexc_tui.settings.all_settings import TABLE

    if name not in TABLE:
        close = get_close_matches(name, TABLE, n=1)
        hint = f" Did you mean {close[0]}?" if close else _secret_hint(name)
        raise click.UsageError(f"Unknown setting {name[:64]!r}.{hint}")


def _secret_hint(name: str) -> str:
    """Return a hint if the name looks like that of a key or secret."""
    is_secret = any(word in name.lower() for word in ("key", "secret", "token", "password", "passphrase"))
    return " Secrets are never settings: store keys with mexc-tui keys set." if is_secret else ""


def _compare(first: str | None, second: str | None, profile: str | None, *, as_json: bool) -> None:
    """Print the settings that differ."""
    from mexc_tui.cli.settings_source import named_settings
    from mexc_tui.model.settings_snapshot import differences

    if first is None or second is None:
        raise click.UsageError("settings diff needs two names, such as: settings diff settings.toml now")
    with command_runner(profile, as_json) as runner:
        found = differences(named_settings(runner, first), named_settings(runner, second))
        if found or runner.as_json:
            runner.show_all(found, lambda rows, pen: _difference_page(rows, first, second, pen=pen))
        else:
            click.echo(EQUAL)


def _difference_page(rows: "Sequence[SettingDifference]", first: str, second: str, *, pen: "Pen") -> str:
    from mexc_tui.cli.pages.tables import TextCell, TextColumn, table

    cells = [(TextCell(row.name), _value_cell(row.first), _value_cell(row.second)) for row in rows]
    return table(("SETTING", TextColumn(Path(first).name), TextColumn(Path(second).name)), cells, pen)


def _value_cell(text: str | None) -> "TextCell":
    from mexc_tui.cli.pages.tables import NONE, TextCell

    return TextCell(NONE if text is None else text)
