"""Stores a ban by the exchange, so that the next engine waits until it ends."""

import logging
from pathlib import Path

import msgspec

from mexc_tui.exchange.limits.bans import Ban, BanKind
from mexc_tui.host.private_files import write_private_file

NAME = "ban.json"

log = logging.getLogger(__name__)


class _StoredBan(msgspec.Struct, frozen=True):
    origin: str
    kind: BanKind
    until_ms: int
    since_ms: int = 0
    """When it was stored."""


class BanFile:
    """File with the ban by one exchange, in a profile's private folder."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._path = folder / NAME
        self._origin = origin

    def read(self, now_ms: int) -> Ban | None:
        """Return the ban if it is still active; None for an unreadable file."""
        try:
            note = msgspec.json.decode(self._path.read_bytes(), type=_StoredBan)
        except (OSError, msgspec.DecodeError):
            return None
        if note.origin != self._origin or note.until_ms <= now_ms:
            return None
        if now_ms >= note.since_ms:
            return Ban(note.kind, (note.until_ms - now_ms) / 1_000, note.until_ms)
        # The clock was set back: the ban lasts as long as it did when it was stored, from now.
        length_ms = note.until_ms - note.since_ms
        ban = Ban(note.kind, length_ms / 1_000, now_ms + length_ms)
        self.write(ban)
        return ban

    def write(self, ban: Ban) -> None:
        """Store a ban. A write error is logged: the next start may then send requests too early."""
        note = _StoredBan(self._origin, ban.kind, ban.until_ms, ban.until_ms - round(ban.left_s * 1_000))
        try:
            write_private_file(self._path, msgspec.json.encode(note))
        except OSError as error:
            log.warning("cannot store a ban of the exchange: %s", error)
