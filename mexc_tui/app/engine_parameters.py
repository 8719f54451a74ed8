"""Builds the engine's parameters: callables without arguments that read the active settings."""

from collections.abc import Callable
from typing import TypeVar

from mexc_tui.app.settings_mapping import detection_settings, poll_parameters, retention, supervisor_limits
from mexc_tui.app.trading_settings_mapping import (
    entry_parameters,
    exit_bounds,
    live_parameters,
    reconcile_parameters,
    safety_parameters,
)
from mexc_tui.engine.parts import EngineParameters, TradingParameters
from mexc_tui.settings.all_settings import Settings

Parameters = TypeVar("Parameters")


def engine_parameters(current: Callable[[], Settings]) -> EngineParameters:
    """Return the parameters of an engine; `current` returns the active settings."""

    def of(make: Callable[[Settings], Parameters]) -> Callable[[], Parameters]:
        return lambda: make(current())

    return EngineParameters(
        detection=of(detection_settings),
        polls=of(poll_parameters),
        supervisor=supervisor_limits(current()),
        trading=TradingParameters(
            reconcile=of(reconcile_parameters),
            entry=of(entry_parameters),
            safety=of(safety_parameters),
            live=of(live_parameters),
            exits=exit_bounds(),
            window_ms=of(lambda settings: settings.recv_window_order_ms),
        ),
        keep=of(retention),
        near_before_ms=of(lambda settings: settings.near_before_s * 1_000),
        detection_pass_s=of(lambda settings: settings.detection_pass_s),
        clock_resync_s=of(lambda settings: (settings.clock_resync_s, settings.clock_resync_opening_s)),
        alert_evaluate_s=of(lambda settings: settings.alert_evaluate_s),
    )
