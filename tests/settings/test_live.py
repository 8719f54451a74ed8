"""Settings change under a running engine: what is safe at once, the rest later, all of it told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.event import SettingChanged, decode, encode
from mexc_tui.settings.layers import environment_layer, file_layer
from mexc_tui.settings.live import LiveSettings, SettingChange
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load
from mexc_tui.settings.table import TABLE

ENVIRONMENT = environment_layer({"MEXC_TUI_COOLDOWN_S": "60"})


def loaded(text: str = "") -> Loaded:
    return load(Layers(environment=ENVIRONMENT, file=file_layer(text, "settings.toml")))


def test_a_safe_setting_is_in_force_at_once_and_its_change_is_told() -> None:
    live = LiveSettings(loaded())
    changes = live.take(loaded("stop_loss_pct = 12.5"))
    assert changes == (SettingChange("stop_loss_pct", "10", "12.5", False, "settings.toml, line 1"),)
    assert (live.current.text("stop_loss_pct"), live.pending()) == ("12.5", ())


def test_a_setting_that_needs_a_restart_waits_and_is_told_once() -> None:
    live = LiveSettings(loaded())
    changed = loaded("mode = 'paper'")
    assert live.take(changed) == (SettingChange("mode", "practice", "paper", True, "settings.toml, line 1"),)
    assert live.current.text("mode") == "practice"
    assert [change.name for change in live.pending()] == ["mode"]
    assert live.take(changed) == ()
    assert [change.new for change in live.pending()] == ["paper"]


def test_taking_a_change_back_is_a_change_too_and_nothing_waits_any_more() -> None:
    live = LiveSettings(loaded())
    live.take(loaded("mode = 'paper'"))
    assert live.take(loaded()) == (SettingChange("mode", "paper", "practice", True, "the default"),)
    assert live.pending() == ()


def test_a_refused_reading_leaves_everything_as_it_was() -> None:
    live = LiveSettings(loaded("max_positions = 4"))
    before = live.current
    with pytest.raises(SettingsError):
        live.take(loaded("max_positions = 4000"))
    assert live.current is before


def test_what_a_stronger_place_holds_does_not_change_with_the_file() -> None:
    live = LiveSettings(loaded())
    assert live.take(loaded("cooldown_s = 5")) == ()
    assert live.current.cooldown_s == 60


def test_the_config_hash_follows_what_is_in_force() -> None:
    live = LiveSettings(loaded())
    before = live.current.config_hash
    live.take(loaded("mode = 'paper'"))
    assert live.current.config_hash == before
    live.take(loaded("stop_loss_pct = 12"))
    assert live.current.config_hash != before


def test_a_change_goes_into_the_journal_with_old_new_place_and_whether_it_waits() -> None:
    (change,) = LiveSettings(loaded()).take(loaded("mode = 'paper'"))
    event = change.event(at_ms=7)
    assert event == SettingChanged(
        at_ms=7,
        about="mode",
        old="practice",
        new="paper",
        needs_restart=True,
        origin="settings.toml, line 1",
    )
    assert decode(encode(event)) == event


EDITS = st.dictionaries(
    st.sampled_from(
        [
            "max_positions = {}",
            "stop_loss_pct = {}",
            "store_readers = {}",
            "http_retries = {}",
            "time_stop_s = {}",
        ]
    ),
    st.integers(2, 10),
)


@given(st.lists(EDITS, max_size=6))
def test_changes_told_add_up_to_what_is_wanted_and_what_is_in_force(edits: list[dict[str, int]]) -> None:
    start = loaded()
    live = LiveSettings(start)
    told = {name: start.settings.text(name) for name in TABLE}
    for edit in edits:
        wanted = loaded("\n".join(line.format(number) for line, number in edit.items()))
        for change in live.take(wanted):
            assert told[change.name] == change.old != change.new
            told[change.name] = change.new
        assert told == {name: wanted.settings.text(name) for name in TABLE}
        for name, setting in TABLE.items():
            source = start if setting.needs_restart else wanted
            assert getattr(live.current, name) == getattr(source.settings, name)
