"""Reads facts about this machine and a profile's files, and evaluates them. All functions block."""

import os
import platform
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

from mexc_tui import __version__
from mexc_tui.doctor.books import check_books
from mexc_tui.doctor.check import Check, fail, ok, warn
from mexc_tui.doctor.machine_checks import (
    FileFacts,
    KeyFacts,
    ServiceFacts,
    TerminalFacts,
    check_backup,
    check_disk,
    check_files,
    check_key,
    check_service,
    check_terminal,
)
from mexc_tui.host.keys.record import CredentialsError, StorageKind
from mexc_tui.host.keys.stored_keys import StoredKeys
from mexc_tui.host.paths import Paths
from mexc_tui.host.service_unit import unit_name
from mexc_tui.host.systemd import ServiceManagerError, ServiceStatus, Systemd
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.backups import Backups
from mexc_tui.store.sqlite.inspection import inspect_database

MOST_FILES = 10_000
BOOKS_FIX = "mexc-tui stop, then: mexc-tui restore"


def probe_versions() -> Check:
    """Return the versions of the program and of what it runs on."""
    parts = (
        f"mexc-tui {__version__}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"Textual {version('textual')}",
        f"{platform.system()} {platform.release()}",
    )
    return ok("versions", ", ".join(parts))


def probe_files(paths: Paths) -> Check:
    """Check owner and modes of the profile's files, and of the folder of its socket."""
    if not paths.state.exists():
        return ok("files", f"Nothing is stored yet in {paths.state}.")
    return check_files([_facts(file) for file in _private_files(paths)])


def probe_disk(paths: Paths) -> Check:
    """Check the free space of the disk with the profile's files."""
    folder = next(folder for folder in (paths.state, *paths.state.parents) if folder.is_dir())
    files = (file for file in _private_files(paths) if file.is_relative_to(paths.state))
    used = sum(file.lstat().st_size for file in files)
    return check_disk(shutil.disk_usage(folder).free, used)


def probe_database(paths: Paths, clock: Clock, *, with_books: bool) -> list[Check]:
    """Check integrity and schema of the database, its newest backup, and with `with_books` its ledgers."""
    if not paths.store.exists():
        return [ok("database", "None yet: no engine of this profile has run.")]
    backups = Backups(paths.store)
    found = [check_backup(backups.newest_ms(), clock.now_ms(), backups.folder)]
    try:
        facts = inspect_database(paths.store, is_full=with_books)
    except StorageError as error:
        return [fail("database", str(error), f"{backups.advice()}"), *found]
    text = f"{facts.size_bytes // 1024} KiB, schema {facts.schema}, intact."
    if facts.schema < facts.known_schema:
        return [
            warn("database", f"{text} This program uses {facts.known_schema}.", "Start an engine once."),
            *found,
        ]
    found.insert(0, ok("database", text))
    return [*found, _books(paths, clock)] if with_books else found


def _books(paths: Paths, clock: Clock) -> Check:
    result = check_books(paths.store, clock)
    if result.problems:
        return fail("books", "; ".join(result.problems), BOOKS_FIX)
    return ok("books", f"{result.rows} rows of the ledger and {result.facts} events are verified.")


def probe_key(profile: str, today: date) -> Check:
    """Check the stored key of live trading, without opening an encrypted file. `today` in UTC."""
    keys = StoredKeys(profile)
    try:
        kind = keys.kind()
        found = None if kind is StorageKind.FILE else keys.shown()
    except CredentialsError as error:
        return fail("key", str(error), "mexc-tui keys set")
    if kind is None:
        return check_key(None, today)
    ends_with, expires_on = ("", None) if found is None else (found.ends_with, found.expires_on)
    return check_key(KeyFacts(ends_with, expires_on, kind.value, kind.not_protected), today)


def probe_terminal(environ: Mapping[str, str]) -> Check:
    """Check the terminal of standard output."""
    size = shutil.get_terminal_size()
    return check_terminal(
        TerminalFacts(
            is_terminal=sys.stdout.isatty(),
            kind=environ.get("TERM", ""),
            encoding=sys.stdout.encoding or "",
            columns=size.columns,
            lines=size.lines,
            has_true_colour=environ.get("COLORTERM", "") in ("truecolor", "24bit"),
        )
    )


def probe_service(profile: str, user: str) -> Check:
    """Check the systemd service of the profile, of this user or of the system."""
    name, problems = unit_name(profile), list[str]()
    for is_user in (True, False):
        systemd = Systemd(is_user=is_user)
        try:
            found = systemd.status(name)
        except ServiceManagerError as error:
            problems.append(str(error))
            continue
        if found.is_installed:
            survives = not is_user or systemd.keeps_running_after_logout(user)
            return check_service(_service_facts(found, user, survives=survives))
    if len(problems) > 1:
        return ok("service", f"Not checked. {problems[0]}")
    return check_service(ServiceFacts(is_installed=False))


def _service_facts(found: ServiceStatus, user: str, *, survives: bool) -> ServiceFacts:
    return ServiceFacts(
        is_installed=True,
        state=found.state,
        is_running=bool(found.pid),
        is_enabled=found.is_enabled,
        restarts=found.restarts,
        user=user,
        survives_logout=survives,
    )


def _private_files(paths: Paths) -> Iterator[Path]:
    """Yield the state folder and everything in it, and the folder of the socket."""
    if paths.state.exists():
        yield paths.state
        for number, file in enumerate(paths.state.rglob("*")):
            if number >= MOST_FILES:
                break
            if not (file.is_symlink() or file.is_socket()):
                yield file
    if paths.socket.parent.exists() and paths.socket.parent != paths.state:
        yield paths.socket.parent


def _facts(file: Path) -> FileFacts:
    found = file.lstat()
    return FileFacts(
        file, stat.S_ISDIR(found.st_mode), stat.S_IMODE(found.st_mode), found.st_uid == os.geteuid()
    )
