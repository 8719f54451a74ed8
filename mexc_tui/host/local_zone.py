"""Local time zone of a front end, with its rules for every date."""

import io
import struct
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

MACHINE_ZONE = Path("/etc/localtime")

_HEADER = struct.Struct(">4sc15x6l")
_UTC_ONLY = struct.pack(">lbb", 0, 0, 0) + b"UTC\0"


def local_zone(environ: Mapping[str, str], machine_zone: Path = MACHINE_ZONE) -> tzinfo:
    """Return the zone that `TZ` names, else the machine's; UTC where there is none.

    `TZ` may be a name, a file, or a rule such as CET-1CEST,M3.5.0,M10.5.0/3, each with or without a colon.
    """
    named = environ.get("TZ")
    if named is None:
        return _from_file(machine_zone) or UTC
    named = named.removeprefix(":")
    if named.startswith("/"):
        return _from_file(Path(named)) or UTC
    return _from_name(named) or _from_rule(named) or UTC


def _from_name(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, LookupError):  # not the name of a zone
        return None


def _from_file(file: Path) -> tzinfo | None:
    try:
        with file.open("rb") as opened:
            return ZoneInfo.from_file(opened)
    except (ValueError, OSError, struct.error):
        return None


def _from_rule(rule: str) -> tzinfo | None:
    """Return the zone of a POSIX rule, built as a zone file without history."""
    head = (0, 0, 0, 0, 1, 4)  # one local time type, four characters of names
    data = b"".join(_HEADER.pack(b"TZif", b"2", *head) + _UTC_ONLY for _ in range(2))
    try:
        return ZoneInfo.from_file(io.BytesIO(data + b"\n" + rule.encode("ascii") + b"\n"))
    except (ValueError, struct.error):
        return None
