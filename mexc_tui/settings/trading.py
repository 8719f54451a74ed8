"""Settings of trading: mode, arming, size, risk limits, entries, exits and reconciliation.

The bounds are hard caps: no file, variable, flag or screen can exceed them.
"""

from decimal import Decimal

from mexc_tui.model.listing import ListingCategory
from mexc_tui.model.mode import Mode
from mexc_tui.model.policy import AutoArm, OnCritical, OnStop, Rung, Sizing
from mexc_tui.model.signal import DetectorName
from mexc_tui.settings.declaration import (
    Amount,
    Categories,
    Count,
    Detectors,
    Group,
    Ladder,
    Patterns,
    Ratio,
    Steps,
    Switch,
    row,
)


class Start(Group):
    """Mode and paper account."""

    title = "Start"

    mode: Mode = row(
        Mode.PRACTICE,
        "Trade on the practice exchange, on paper or live; live also needs an unlock.",
        restart=True,
    )
    unlock_hours: Count = row(
        12, "Lock live trading again this long after an unlock.", unit="h", low=1, high=72
    )
    paper_balance_quote: Amount = row(
        Decimal(1_000),
        "Start a new paper account with this balance.",
        unit="USDT",
        low=1,
        high=1_000_000,
        restart=True,
    )
    paper_delay_ms: Count = row(
        50,
        "Simulate this round trip to the paper exchange; half of it passes before matching.",
        unit="ms",
        low=0,
        high=5_000,
        restart=True,
    )


class ArmingSettings(Group):
    """Automatic arming of snipes by signals."""

    title = "Arming"

    auto_arm: AutoArm = row(AutoArm.PRACTICE, "Arm snipes automatically in these modes.")
    arm_outcomes: Count = row(
        100,
        "Require this many recorded outcomes before automatic arming in paper and live.",
        low=100,
        high=100_000,
    )
    min_probability: Ratio = row(
        0.8, "Arm only signals of at least this calibrated probability.", low=0, high=1
    )
    armed_detectors: Detectors = row((DetectorName.READY_STATE,), "Arm only signals of these detectors.")
    armed_categories: Categories = row(
        (ListingCategory.COIN,), "Arm only listings of these categories; arming manually is not limited."
    )
    require_calendar: Switch = row(True, "Arm only listings that the calendar confirms.")
    require_bound_key: Switch = row(False, "In live mode, buy only with a key that is bound to IP addresses.")
    advance_s: Count = row(
        12_600,
        "Arm, and evaluate the launch sequence, up to this long before an opening.",
        unit="s",
        low=0,
        high=2_592_000,
    )
    allow_symbols: Patterns = row((), "Trade only symbols that match one of these patterns; empty: all.")
    deny_symbols: Patterns = row((), "Never trade symbols that match one of these patterns.")


class Size(Group):
    """Size of positions."""

    title = "Size"

    sizing: Sizing = row(
        Sizing.FIXED, "Size positions by a fixed amount, a share of equity, or the risk at the stop-loss."
    )
    position_quote: Amount = row(
        Decimal(10), "Buy this value per position when sizing is fixed.", unit="USDT", low=1, high=10_000
    )
    position_equity_pct: Amount = row(
        Decimal(1), "Buy for this share of equity when sizing is equity.", unit="%", low=0.01, high=20
    )
    position_risk_pct: Amount = row(
        Decimal("0.5"),
        "Risk this share of equity at the stop-loss when sizing is risk.",
        unit="%",
        low=0.01,
        high=5,
    )
    position_cap_quote: Amount = row(
        Decimal(100),
        "Limit every position to this value, for any sizing.",
        unit="USDT",
        low=1,
        high=10_000,
    )
    order_min_quote: Amount = row(
        Decimal(1),
        "Place no smaller order; the exchange's own minimum also applies.",
        unit="USDT",
        low=1,
        high=1_000,
    )


class RiskSettings(Group):
    """Pre-trade limits, risk warnings and halts."""

    title = "Risk"

    max_positions: Count = row(3, "Hold at most this many open positions.", low=1, high=50)
    max_snipes: Count = row(1, "Fire at most this many snipes at once.", low=1, high=10)
    max_trades_hour: Count = row(5, "Make at most this many entries in an hour.", low=1, high=100)
    max_trades_day: Count = row(10, "Make at most this many entries in a day.", low=1, high=1_000)
    position_cap_pct: Amount = row(
        Decimal(5),
        "Limit a position to this share of equity (cash and reservations included).",
        unit="%",
        low=0.1,
        high=100,
    )
    exposure_cap_pct: Amount = row(
        Decimal(20),
        "Limit positions and reservations together to this share of equity.",
        unit="%",
        low=0.1,
        high=100,
    )
    daily_loss_halt_pct: Amount = row(
        Decimal(2), "Halt entries at this daily loss, in % of equity.", unit="%", low=0.1, high=50
    )
    drawdown_halt_pct: Amount = row(
        Decimal(10), "Halt entries at this drawdown from peak equity.", unit="%", low=0.1, high=80
    )
    losses_pause: Count = row(3, "Pause entries after this many consecutive losses.", low=1, high=100)
    losses_pause_s: Count = row(
        3_600, "Pause entries for this time after consecutive losses.", unit="s", low=0, high=604_800
    )
    losses_halt: Count = row(
        5, "Halt entries after this many consecutive losses, until you resume.", low=1, high=100
    )
    cooldown_s: Count = row(
        3_600, "Refuse a new entry in a symbol for this time after its exit.", unit="s", low=0, high=604_800
    )
    guard_medium_pct: Amount = row(
        Decimal(50), "Warn at medium level (trim) at this share of a halt limit.", unit="%", low=1, high=100
    )
    guard_high_pct: Amount = row(
        Decimal(75), "Warn at high level (close) at this share of a halt limit.", unit="%", low=1, high=100
    )
    guard_trim_pct: Amount = row(
        Decimal(30), "Sell this part of each position on a medium warning.", unit="%", low=1, high=100
    )
    guard_tighten_pct: Amount = row(
        Decimal(50), "Lower the entry limits by this much on each warning.", unit="%", low=1, high=90
    )
    guard_tighten_s: Count = row(
        14_400, "Keep lowered limits for this time after the last warning.", unit="s", low=60, high=604_800
    )
    on_critical: OnCritical = row(
        OnCritical.UNSET,
        "Flatten or halt at a critical level; unset: flatten in practice and paper, halt in live.",
    )


class LiveCaps(Group):
    """Small caps of live trading, above all other limits: raise them on purpose."""

    title = "Live caps"

    live_position_cap_quote: Amount = row(
        Decimal(20),
        "In live mode, limit every position to this value.",
        unit="USDT",
        low=1,
        high=10_000,
    )
    live_exposure_cap_quote: Amount = row(
        Decimal(60),
        "In live mode, limit positions and reservations together to this value.",
        unit="USDT",
        low=1,
        high=100_000,
    )
    live_trades_day: Count = row(
        3, "In live mode, make at most this many entries in a day.", low=1, high=1_000
    )


class EntrySettings(Group):
    """Timing and price limits of entries."""

    title = "Entry"

    entry_early_ms: Count = row(
        20, "Send the first attempt this long before the opening.", unit="ms", low=0, high=1_000
    )
    entry_window_ms: Count = row(
        5_000, "Send no attempt later than this after the opening.", unit="ms", low=100, high=60_000
    )
    entry_attempts: Count = row(20, "Make at most this many attempts per snipe.", low=1, high=20)
    entry_validity_ms: Count = row(
        500,
        "Keep working the remainder of an entry for this time after the price moved away.",
        unit="ms",
        low=0,
        high=60_000,
    )
    premium_cap_pct: Amount = row(
        Decimal(25),
        "Limit the entry price to this premium over the reference price.",
        unit="%",
        low=0,
        high=500,
    )
    slippage_cap_pct: Amount = row(
        Decimal(3), "Limit the slippage of an entry against the order book.", unit="%", low=0.1, high=50
    )
    recv_window_order_ms: Count = row(
        2_000,
        "Have the exchange reject orders that arrive later than this (recvWindow).",
        unit="ms",
        low=100,
        high=60_000,
        restart=True,
    )
    recv_window_ms: Count = row(
        5_000,
        "Have the exchange reject other requests that arrive later than this (recvWindow).",
        unit="ms",
        low=100,
        high=60_000,
        restart=True,
    )


class Exit(Group):
    """Stops, take-profits and other exits."""

    title = "Exit"

    stop_loss_pct: Amount = row(
        Decimal(10), "Set the stop-loss of new positions this far below the entry.", unit="%", low=2, high=50
    )
    stop_confirm_ms: Count = row(
        200, "Confirm a stop-loss this long after its first touch.", unit="ms", low=0, high=10_000
    )
    stop_confirm_trades: Count = row(
        3, "Confirm a stop-loss by trades of this many different orders (at least two).", low=1, high=100
    )
    stop_at_once_factor: Amount = row(
        Decimal(2),
        "Confirm a stop-loss at once when two prices are this many stop distances away.",
        unit="×",
        low=1,
        high=10,
    )
    ladder: Ladder = row(
        tuple(Rung(Decimal(share), Decimal(gain)) for share, gain in ((30, 10), (40, 20), (30, 30))),
        "Take profits: sell this share of a position at this gain.",
        unit="%",
    )
    trailing: Switch = row(False, "Trail the stop-loss behind the price.")
    trailing_after_pct: Amount = row(
        Decimal(20), "Start the trailing stop at this gain.", unit="%", low=0, high=1_000
    )
    trailing_distance_pct: Amount = row(
        Decimal(15), "Keep the trailing stop this far below the high.", unit="%", low=1, high=90
    )
    break_even_rung: Count = row(
        0, "Move the stop to break-even after this rung of the ladder; 0: never.", low=0, high=6
    )
    break_even_slippage_pct: Amount = row(
        Decimal("0.5"),
        "Add this slippage, and fees, to the break-even price.",
        unit="%",
        low=0,
        high=10,
    )
    time_stop_s: Count = row(
        3_600, "Close a position after this time; 0: never.", unit="s", low=0, high=2_592_000
    )
    flatten_slippage_pct: Amount = row(
        Decimal(10), "Sell at most this far below the bid when flattening.", unit="%", low=0.5, high=50
    )
    on_stop: OnStop = row(OnStop.HOLD, "Hold or flatten open positions when the engine stops.")


class LedgerSettings(Group):
    """Reconciliation of the ledger with the exchange."""

    title = "Ledger"

    reconcile_s: Count = row(
        60, "Reconcile the ledger with the exchange at this interval.", unit="s", low=10, high=3_600
    )
    reconcile_steps_quote: Steps = row(
        (Decimal(1), Decimal(10), Decimal(100)),
        "Report differences of at least these amounts as warning, error and critical.",
        unit="USDT",
    )
    explained_below_quote: Amount = row(
        Decimal(1), "Correct explained fees and dust below this automatically.", unit="USDT", low=0, high=10
    )
