"""A ban of the exchange beside the store: the next engine waits for its end, too."""

import logging
from pathlib import Path

import msgspec

from mexc_tui.exchange.limits.bans import Ban, BanKind
from mexc_tui.host.private_files import write_note

NAME = "ban.json"

log = logging.getLogger(__name__)


class _Note(msgspec.Struct, frozen=True):
    origin: str
    kind: BanKind
    until_ms: int


class BanFile:
    """One file in a profile's private folder, about one exchange."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._path = folder / NAME
        self._origin = origin

    def read(self, now_ms: int) -> Ban | None:
        """Return the ban still in force; None for an unreadable file."""
        try:
            note = msgspec.json.decode(self._path.read_bytes(), type=_Note)
        except (OSError, msgspec.DecodeError):
            return None
        left_s = (note.until_ms - now_ms) / 1_000
        return Ban(note.kind, left_s, note.until_ms) if note.origin == self._origin and left_s > 0 else None

    def write(self, ban: Ban) -> None:
        """Keep a ban. A disk that does not take it is reported: the next start may ask too early."""
        try:
            write_note(self._path, msgspec.json.encode(_Note(self._origin, ban.kind, ban.until_ms)))
        except OSError as error:
            log.warning("cannot store a ban of the exchange: %s", error)
