"""Snapshots of settings: equal values have equal hashes, and differences name both values."""

from mexc_tui.model.settings_snapshot import SettingDifference, SettingText, differences, snapshot_of


def snapshot(**values: str) -> list[SettingText]:
    return [SettingText(name, value) for name, value in values.items()]


def test_equal_values_have_equal_hashes_in_any_order() -> None:
    one, other = snapshot_of(snapshot(a="1", b="2")), snapshot_of(snapshot(b="2", a="1"))
    assert one.hash == other.hash
    assert one.hash != snapshot_of(snapshot(a="1", b="3")).hash
    assert differences(one, other) == ()


def test_changed_added_and_removed_settings_differ() -> None:
    first = snapshot_of(snapshot(kept="1", changed="2", removed="3"))
    second = snapshot_of(snapshot(kept="1", changed="4", added="5"))
    assert differences(first, second) == (
        SettingDifference(name="changed", first="2", second="4"),
        SettingDifference(name="added", first=None, second="5"),
        SettingDifference(name="removed", first="3", second=None),
    )
