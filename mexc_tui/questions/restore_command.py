"""The command that puts a backup in the place of a profile's database."""

from pathlib import Path

import click
import msgspec

from mexc_tui.questions.asker import NO_ENGINE, asked, asking, fail


class RestoredJson(msgspec.Struct, frozen=True, kw_only=True):
    """What was restored."""

    profile: str
    backup: str
    made_ms: int
    replaced: str | None
    """Where the database it replaced is kept; None: there was none."""


@click.command()
@click.option("--backup", type=click.Path(path_type=Path), help="Which one; by default the newest.")
@asked
def restore(backup: Path | None, profile: str | None, as_json: bool) -> None:
    """Put a backup in the place of the database, which is kept beside it. No engine may run.

    The next start compares it with the exchange: what happened after the backup is taken over or reported.
    Exit code: 0 restored, 3 an engine runs or there is no sound backup.
    """
    from mexc_tui.lock import EngineRuns, engine_lock
    from mexc_tui.paths import PathsError
    from mexc_tui.store.backups import Backups, time_of
    from mexc_tui.store.backups import restore as put_back

    with asking(profile, as_json) as asker:
        paths = asker.reach.paths
        backups = Backups(paths.store)
        chosen = backup or next(iter(backups.all()), None)
        if chosen is None:
            fail(f"There is no backup in {backups.folder}. Name one with --backup FILE.", NO_ENGINE)
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


def _page(row: RestoredJson) -> str:
    kept = f" The database it replaced is kept: {row.replaced}." if row.replaced else ""
    return (
        f"Restored {row.backup}.{kept} The next start compares it with the exchange, and halts if orders of "
        "this desk are newer than the backup."
    )
