"""Command `backup`: write a verified copy of a profile's database while it is in use."""

from pathlib import Path

import click
import msgspec

from mexc_tui.cli.command_runner import NO_ENGINE, CommandRunner, command_runner, fail, output_flags

REASON = "manual"


class BackupJson(msgspec.Struct, frozen=True, kw_only=True):
    """A new backup, as JSON."""

    profile: str
    backup: str
    made_ms: int
    size_bytes: int
    ledger_rows: int
    """Verified rows of the ledgers in the copy."""
    events: int
    """Verified events of the journal in the copy."""


@click.command()
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    help="Write this new file; default: one in the profile's backups.",
)
@output_flags
def backup(target: Path | None, profile: str | None, as_json: bool) -> None:
    """Write a verified copy of the database.

    Works beside a running engine. Integrity and books of the copy are verified; a faulty copy is deleted.
    Exit code: 0 written, 3 not.
    """
    from mexc_tui.doctor.books import verify_copy
    from mexc_tui.model.storage import StorageError
    from mexc_tui.store.sqlite.backups import Backups
    from mexc_tui.store.sqlite.offline_read import copy_offline

    with command_runner(profile, as_json) as runner:
        runner.profile.check_exists()
        paths, clock = runner.profile.paths, runner.profile.clock
        if not paths.store.is_file():
            fail(f"Nothing to back up: {runner.profile.missing_store_message}", NO_ENGINE)
        backups, now_ms = Backups(paths.store), clock.now_ms()
        file = _new_file(target) or backups.target(now_ms, REASON)
        if not backups.has_room(file.parent):
            fail(f"No disk space for a backup in {file.parent}. Free some, or use --to FILE.", NO_ENGINE)
        copy_offline(paths.store, file)
        try:
            verified = verify_copy(file, clock)
        except StorageError as error:
            file.unlink(missing_ok=True)
            fail(f"Not backed up: {error}", NO_ENGINE)
        if target is None:
            backups.delete_old()
        row = BackupJson(
            profile=paths.profile,
            backup=str(file),
            made_ms=now_ms,
            size_bytes=file.stat().st_size,
            ledger_rows=verified.rows,
            events=verified.facts,
        )
        _show(runner, row)


def _new_file(target: Path | None) -> Path | None:
    """Return the file to write as an absolute path; None: not given. A folder is refused."""
    if target is None:
        return None
    file = target.absolute()
    if file.is_dir() or not file.parent.is_dir():
        raise click.UsageError(f"--to: {file} is not a new file in an existing folder.")
    return file


def _show(runner: CommandRunner, row: BackupJson) -> None:
    restore = f"mexc-tui restore --profile {row.profile} --backup {row.backup}"
    text = (
        f"Wrote {row.backup} ({row.size_bytes // 1024} KiB); verified {row.ledger_rows} rows of the ledger "
        f"and {row.events} events. To restore it: {restore}"
    )
    runner.show(row, lambda _, __: text)
