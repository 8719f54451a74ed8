"""Writes evidence as a zip file in which every text is redacted, and which lists its files with digests."""

import hashlib
import platform
import sqlite3
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from mexc_tui import __version__
from mexc_tui.host.logs.redaction import Redactor
from mexc_tui.wording.digits import plain_json

_json = msgspec.json.Encoder(decimal_format="string")
MANIFEST = "manifest.json"


class FileDigest(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a bundle."""

    name: str
    size_bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a bundle is about, and what made it."""

    snipe: str
    symbol: str
    profile: str
    made_ms: int
    from_ms: int
    to_ms: int
    versions: Mapping[str, str]
    notes: tuple[str, ...]
    """What could not be included."""
    files: tuple[FileDigest, ...] = ()


def versions() -> dict[str, str]:
    """Return the versions of this program and of what it runs on."""
    return {
        "mexc-tui": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.release()}",
    }


def json_bytes(value: object, redactor: Redactor) -> bytes:
    """Return a value as indented JSON without secrets."""
    return redactor.clean(_indented(value).decode()).encode()


def _indented(value: object) -> bytes:
    return msgspec.json.format(plain_json(_json.encode(value)), indent=1)


def write_bundle(
    file: Path, manifest: Manifest, files: Mapping[str, bytes], *, redactor: Redactor
) -> Manifest:
    """Write a zip with the redacted files and a manifest that lists them; return the manifest."""
    digests = tuple(
        FileDigest(name=name, size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    )
    # Redacted without the digests, which look like secrets.
    whole = msgspec.json.decode(json_bytes(manifest, redactor), type=Manifest)
    whole = msgspec.structs.replace(whole, files=digests)
    at = datetime.fromtimestamp(manifest.made_ms / 1_000, UTC)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((MANIFEST, _indented(whole)), *files.items()):
            info = zipfile.ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
            info.external_attr = 0o600 << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return whole
