"""Settings change under a running engine: what is safe at once, the rest later, all of it told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.event import SettingChanged, decode, encode
from mexc_tui.settings.all_settings import TABLE
from mexc_tui.settings.layers import environment_layer, file_layer
from mexc_tui.settings.live import LiveSettings, SettingChange
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load

ENVIRONMENT = environment_layer({"MEXC_TUI_COOLDOWN_S": "60"})


def loaded(text: str = "") -> Loaded:
    return load(Layers(environment=ENVIRONMENT, file=file_layer(text, "settings.toml")))


def test_a_reloadable_setting_applies_at_once_and_is_reported() -> None:
    live = LiveSettings(loaded())
    changes = live.apply(loaded("stop_loss_pct = 12.5"))
    assert changes == (
        SettingChange(
            name="stop_loss_pct", old="10", new="12.5", needs_restart=False, origin="settings.toml, line 1"
        ),
    )
    assert (live.current.text("stop_loss_pct"), live.pending()) == ("12.5", ())


def test_a_setting_that_needs_a_restart_is_pending_and_reported_once() -> None:
    live = LiveSettings(loaded())
    changed = loaded("mode = 'paper'")
    assert live.apply(changed) == (
        SettingChange(
            name="mode", old="practice", new="paper", needs_restart=True, origin="settings.toml, line 1"
        ),
    )
    assert live.current.text("mode") == "practice"
    assert [change.name for change in live.pending()] == ["mode"]
    assert live.apply(changed) == ()
    assert [change.new for change in live.pending()] == ["paper"]


def test_reverting_a_change_is_a_change_and_clears_the_pending_one() -> None:
    live = LiveSettings(loaded())
    live.apply(loaded("mode = 'paper'"))
    assert live.apply(loaded()) == (
        SettingChange(name="mode", old="paper", new="practice", needs_restart=True, origin="the default"),
    )
    assert live.pending() == ()


def test_a_refused_reload_changes_nothing() -> None:
    live = LiveSettings(loaded("max_positions = 4"))
    before = live.current
    with pytest.raises(SettingsError):
        live.apply(loaded("max_positions = 4000"))
    assert live.current is before


def test_a_value_of_a_higher_layer_does_not_change_with_the_file() -> None:
    live = LiveSettings(loaded())
    assert live.apply(loaded("cooldown_s = 5")) == ()
    assert live.current.cooldown_s == 60


def test_the_config_hash_follows_the_settings_in_effect() -> None:
    live = LiveSettings(loaded())
    before = live.current.config_hash
    live.apply(loaded("mode = 'paper'"))
    assert live.current.config_hash == before
    live.apply(loaded("stop_loss_pct = 12"))
    assert live.current.config_hash != before


def test_a_change_is_journalled_with_old_and_new_value_origin_and_restart() -> None:
    (change,) = LiveSettings(loaded()).apply(loaded("mode = 'paper'"))
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
def test_reported_changes_add_up_to_configured_and_current_settings(edits: list[dict[str, int]]) -> None:
    start = loaded()
    live = LiveSettings(start)
    told = {name: start.settings.text(name) for name in TABLE}
    for edit in edits:
        wanted = loaded("\n".join(line.format(number) for line, number in edit.items()))
        for change in live.apply(wanted):
            assert told[change.name] == change.old != change.new
            told[change.name] = change.new
        assert told == {name: wanted.settings.text(name) for name in TABLE}
        for name, setting in TABLE.items():
            source = start if setting.needs_restart else wanted
            assert getattr(live.current, name) == getattr(source.settings, name)
