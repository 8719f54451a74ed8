"""Maps settings to the parameters of the trading components."""

import re
from decimal import Decimal

from mexc_tui.app.exchange_settings_mapping import socket_timings
from mexc_tui.app.settings_mapping import cached_for_settings
from mexc_tui.engine.accounting.reconciler import ReconcileParameters
from mexc_tui.engine.entries.entry_context import EntryParameters
from mexc_tui.engine.safety.live_unlock import LiveParameters
from mexc_tui.engine.safety.risk_monitor import RiskMonitorParameters
from mexc_tui.engine.safety.safety import SafetyParameters
from mexc_tui.model.mode import Mode
from mexc_tui.model.policy import OnCritical
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.risk.candidate import RiskLimits
from mexc_tui.risk.grading import RiskRules
from mexc_tui.risk.tightening import TighteningRules
from mexc_tui.settings.all_settings import TABLE, Settings
from mexc_tui.sniping.exit_edit import ExitBounds
from mexc_tui.sniping.plan import FireRules
from mexc_tui.sniping.request import ArmRules
from mexc_tui.sniping.sizing import SizeRules

MS = 1_000


def live_parameters(settings: Settings) -> LiveParameters:
    """Return how long live trading stays unlocked."""
    return LiveParameters(settings.unlock_hours)


def exit_bounds() -> ExitBounds:
    """Return the bounds for exits of an open position: those of the settings for new positions."""
    return ExitBounds(
        trailing_after=_bounds("trailing_after_pct"),
        trailing_distance=_bounds("trailing_distance_pct"),
        time_stop_s=_bounds("time_stop_s"),
    )


def _bounds(name: str) -> tuple[Decimal, Decimal]:
    bounds = TABLE[name].bounds
    assert bounds is not None
    return bounds


@cached_for_settings
def reconcile_parameters(settings: Settings) -> ReconcileParameters:
    """Return the reconciliation interval, and the thresholds of differences."""
    return ReconcileParameters(
        every_s=settings.reconcile_s,
        steps=settings.reconcile_steps_quote,
        explained_below=settings.explained_below_quote,
        recv_window_ms=settings.recv_window_order_ms,
    )


@cached_for_settings
def entry_parameters(settings: Settings) -> EntryParameters:
    """Return the rules of entries: arming, limits, sizing, firing and exit plan."""
    return EntryParameters(
        mode=settings.mode,
        arming=arm_rules(settings),
        limits=risk_limits(settings),
        sizing=size_rules(settings),
        fire=fire_rules(settings),
        plan=exit_plan(settings),
        config_hash=settings.config_hash,
        clock_age_s=2.0 * settings.clock_resync_s,
        silent_ms=int(socket_timings(settings).silence_s * MS),
    )


def arm_rules(settings: Settings) -> ArmRules:
    """Return which signals may arm a snipe."""
    return ArmRules(
        auto_arm=settings.auto_arm,
        arm_outcomes=settings.arm_outcomes,
        min_probability=settings.min_probability,
        detectors=settings.armed_detectors,
        categories=settings.armed_categories,
        require_calendar=settings.require_calendar,
        require_bound_key=settings.require_bound_key,
        advance_ms=settings.advance_s * MS,
        allow=tuple(map(re.compile, settings.allow_symbols)),
        deny=tuple(map(re.compile, settings.deny_symbols)),
        order_min_quote=settings.order_min_quote,
        late_ms=settings.entry_window_ms,
    )


def risk_limits(settings: Settings) -> RiskLimits:
    """Return the pre-trade limits; in live mode at most the live caps."""
    is_live = settings.mode is Mode.LIVE
    trades_day = (
        min(settings.max_trades_day, settings.live_trades_day) if is_live else settings.max_trades_day
    )
    return RiskLimits(
        max_positions=settings.max_positions,
        max_snipes=settings.max_snipes,
        max_trades_hour=settings.max_trades_hour,
        max_trades_day=trades_day,
        position_cap_quote=_position_cap(settings),
        position_cap_pct=settings.position_cap_pct,
        exposure_cap_pct=settings.exposure_cap_pct,
        exposure_cap_quote=settings.live_exposure_cap_quote if is_live else None,
        daily_loss_pct=settings.daily_loss_halt_pct,
        drawdown_pct=settings.drawdown_halt_pct,
        losses_pause=settings.losses_pause,
        losses_pause_s=settings.losses_pause_s,
        losses_halt=settings.losses_halt,
        cooldown_s=settings.cooldown_s,
        premium_pct=settings.premium_cap_pct,
        slippage_pct=settings.slippage_cap_pct,
        overlap_ms=settings.entry_window_ms,
        clock_offset_ms=settings.clock_refuse_ahead_ms,
    )


def size_rules(settings: Settings) -> SizeRules:
    """Return the sizing rules of entries."""
    return SizeRules(
        sizing=settings.sizing,
        fixed_quote=settings.position_quote,
        equity_pct=settings.position_equity_pct,
        risk_pct=settings.position_risk_pct,
        cap_quote=_position_cap(settings),
        cap_pct=settings.position_cap_pct,
        order_min_quote=settings.order_min_quote,
    )


def _position_cap(settings: Settings) -> Decimal:
    cap = settings.position_cap_quote
    return min(cap, settings.live_position_cap_quote) if settings.mode is Mode.LIVE else cap


def fire_rules(settings: Settings) -> FireRules:
    """Return timing, attempts and price bounds of an entry."""
    return FireRules(
        early_ms=settings.entry_early_ms,
        window_ms=settings.entry_window_ms,
        attempts=settings.entry_attempts,
        validity_ms=settings.entry_validity_ms,
        premium_pct=settings.premium_cap_pct,
        slippage_pct=settings.slippage_cap_pct,
        calls_per_s=settings.order_calls_per_s,
    )


def exit_plan(settings: Settings) -> ExitPlan:
    """Return the exit plan of a new position."""
    return ExitPlan(
        stop_loss_pct=settings.stop_loss_pct,
        ladder=settings.ladder,
        confirm_ms=settings.stop_confirm_ms,
        confirm_trades=settings.stop_confirm_trades,
        at_once_factor=settings.stop_at_once_factor,
        trailing=settings.trailing,
        trailing_after_pct=settings.trailing_after_pct,
        trailing_distance_pct=settings.trailing_distance_pct,
        break_even_rung=settings.break_even_rung,
        break_even_slippage_pct=settings.break_even_slippage_pct,
        time_stop_s=settings.time_stop_s,
        slippage_pct=settings.flatten_slippage_pct,
    )


@cached_for_settings
def safety_parameters(settings: Settings) -> SafetyParameters:
    """Return the rules of the risk monitor, and what happens to positions when the engine stops."""
    return SafetyParameters(
        risk_monitor=RiskMonitorParameters(
            rules=risk_rules(settings), reconcile_ms=settings.reconcile_s * MS
        ),
        tightening=TighteningRules(
            step_pct=settings.guard_tighten_pct, lasts_ms=settings.guard_tighten_s * MS
        ),
        stale_ms=int(settings.price_stale_s * MS),
        on_stop=settings.on_stop,
    )


def risk_rules(settings: Settings) -> RiskRules:
    """Return the warning and critical levels of the risk monitor."""
    return RiskRules(
        daily_loss_pct=settings.daily_loss_halt_pct,
        drawdown_pct=settings.drawdown_halt_pct,
        losses_halt=settings.losses_halt,
        medium_pct=settings.guard_medium_pct,
        high_pct=settings.guard_high_pct,
        trim_pct=settings.guard_trim_pct,
        exposure_pct=settings.exposure_cap_pct,
        flattens=flattens(settings),
    )


def flattens(settings: Settings) -> bool:
    """Whether a critical finding sells open positions: as configured; if unset, not in live mode."""
    if settings.on_critical is OnCritical.UNSET:
        return settings.mode is not Mode.LIVE
    return settings.on_critical is OnCritical.FLATTEN
