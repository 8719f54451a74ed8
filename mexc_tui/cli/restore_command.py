"""Command `restore`: replace a profile's database with a backup."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mexc_tui.cli.command_runner import NO_ENGINE, asked, asking, fail
from mexc_tui.cli.confirmation import agree, yes_flag

if TYPE_CHECKING:
    from mexc_tui.host.paths import Paths

NOBODY = "Replacing the database needs a confirmation, but there is no terminal. Confirm with --yes."


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
@asked
def restore(backup: Path | None, yes: bool, profile: str | None, as_json: bool) -> None:
    """Replace the database with a backup, after a confirmation. The old one is kept; no engine may run.

    The next start compares it with the exchange: what happened after the backup is taken over or reported.
    Exit code: 0 restored, 1 not agreed to, 2 nobody could be asked, 3 an engine runs, or no backup is sound.
    """
    from mexc_tui.host.lock import EngineRuns, engine_lock
    from mexc_tui.host.paths import PathsError
    from mexc_tui.store.backups import Backups, time_of
    from mexc_tui.store.backups import restore as put_back

    with asking(profile, as_json) as asker:
        paths = asker.reach.paths
        backups = Backups(paths.store)
        chosen = backup or next(iter(backups.all()), None)
        if chosen is None:
            fail(f"No backup in {backups.folder}. Select one with --backup FILE.", NO_ENGINE)
        if paths.store.exists() and not yes:
            agree(asker, _plan(paths, chosen), NOBODY)
        try:
            with engine_lock(paths, ""):
                kept = put_back(paths.store, chosen, asker.reach.clock.now_ms())
        except (EngineRuns, PathsError) as error:
            fail(str(error), NO_ENGINE)
        row = RestoredJson(
            profile=paths.profile,
            backup=str(chosen),
            made_ms=int(time_of(chosen).timestamp() * 1_000),
            replaced=None if kept is None else str(kept),
        )
        asker.show(row, lambda row, _: _page(row))


def _plan(paths: "Paths", backup: Path) -> str:
    from mexc_tui.store.backups import time_of

    made = time_of(backup).strftime("%Y-%m-%d %H:%M UTC")
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
