"""Command `restore`: replace a profile's database with a backup."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mexc_tui.cli.command_runner import NO_ENGINE, command_runner, fail, output_flags
from mexc_tui.cli.confirmation import confirm, yes_flag

if TYPE_CHECKING:
    from mexc_tui.host.paths import Paths

NO_TERMINAL = "Replacing the database needs a confirmation, but there is no terminal. Confirm with --yes."


class RestoredJson(msgspec.Struct, frozen=True, kw_only=True):
    """The restored backup and profile, as JSON."""

    profile: str
    backup: str
    made_ms: int
    replaced: str | None
    """File of the replaced database; None: there was none."""


@click.command()
@click.option("--backup", type=click.Path(path_type=Path), help="Restore this backup; default: the newest.")
@yes_flag
@output_flags
def restore(backup: Path | None, yes: bool, profile: str | None, as_json: bool) -> None:
    """Replace the database with a backup. It asks first and keeps the old one; no engine may run.

    The next start reconciles it with the exchange: orders and fills after the backup are booked or reported.
    Exit code: 0 restored, 1 cancelled, 2 no terminal to confirm, 3 an engine runs or no backup is valid.
    """
    from mexc_tui.host.lock import EngineRuns, engine_lock
    from mexc_tui.host.paths import PathsError
    from mexc_tui.store.sqlite.backups import Backups, backup_time
    from mexc_tui.store.sqlite.backups import restore as restore_backup

    with command_runner(profile, as_json) as runner:
        paths = runner.profile.paths
        backups = Backups(paths.store)
        chosen = backup or next(iter(backups.all()), None)
        if chosen is None:
            fail(f"No backup in {backups.folder}. Select one with --backup FILE.", NO_ENGINE)
        if paths.store.exists() and not yes:
            confirm(runner, _plan(paths, chosen), NO_TERMINAL)
        try:
            with engine_lock(paths, ""):
                kept = restore_backup(paths.store, chosen, runner.profile.clock.now_ms())
        except (EngineRuns, PathsError) as error:
            fail(str(error), NO_ENGINE)
        row = RestoredJson(
            profile=paths.profile,
            backup=str(chosen),
            made_ms=int(backup_time(chosen).timestamp() * 1_000),
            replaced=None if kept is None else str(kept),
        )
        runner.show(row, lambda row, _: _page(row))


def _plan(paths: "Paths", backup: Path) -> str:
    from mexc_tui.store.sqlite.backups import backup_time

    made = backup_time(backup).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"RESTORE: replace the database of profile {paths.profile} with {backup} ({made}). Data stored "
        "after the backup is lost to the desk; the replaced database is kept beside it."
    )


def _page(row: RestoredJson) -> str:
    kept = f" The replaced database is kept: {row.replaced}." if row.replaced else ""
    return (
        f"Restored {row.backup}.{kept} The next start reconciles it with the exchange, and halts if "
        "orders of this desk are newer than the backup."
    )
