"""Pure evaluation of facts about this machine, the files of a profile, its database and its service."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mexc_tui.doctor.check import Check, fail, ok, warn

MIB = 1024 * 1024
LEAST_FREE_BYTES = 256 * MIB
"""Below, a backup or a busy journal fills the disk."""
COMFORTABLE_FREE_BYTES = 1024 * MIB
SMALLEST_COLUMNS, SMALLEST_LINES = 80, 24
BACKUP_AGE_MS = 2 * 86_400_000
KEY_WARNING_DAYS = 15
SHOWN_FILES = 3


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Owner and mode of a file or folder."""

    path: Path
    is_folder: bool
    mode: int
    """Permission bits."""
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TerminalFacts:
    """Properties of standard output and its environment."""

    is_terminal: bool
    kind: str
    """TERM."""
    encoding: str
    columns: int
    lines: int
    has_true_colour: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """State of the systemd service of the profile."""

    is_installed: bool
    state: str = ""
    is_running: bool = False
    is_enabled: bool = False
    restarts: int = 0
    user: str = ""
    survives_logout: bool = False


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """Visible part of the stored key."""

    ends_with: str
    """Empty: it is in an encrypted file, which is not opened."""
    expires_on: date | None
    """Expiry of a key without an IP restriction; None: unknown."""
    storage: str = ""
    not_protected: str = ""
    """What the storage does not protect against, as a sentence."""


def check_files(files: Sequence[FileFacts]) -> Check:
    """Check that every file of the profile belongs to the user and is closed to others."""
    foreign = [file for file in files if not file.is_own]
    if foreign:
        path = shlex.quote(str(foreign[0].path))
        return fail(
            "files", f"{foreign[0].path} belongs to another user.", f'sudo chown -R "$(id -un)" {path}'
        )
    open_to_others = [file for file in files if file.mode & 0o077]
    if not open_to_others:
        return ok("files", f"{len(files)} files and folders, readable by this user only.")
    fixes = [
        f"chmod {'700' if file.is_folder else '600'} {shlex.quote(str(file.path))}" for file in open_to_others
    ]
    more = f"; {len(fixes) - SHOWN_FILES} more" if len(fixes) > SHOWN_FILES else ""
    text = f"Other users can access {len(open_to_others)} of {len(files)} files and folders."
    return fail("files", text, "; ".join(fixes[:SHOWN_FILES]) + more)


def check_disk(free_bytes: int, used_bytes: int) -> Check:
    """Check the free space. `used_bytes`: size of the profile's files."""
    text = f"{free_bytes // MIB} MiB free; this profile uses {-(-used_bytes // MIB)} MiB."
    if free_bytes < LEAST_FREE_BYTES:
        return fail("disk", text, f"Free at least {COMFORTABLE_FREE_BYTES // MIB} MiB.")
    if free_bytes < max(COMFORTABLE_FREE_BYTES, 2 * used_bytes):
        return warn("disk", text, "Free some space, or lower keep_journal_days and keep_log_mb.")
    return ok("disk", text)


def check_backup(newest_ms: int | None, now_ms: int, folder: Path) -> Check:
    """Check the age of the newest backup; None: there is none."""
    if newest_ms is None:
        return warn("backup", f"There is no backup in {folder}.", "mexc-tui backup")
    hours = max(now_ms - newest_ms, 0) // 3_600_000
    text = f"The newest backup is {hours} h old."
    return (
        warn("backup", text, "mexc-tui backup") if now_ms - newest_ms > BACKUP_AGE_MS else ok("backup", text)
    )


def check_terminal(found: TerminalFacts) -> Check:
    """Check that the screen can be drawn on this terminal."""
    if not found.is_terminal:
        return ok(
            "terminal", "Standard output is no terminal: only commands and the headless engine work here."
        )
    size = f"{found.columns}x{found.lines}"
    if found.kind in ("", "dumb"):
        return warn(
            "terminal", f"TERM is {found.kind or 'not set'}: no screen.", "export TERM=xterm-256color"
        )
    if found.encoding.lower().replace("-", "") != "utf8":
        return warn("terminal", f"The encoding is {found.encoding}, not UTF-8.", "export LC_ALL=C.UTF-8")
    if found.columns < SMALLEST_COLUMNS or found.lines < SMALLEST_LINES:
        least = f"{SMALLEST_COLUMNS}x{SMALLEST_LINES}"
        return warn("terminal", f"It has {size} characters, the desk needs {least}.", "Enlarge the window.")
    colours = "24-bit colours" if found.has_true_colour else "256 colours or fewer"
    return ok("terminal", f"{found.kind}, {size}, UTF-8, {colours}.")


def check_service(found: ServiceFacts) -> Check:
    """Check the systemd service."""
    if not found.is_installed:
        return ok("service", "Not installed. To start the engine at boot: mexc-tui service install")
    text = f"{found.state}, {found.restarts} restarts."
    if not found.is_running:
        return fail("service", text, "mexc-tui service logs, then: mexc-tui service install")
    if not found.survives_logout:
        return warn("service", f"{text} It ends at logout.", f"loginctl enable-linger {found.user}")
    if not found.is_enabled:
        return warn("service", f"{text} It does not start at boot.", "mexc-tui service install")
    return ok("service", text)


def check_key(found: KeyFacts | None, today: date) -> Check:
    """Check the stored key of live trading. `today` in UTC."""
    if found is None:
        return fail("key", "No key is stored for this profile.", "mexc-tui keys set")
    key = f"A key that ends in {found.ends_with}" if found.ends_with else "A key"
    text = " ".join(f"{key} is stored ({found.storage}). {found.not_protected}".split())
    if not found.ends_with:
        return ok("key", f"{text} Its file is encrypted and was not opened.")
    if found.expires_on is None:
        return ok("key", f"{text} Its storage date is unknown.")
    left = (found.expires_on - today).days
    expiry = (
        f"{text} Without an IP restriction it {'expires' if left > 0 else 'expired'} on {found.expires_on}"
    )
    if left > KEY_WARNING_DAYS:
        return ok("key", f"{expiry} ({left} days left).")
    return warn("key", f"{expiry}.", "Renew it at MEXC or bind it to this address, then: mexc-tui keys set")
