"""Components get their parameters from the settings, and both have the same defaults."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.app.exchange_settings_mapping import client_limits, socket_timings
from mexc_tui.app.settings_mapping import (
    cache_lifetimes,
    detection_settings,
    poll_parameters,
    store_limits,
    supervisor_limits,
)
from mexc_tui.app.trading_settings_mapping import entry_parameters
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.runtime.supervisor import SupervisorLimits
from mexc_tui.exchange.limits.budget import DEFAULT_LANES, LaneName
from mexc_tui.exchange.limits.clock_offset import OffsetLimits
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.model.listing import Triple
from mexc_tui.model.outcome import Purpose
from mexc_tui.settings.all_settings import Settings
from mexc_tui.settings.layers import file_layer
from mexc_tui.settings.load import Layers, load
from mexc_tui.store.caches.level import Lifetimes
from mexc_tui.store.sqlite.connections import StoreLimits as StoreLimits

DEFAULTS = Settings.of()


def with_settings(text: str) -> Settings:
    return load(Layers(file=file_layer(text, "settings.toml"))).settings


def test_default_settings_equal_the_defaults_of_the_components() -> None:
    limits = client_limits(DEFAULTS)
    assert limits.budget is not None
    assert limits.budget.lanes == DEFAULT_LANES
    assert limits.offset == OffsetLimits()
    assert socket_timings(DEFAULTS) == SocketTimings()
    assert store_limits(DEFAULTS) == StoreLimits()
    assert cache_lifetimes(DEFAULTS) == Lifetimes(memory_ms=5_000, database_ms=300_000)
    assert supervisor_limits(DEFAULTS) == SupervisorLimits()
    assert detection_settings(DEFAULTS) == DetectionSettings(config_hash=DEFAULTS.config_hash)


def test_every_mapped_parameter_follows_its_setting() -> None:
    changed = with_settings(
        "clock_warn_error_ms = 100\nstream_ping_s = 10\nquery_deadline_s = 2\nstore_busy_s = 1\n"
        "cache_memory_s = 2.5\nworker_failures = 7\nready_triple = '1/2/3'\nwide_spread_pct = 10\n"
        "advance_s = 60\nmaturity_s = 30\napi_grace_s = 20\n"
    )
    limits = client_limits(changed)
    assert limits.offset is not None
    assert limits.offset.warn_error_ms == 100
    assert socket_timings(changed).ping_every_s == 10
    assert (store_limits(changed).deadline_s, store_limits(changed).busy_timeout_s) == (2, 1)
    assert cache_lifetimes(changed).memory_ms == 2_500
    assert supervisor_limits(changed).degraded_failures == 7
    detection = detection_settings(changed)
    assert (detection.ready_triple, detection.wide_spread, detection.advance_ms) == (
        Triple(1, 2, 3),
        0.1,
        60_000,
    )
    assert (detection.maturity_ms, detection.label.horizon_ms, detection.api_grace_ms) == (
        30_000,
        30_000,
        20_000,
    )


@pytest.mark.parametrize("calls", [1, 2, 6, 12])
@pytest.mark.parametrize("weight", [50, 300, 500])
@pytest.mark.parametrize("reserve", [10, 20, 80])
def test_exits_keep_a_reserve_and_entries_a_share_for_any_limits(
    calls: int, weight: int, reserve: int
) -> None:
    changed = with_settings(
        f"order_calls_per_s = {calls}\nweight_per_10s = {weight}\nexit_reserve_pct = {reserve}\n"
    )
    limits = client_limits(changed)
    assert limits.budget is not None
    lanes = {lane.name: lane for lane in limits.budget.lanes}
    assert (lanes[LaneName.ORDERS].limit, lanes[LaneName.WEIGHT].limit) == (calls, weight)
    for lane in lanes.values():
        assert 0 <= lane.reserve < lane.limit
        assert lane.cap(Purpose.ORDINARY) >= 1
        assert lane.cap(Purpose.ENTRY) >= lane.cap(Purpose.ORDINARY)
    assert lanes[LaneName.WEIGHT].reserve >= weight * 0.2


def test_a_reserve_larger_than_the_default_is_applied() -> None:
    limits = client_limits(with_settings("exit_reserve_pct = 50"))
    assert limits.budget is not None
    assert {lane.name: lane.reserve for lane in limits.budget.lanes}[LaneName.ORDERS] == 6


@given(
    weight=st.integers(50, 500),
    reserve_pct=st.integers(10, 80),
    clock_s=st.integers(1, 60),
    books_s=st.integers(10, 3_600),
)
def test_polls_clock_and_reconciliations_fit_the_remaining_budget(
    weight: int, reserve_pct: int, clock_s: int, books_s: int
) -> None:
    settings = with_settings(
        f"weight_per_10s = {weight}\nexit_reserve_pct = {reserve_pct}\n"
        f"clock_resync_opening_s = {clock_s}\nclock_resync_s = 60\nreconcile_s = {books_s}\n"
    )
    budget = client_limits(settings).budget
    assert budget is not None
    (lane,) = (one for one in budget.lanes if one.name is LaneName.WEIGHT)
    room = lane.cap(Purpose.ORDINARY) * 10 / (lane.window_s + lane.margin_s)
    others = 10 * 10 / clock_s + 16 * 10 / books_s
    polls = poll_parameters(settings).weight_per_10s
    assert polls == 1 or (polls + others <= room and polls <= weight / 2)


def test_by_default_polls_may_use_half_of_the_weight() -> None:
    assert poll_parameters(DEFAULTS).weight_per_10s == 150


def test_live_caps_limit_live_trading_only_and_only_lower_other_limits() -> None:
    live = entry_parameters(with_settings("mode = 'live'"))
    assert (live.limits.position_cap_quote, live.sizing.cap_quote) == (20, 20)
    assert (live.limits.max_trades_day, live.limits.exposure_cap_quote) == (3, 60)
    raised = entry_parameters(
        with_settings(
            "mode = 'live'\nlive_position_cap_quote = 500\nlive_exposure_cap_quote = 900\n"
            "live_trades_day = 50\n"
        )
    )
    assert (raised.limits.position_cap_quote, raised.sizing.cap_quote) == (100, 100)
    assert (raised.limits.max_trades_day, raised.limits.exposure_cap_quote) == (10, 900)
    practice = entry_parameters(DEFAULTS)
    assert (practice.limits.position_cap_quote, practice.limits.max_trades_day) == (100, 10)
    assert practice.limits.exposure_cap_quote is None
