"""Builds the engine's parameters: callables without arguments that read the settings in force."""

from collections.abc import Callable
from typing import TypeVar

from mexc_tui.app.settings_mapping import detection_settings, kept, poll_numbers, supervisor_limits
from mexc_tui.app.trading_settings_mapping import (
    entry_numbers,
    exit_bounds,
    live_numbers,
    reconcile_numbers,
    safety_numbers,
)
from mexc_tui.engine.engine import EngineParameters
from mexc_tui.engine.trading import TradingParameters
from mexc_tui.settings.table import Settings

Numbers = TypeVar("Numbers")


def engine_parameters(current: Callable[[], Settings]) -> EngineParameters:
    """Return the parameters of an engine; `current` returns the settings in force."""

    def of(make: Callable[[Settings], Numbers]) -> Callable[[], Numbers]:
        return lambda: make(current())

    return EngineParameters(
        detection=of(detection_settings),
        polls=of(poll_numbers),
        supervisor=supervisor_limits(current()),
        trading=TradingParameters(
            reconcile=of(reconcile_numbers),
            entry=of(entry_numbers),
            safety=of(safety_numbers),
            live=of(live_numbers),
            exits=exit_bounds(),
            window_ms=of(lambda settings: settings.recv_window_order_ms),
        ),
        keep=of(kept),
        near_before_ms=of(lambda settings: settings.near_before_s * 1_000),
        detection_pass_s=of(lambda settings: settings.detection_pass_s),
        clock_resync_s=of(lambda settings: (settings.clock_resync_s, settings.clock_resync_opening_s)),
        alert_evaluate_s=of(lambda settings: settings.alert_evaluate_s),
    )
