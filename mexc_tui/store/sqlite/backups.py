"""Backups of one database: naming, rotation and restore."""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from mexc_tui.model.storage import StorageDamaged, StorageRefused
from mexc_tui.store.sqlite.faults import translate
from mexc_tui.store.sqlite.files import create_private, sync_folder
from mexc_tui.store.sqlite.schema import check_owner, version_of

FOLDER = "backups"
DAILY, WEEKLY = 7, 4
"""Number of daily and of weekly backups to keep."""
SPECIAL = 3
"""Number of rescue, manual and pre-migration backups to keep, each."""
SPARE_BYTES = 64 * 1024 * 1024
"""Disk space that a daily backup must leave free."""

_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"desk-(\d{8}T\d{6}Z)(?:-([a-z0-9-]+))?\.sqlite3")
_REPLACED = re.compile(r"\.replaced-(\d{8}T\d{6}Z)(?:-wal|-shm)?$")


class Backups:
    """Backups in a folder beside the database. All methods block."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.folder = database.parent / FOLDER

    def all(self) -> list[Path]:
        """Return the backups, newest first."""
        try:
            found = [file for file in self.folder.iterdir() if _NAME.fullmatch(file.name)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(found, key=lambda file: file.name, reverse=True)

    def target(self, now_ms: int, reason: str = "") -> Path:
        """Return the path of a new backup, creating its private folder. Raises StorageRefused."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StorageRefused(f"{self.folder} cannot be created: {error.strerror}.") from error
        moment = datetime.fromtimestamp(now_ms / 1_000, UTC).strftime(_TIME)
        return self.folder / f"desk-{moment}{reason and f'-{reason}'}.sqlite3"

    def newest_ms(self) -> int | None:
        """Return the time of the newest backup in Unix ms; None without one."""
        found = self.all()
        return int(backup_time(found[0]).timestamp() * 1_000) if found else None

    def has_room(self, folder: Path | None = None) -> bool:
        """Return whether a backup would leave enough free disk space. `folder`: where; None: beside it."""
        files = (self.database, self.database.with_name(self.database.name + "-wal"))
        size = sum(file.stat().st_size for file in files if file.exists())
        return shutil.disk_usage(folder or self.database.parent).free > size + SPARE_BYTES

    def delete_old(self) -> int:
        """Delete backups beyond the retention limits; return how many."""
        found = self.all()
        old = set(found) - backups_to_keep(found)
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def delete_replaced_copies(self, before_ms: int) -> int:
        """Delete databases that a restore replaced before `before_ms`, except the newest; return how many.

        Also deletes leftovers of unfinished copies from before that time.
        """
        beside = self.database.parent.glob(f"{self.database.name}.*")
        replaced = sorted(file for file in beside if _REPLACED.search(file.name))
        newest = _replaced_time(replaced[-1]) if replaced else ""
        old = [file for file in replaced if _replaced_time(file) < newest and _modified_ms(file) < before_ms]
        parts = (*self.folder.glob("desk-*.part*"), *self.database.parent.glob("*.restoring*"))
        old += [part for part in parts if _modified_ms(part) < before_ms]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def advice(self) -> str:
        """Return a hint naming the newest backup and the restore command."""
        found = self.all()
        profile = self.database.parent.name
        if not found:
            return f"There is no backup in {self.folder}."
        made = backup_time(found[0]).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"The newest backup is {found[0]} ({made}). Restore it with: mexc-tui restore --profile {profile}"
        )


def backups_to_keep(found: Iterable[Path]) -> set[Path]:
    """Return the backups to keep: the newest daily ones, and the newest of each of the last weeks.

    Rescue, manual and pre-migration backups are counted separately and displace no daily one.
    """
    ordered = sorted(found, key=lambda file: file.name, reverse=True)
    daily = [file for file in ordered if not _reason(file)]
    by_week: dict[tuple[int, int], Path] = {}
    for file in daily:
        year, week, _ = backup_time(file).isocalendar()
        by_week.setdefault((year, week), file)
    special: dict[str, list[Path]] = {}
    for file in ordered:
        if _reason(file):
            special.setdefault(_reason(file).partition("-")[0], []).append(file)
    kept = [file for files in special.values() for file in files[:SPECIAL]]
    return {*daily[:DAILY], *list(by_week.values())[:WEEKLY], *kept}


def _reason(backup: Path) -> str:
    found = _NAME.fullmatch(backup.name)
    return "" if found is None else found[2] or ""


def _replaced_time(replaced: Path) -> str:
    found = _REPLACED.search(replaced.name)
    return "" if found is None else found[1]


def _modified_ms(file: Path) -> int:
    try:
        return file.lstat().st_mtime_ns // 1_000_000
    except OSError:
        return 2**62  # it is gone already


def backup_time(backup: Path) -> datetime:
    """Return the time in the name of a backup; of a file with another name, that of its last change."""
    found = _NAME.fullmatch(backup.name)
    if found is None:
        return datetime.fromtimestamp(_modified_ms(backup) / 1_000 if backup.exists() else 0, UTC)
    return datetime.strptime(found[1], _TIME).replace(tzinfo=UTC)


def restore(database: Path, backup: Path, now_ms: int) -> Path | None:
    """Replace the database with a checked copy of a backup; return the path of the replaced database.

    No engine may be running. Raises StorageRefused or StorageDamaged, and changes nothing then.
    """
    if not backup.is_file():
        raise StorageRefused(f"{backup} is not a file.")
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = database.with_name(database.name + ".restoring")
    fresh.unlink(missing_ok=True)
    try:
        create_private(fresh)
        with backup.open("rb") as source, fresh.open("r+b") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        _check(fresh, backup)
        kept = _move_aside(database, now_ms)
        fresh.rename(database)
    except OSError as error:
        raise StorageRefused(f"{backup} cannot be restored: {error.strerror}.") from error
    finally:
        for leftover in ("", "-wal", "-shm"):
            fresh.with_name(fresh.name + leftover).unlink(missing_ok=True)
    sync_folder(database.parent)
    return kept


def _check(copy: Path, backup: Path) -> None:
    try:
        with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as connection:
            check_owner(connection)
            found: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            is_empty = version_of(connection) == 0
    except sqlite3.Error as error:
        raise translate(f"reading {backup}", error) from error
    if found != "ok" or is_empty:
        raise StorageDamaged(f"{backup} is not a valid backup. Choose an older one with --backup FILE.")


def _move_aside(database: Path, now_ms: int) -> Path | None:
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC).strftime(_TIME)
    kept = database.with_name(f"{database.name}.replaced-{moment}")
    was_there = database.exists()
    for suffix in ("-wal", "-shm", ""):
        file = database.with_name(database.name + suffix)
        if file.exists():
            file.rename(kept.with_name(kept.name + suffix))
    return kept if was_there else None
