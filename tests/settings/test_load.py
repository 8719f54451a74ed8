"""Every setting once; whoever gives one is understood, or told exactly what is wrong."""

import random
import re
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mexc_tui.model.listing import ListingCategory
from mexc_tui.model.mode import Mode
from mexc_tui.model.notification import ChannelName
from mexc_tui.model.policy import OnStop, Rung
from mexc_tui.model.signal import DetectorName
from mexc_tui.practice.scenario import load as load_scenario
from mexc_tui.practice.scenario import shipped
from mexc_tui.settings.all_settings import ASCENDING, GROUPS, TABLE, Settings
from mexc_tui.settings.declaration import Setting, plain, text_of
from mexc_tui.settings.edit import toml_of
from mexc_tui.settings.file import read_file
from mexc_tui.settings.layers import (
    PREFIX,
    Layer,
    SettingSource,
    UnreadableSettings,
    environment_layer,
    file_layer,
    flag_layer,
    scenario_layer,
)
from mexc_tui.settings.load import Layers, Loaded, SettingsError, load

FILE = "/home/ada/.config/mexc-tui/settings.toml"
NOTHING = Settings.of()
RELATED = {name for names in ASCENDING for name in names} | {"break_even_rung"}


def from_file(text: str) -> Loaded:
    return load(Layers(file=file_layer(text, FILE)))


def from_environment(**variables: str) -> Loaded:
    return load(Layers(environment=environment_layer({PREFIX + name: v for name, v in variables.items()})))


def refusal(layers: Layers) -> str:
    with pytest.raises(SettingsError) as error:
        load(layers)
    return str(error.value)


def allowed_values(name: str) -> st.SearchStrategy[object]:
    """Return every kind of value that a setting allows."""
    default = getattr(NOTHING, name)
    special: dict[str, st.SearchStrategy[object]] = {
        "ladder": st.lists(st.decimals("0.1", 1000, places=2), max_size=6, unique=True).map(
            lambda gains: tuple(Rung(Decimal("16.5"), Decimal(plain(gain))) for gain in sorted(gains))
        ),
        "reconcile_steps_quote": st.lists(
            st.decimals("0.01", 1000, places=2), min_size=3, max_size=3, unique=True
        ).map(lambda steps: tuple(sorted(steps))),
        "ready_triple": st.tuples(*[st.integers(0, 99)] * 3).map(lambda states: "/".join(map(str, states))),
        "theme": st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
        "metrics_file": st.from_regex(r"/[a-zA-Z0-9 #=\"'./_-]{0,39}[a-zA-Z0-9#=\"'./_-]", fullmatch=True)
        | st.just(""),
        "notify_channels": st.lists(st.sampled_from(ChannelName)).map(tuple),
        "notify_ntfy_url": st.from_regex(r"https://[a-z]{1,20}", fullmatch=True),
        "notify_webhook_url": st.from_regex(r"(https://[a-z]{1,20})?", fullmatch=True),
        "notify_smtp_host": st.sampled_from(["", "smtp.example.org", "127.0.0.1", "::1"]),
        "notify_smtp_from": st.sampled_from(["", "desk+a@example.org"]),
        "notify_smtp_to": st.sampled_from(["", "ann@example.org"]),
        "notify_quiet_utc": st.sampled_from(["", "22:00-07:00", "00:00-23:59"]),
        "armed_categories": st.lists(st.sampled_from(ListingCategory)).map(tuple),
        "armed_detectors": st.lists(st.sampled_from(DetectorName)).map(tuple),
    }
    if name in special:
        return special[name]
    if name.endswith("_symbols"):
        text = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=15)
        patterns = text.map(re.escape) | st.sampled_from(["[A-Z]+USDT", "A{1,3}.*", "", " X", "[1]"])
        return st.lists(patterns, max_size=4).map(tuple)
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, StrEnum):
        return st.sampled_from(list(type(default)))
    low, high = map(Decimal, TABLE[name].allowed.split(" to "))
    if isinstance(default, int):
        return st.integers(int(low), int(high))
    if isinstance(default, Decimal):
        return st.decimals(low, high, places=3)
    return st.floats(float(low), float(high)).map(lambda number: round(number, 6))


ANY_SETTING = st.sampled_from(sorted(TABLE)).flatmap(
    lambda name: st.tuples(st.just(name), allowed_values(name))
)
ANY_LONE_SETTING = ANY_SETTING.filter(lambda pair: pair[0] not in RELATED)


def test_without_layers_every_setting_has_its_default_and_the_mode_is_practice() -> None:
    loaded = load(Layers())
    assert loaded.settings == NOTHING
    assert (loaded.settings.mode, loaded.origin("mode"), loaded.overrides) == (
        Mode.PRACTICE,
        "the default",
        (),
    )


def test_defaults_are_those_of_the_reference_and_of_its_overrides() -> None:
    s = NOTHING
    assert (s.order_calls_per_s, s.weight_per_10s, s.recv_window_order_ms) == (12, 300, 2_000)
    assert (s.clock_warn_error_ms, s.clock_refuse_ahead_ms, s.clock_resync_s) == (250, 900, 60)
    assert (s.position_quote, s.position_cap_quote, s.max_positions, s.max_snipes) == (10, 100, 3, 1)
    assert (s.max_trades_day, s.max_trades_hour, s.position_cap_pct, s.exposure_cap_pct) == (10, 5, 5, 20)
    assert (s.daily_loss_halt_pct, s.drawdown_halt_pct, s.losses_pause, s.losses_halt) == (2, 10, 3, 5)
    assert (s.stop_loss_pct, s.trailing, s.trailing_distance_pct, s.trailing_after_pct) == (10, False, 15, 20)
    assert (s.stop_confirm_ms, s.stop_confirm_trades, s.time_stop_s, s.cooldown_s) == (200, 3, 3_600, 3_600)
    assert (s.entry_early_ms, s.entry_window_ms, s.entry_attempts, s.entry_validity_ms) == (
        20,
        5_000,
        20,
        500,
    )
    assert (s.premium_cap_pct, s.slippage_cap_pct, s.advance_s) == (25, 3, 12_600)
    assert text_of(s.ladder) == "30@10, 40@20, 30@30"
    assert (s.calendar_poll_s, s.symbols_poll_s, s.symbols_poll_near_s, s.symbols_poll_opening_s) == (
        300,
        30,
        5,
        1,
    )
    assert (s.exchange_info_least_s, s.ready_triple, s.on_stop) == (3, "2/2/4", OnStop.HOLD)
    assert (s.http_connect_s, s.http_total_s, s.http_order_s, s.http_retries) == (3, 10, 5, 3)
    assert (s.stream_ping_s, s.stream_rotate_s, s.price_stale_s, s.alert_evaluate_s) == (5, 82_800, 5, 5)
    assert (s.reconcile_s, s.query_deadline_s) == (60, 10)


@pytest.mark.parametrize("setting", TABLE.values(), ids=lambda setting: setting.name)
def test_every_setting_is_fully_described(setting: Setting) -> None:
    assert setting.help.endswith((".", "%."))
    assert setting.allowed
    assert setting.group in {group.title for group in GROUPS}
    unit_by_suffix = {"_ms": "ms", "_s": "s", "_pct": "%", "_days": "d", "_gb": "GB", "_mb": "MB"}
    for suffix, unit in unit_by_suffix.items():
        if setting.name.endswith(suffix) and not setting.name.endswith("_per_s"):
            assert setting.unit == unit


def test_no_setting_is_in_two_groups() -> None:
    names = [name for group in GROUPS for name in group.model_fields]
    assert len(names) == len(set(names)) == len(TABLE) == len(Settings.model_fields)


def test_dependent_settings_need_a_restart_together() -> None:
    for names in ASCENDING:
        assert len({TABLE[name].needs_restart for name in names}) == 1


def test_settings_cannot_be_changed_in_place() -> None:
    with pytest.raises(Exception, match="frozen"):
        NOTHING.mode = Mode.LIVE


def test_creating_settings_reads_no_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_POSITIONS", "7")
    monkeypatch.setenv("MEXC_TUI_MAX_POSITIONS", "7")
    assert load(Layers()).settings.max_positions == 3


@given(ANY_SETTING)
def test_any_allowed_value_is_parsed_from_a_file_a_variable_and_a_flag(pair: tuple[str, object]) -> None:
    name, value = pair
    text = text_of(value)
    everywhere = [
        file_layer(f"{name} = {toml_of(value)}\n", FILE),
        environment_layer({PREFIX + name.upper(): text}),
        flag_layer({}, [f"{name}={text}"]),
    ]
    for layer in everywhere:
        assert getattr(Settings.of(SettingSource(Settings, layer)), name) == value


def test_a_file_name_with_a_space_at_its_end_is_refused_everywhere() -> None:
    file = file_layer('metrics_file = "/srv/a "\n', FILE)
    for layer in (file, environment_layer({PREFIX + "METRICS_FILE": "/srv/a "})):
        with pytest.raises(ValidationError):
            Settings.of(SettingSource(Settings, layer))


PLACES = ("flags", "environment", "file", "scenario")


@given(st.sets(st.sampled_from(PLACES)))
def test_the_highest_layer_takes_precedence(used: set[str]) -> None:
    name, places = "max_positions", PLACES
    number = {place: index + 11 for index, place in enumerate(places)}
    layers = {
        "flags": flag_layer({name: number["flags"]}),
        "environment": environment_layer({PREFIX + "MAX_POSITIONS": str(number["environment"])}),
        "file": file_layer(f"{name} = {number['file']}", FILE),
        "scenario": scenario_layer({name: number["scenario"]}, "day"),
    }
    loaded = load(Layers(**{place: layers[place] for place in used}))
    strongest = next((place for place in places if place in used), None)
    assert loaded.settings.max_positions == (number[strongest] if strongest else 3)
    assert loaded.overrides == ((name,) if strongest == "scenario" else ())


@pytest.mark.parametrize(
    ("layers", "origin"),
    [
        (Layers(file=file_layer("# mine\nmode = 'live'\n\nmax_positions = 99\n", FILE)), f"{FILE}, line 4"),
        (
            Layers(environment=environment_layer({"MEXC_TUI_MAX_POSITIONS": "99"})),
            "the variable MEXC_TUI_MAX_POSITIONS",
        ),
        (Layers(flags=flag_layer({"max_positions": "99"})), "the flag --max-positions"),
        (Layers(flags=flag_layer({}, ["max-positions=99"])), "the flag --set max_positions"),
        (Layers(scenario=scenario_layer({"max_positions": 99}, "listing-day")), "the scenario listing-day"),
    ],
)
def test_a_wrong_value_is_refused_with_name_value_range_and_origin(layers: Layers, origin: str) -> None:
    assert refusal(layers) == f"max_positions = 99: not allowed (from {origin}). Allowed: 1 to 50."


def test_a_key_inside_a_multi_line_text_gives_no_wrong_line() -> None:
    text = 'theme = """\nmax_positions = 1\n"""\nmax_positions = 99\n'
    assert f"max_positions = 99: not allowed (from {FILE}, key max_positions)" in refusal(
        Layers(file=file_layer(text, FILE))
    )


def test_a_wrong_value_is_refused_even_if_a_higher_layer_has_a_correct_one() -> None:
    layers = Layers(flags=flag_layer({"max_positions": "4"}), file=file_layer("max_positions = 'many'", FILE))
    assert "max_positions = many: not allowed" in refusal(layers)


def test_every_mistake_is_reported_at_once() -> None:
    text = "max_positions = 0\nstop_loss_pct = 1\nladder = ['30@10', '30@10']\nnonsense = 1\n"
    assert len(refusal(Layers(file=file_layer(text, FILE))).splitlines()) == 4


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("max_positions = true", "true"),
        ("max_positions = 2.5", "2.5"),
        ("position_quote = nan", "NaN"),
        ("position_quote = inf", "Infinity"),
        ("price_stale_s = inf", "Infinity"),
        ("position_quote = 10000.01", "1 to 10000 USDT"),
        ("stop_loss_pct = 1.9999999999999999999", "2 to 50 %"),
        ("clock_refuse_ahead_ms = 901", "1 to 900 ms"),
        ("order_calls_per_s = 13", "1 to 12 1/s"),
        ("auto_arm = 'always'", "practice, everywhere, never"),
        ("trailing = 'perhaps'", "true, false"),
        ("ready_triple = '2/2'", "three numbers"),
        ("deny_symbols = ['(']", "'(' is not a regular expression"),
        ("ladder = ['60@10', '60@20']", "at most 100 in total"),
        ("ladder = ['30%@10']", "expected SHARE@GAIN, such as 30@10"),
        ("ladder = 3", "not allowed"),
        ("reconcile_steps_quote = [1, 1, 2]", "above 0 and ascending"),
        ("armed_detectors = ['ready_state', 'tea_leaves']", "a list of launch_sequence"),
        ("theme = '../../etc/passwd'", "the name of a theme file"),
        (
            "max_trades_hour = 11",
            "max_trades_hour = 11: it conflicts with max_trades_day = 10 from the default",
        ),
        ("break_even_rung = 4", "it conflicts with ladder"),
        ("max_positions = 1e999999999", "1E+999999999: the number has too many digits"),
        ("position_quote = 1e999999999", "1E+999999999: the number has too many digits"),
        ("price_stale_s = 1e-999999999", "too many digits"),
        (f"max_positions = 0x{'f' * 9_000}", "(number too long)"),
        ("deny_symbols = ['a{9999999999}']", "is not a regular expression"),
        ("deny_symbols = [{note = 'a', more = [1]}]", "a list of regular expressions"),
        ("max_positions = 2026-12-01", "2026-12-01: not allowed"),
        (
            "[risk]\nmax_positions = 1",
            "settings belong at the top level or in [practice], [paper] or [live], not in a table",
        ),
        ("max_positons = 3", "did you mean max_positions?"),
    ],
)
def test_values_without_meaning_for_a_setting_are_refused(line: str, why: str) -> None:
    assert why in refusal(Layers(file=file_layer(line, FILE)))


def test_a_removed_setting_in_a_file_is_ignored_and_reported() -> None:
    loaded = from_file("stop_stale_s = 3\nmax_positions = 2")
    assert loaded.settings.max_positions == 2
    (text,) = loaded.removed
    assert text.startswith("stop_stale_s, removed in 0.2 (")


def test_a_removed_setting_on_the_command_line_is_refused() -> None:
    flags = flag_layer({}, ["stop_stale_s=3"])
    assert "removed in 0.2, it had no effect: delete it" in refusal(Layers(flags=flags))


def test_bounds_are_inclusive() -> None:
    assert from_file("position_cap_pct = 0.1").settings.position_cap_pct == Decimal("0.1")
    assert from_file("position_cap_quote = 10_000").settings.position_cap_quote == 10_000


@settings(max_examples=150)
@given(st.sampled_from(sorted(TABLE)), st.text(max_size=30))
def test_any_text_is_accepted_within_the_bounds_or_refused_with_its_name(name: str, text: str) -> None:
    layers = Layers(environment=environment_layer({PREFIX + name.upper(): text}))
    try:
        loaded = load(layers)
    except SettingsError:
        told = refusal(layers)
        assert name in told
        assert told.replace("\n", "").isprintable()
        return
    limits = TABLE[name].allowed.split(" to ")
    if len(limits) == 2:
        assert Decimal(limits[0]) <= Decimal(loaded.settings.text(name)) <= Decimal(limits[1])


SECRET = "mx0vglQ7rTz81KpLmN"


@pytest.mark.parametrize(
    "name", ["api_key", "MEXC_SECRET", "secret-key", "Password", "listen_key", "bot_token"]
)
def test_a_secret_is_refused_by_name_and_never_shown(name: str) -> None:
    told = refusal(Layers(file=file_layer(f"{name} = 'open sesame'", FILE)))
    assert "secrets are never settings" in told
    assert "keys set" in told
    assert "sesame" not in told


@pytest.mark.parametrize("value", [SECRET, "0123456789abcdef" * 2, "A" * 40])
@pytest.mark.parametrize("name", ["theme", "colour", "deny_symbols"])
def test_a_misplaced_secret_is_refused_by_its_format_and_never_shown(name: str, value: str) -> None:
    for layers in (
        Layers(file=file_layer(f"{name} = '{value}'", FILE)),
        Layers(environment=environment_layer({PREFIX + name.upper(): value})),
        Layers(flags=flag_layer({}, [f"{name}={value}"])),
    ):
        told = refusal(layers)
        assert "secrets are never settings" in told
        assert value not in told


def test_a_flag_without_an_assignment_is_not_echoed() -> None:
    with pytest.raises(UnreadableSettings) as error:
        flag_layer({}, [SECRET])
    assert SECRET not in str(error.value)


def test_a_scenario_overrides_in_practice_mode_only() -> None:
    scenario = scenario_layer({"cooldown_s": 0, "symbols_poll_near_s": 2.5}, "listing-day")
    practice = load(Layers(scenario=scenario))
    assert (practice.settings.cooldown_s, practice.settings.symbols_poll_near_s) == (0, 2.5)
    assert practice.overrides == ("cooldown_s", "symbols_poll_near_s")
    for mode in ("paper", "live"):
        other = load(Layers(flags=flag_layer({"mode": mode}), scenario=scenario))
        assert (other.settings.cooldown_s, other.overrides) == (3_600, ())


def test_a_user_s_value_takes_precedence_over_a_scenario() -> None:
    scenario = scenario_layer({"cooldown_s": 0, "time_stop_s": 60}, "listing-day")
    loaded = load(Layers(file=file_layer("cooldown_s = 120", FILE), scenario=scenario))
    assert (loaded.settings.cooldown_s, loaded.settings.time_stop_s, loaded.overrides) == (
        120,
        60,
        ("time_stop_s",),
    )


@pytest.mark.parametrize("name", shipped())
def test_every_built_in_scenario_overrides_with_allowed_values(name: str) -> None:
    scenario = scenario_layer(load_scenario(name).settings, name)
    assert set(load(Layers(scenario=scenario)).overrides) == set(scenario.values)


def test_a_scenario_cannot_override_the_mode() -> None:
    assert "a scenario cannot override it" in refusal(
        Layers(scenario=scenario_layer({"mode": "live"}, "bad"))
    )


def test_the_config_hash_covers_deciding_settings_only() -> None:
    usual = NOTHING.config_hash
    assert from_file("theme = 'light'\nhttp_total_s = 20").settings.config_hash == usual
    assert from_file("stop_loss_pct = 10.00").settings.config_hash == usual
    assert from_file("stop_loss_pct = 11").settings.config_hash != usual
    assert from_environment(LADDER="30.0@10,40@20.00,30@30").settings.config_hash == usual
    assert len(usual) == 16


@given(ANY_LONE_SETTING)
def test_the_config_hash_differs_exactly_when_a_deciding_value_does(pair: tuple[str, object]) -> None:
    name, value = pair
    changed = from_file(f"{name} = {toml_of(value)}").settings
    differs = TABLE[name].decides and changed.text(name) != NOTHING.text(name)
    assert (changed.config_hash != NOTHING.config_hash) == differs


def test_a_missing_file_is_an_empty_layer(tmp_path: Path) -> None:
    assert read_file(tmp_path / "settings.toml") == Layer.empty()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"mode = ", "is not TOML"),
        (b"x = " + b"[" * 9_000, "is not TOML"),
        (b"x = " + b"1" * 9_000, "is not TOML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"#" * 1_000_001, "larger than"),
    ],
)
def test_an_invalid_file_is_reported_by_name(tmp_path: Path, raw: bytes, why: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_bytes(raw)
    with pytest.raises(SettingsError, match=why) as error:
        read_file(file)
    assert str(file) in str(error.value)


def test_a_folder_instead_of_the_file_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Cannot read"):
        read_file(tmp_path)


def test_the_order_of_values_does_not_matter() -> None:
    lines = ["max_positions = 5", "theme = 'light'", "stop_loss_pct = 20", "trailing = true"]
    random.Random(4).shuffle(lines)
    assert from_file("\n".join(lines)).settings == from_file("\n".join(sorted(lines))).settings
