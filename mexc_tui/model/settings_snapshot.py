"""All settings in force at one moment, as text."""

from collections.abc import Iterable
from hashlib import sha256

import msgspec

HASH_DIGITS = 16


class SettingText(msgspec.Struct, frozen=True, array_like=True):
    """One setting and its value as text."""

    name: str
    value: str


class SettingsSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """All settings in force, in the order of the program that took it. Equal values have equal hashes."""

    hash: str
    values: tuple[SettingText, ...]


class SettingDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A setting with different values in two snapshots. None: that version had no such setting."""

    name: str
    first: str | None
    second: str | None


def snapshot_of(values: Iterable[SettingText]) -> SettingsSnapshot:
    """Return the snapshot of these values."""
    kept = tuple(values)
    lines = "".join(f"{one.name}={one.value}\n" for one in sorted(kept, key=lambda one: one.name))
    return SettingsSnapshot(hash=sha256(lines.encode()).hexdigest()[:HASH_DIGITS], values=kept)


def differences(first: SettingsSnapshot, second: SettingsSnapshot) -> tuple[SettingDifference, ...]:
    """Return the settings that differ, in the order of the second snapshot."""
    before = {one.name: one.value for one in first.values}
    after = {one.name: one.value for one in second.values}
    names = [*after, *(name for name in before if name not in after)]
    return tuple(
        SettingDifference(name=name, first=before.get(name), second=after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )
