"""Settings of money: what is bought, how much of it, when it is sold, and what stops it all.

Bounds here are the hard caps: no file, variable, flag or screen goes beyond them.
"""

from decimal import Decimal

from mexc_tui.model.mode import Mode
from mexc_tui.model.policy import AutoArm, OnCritical, OnStop, Rung, Sizing
from mexc_tui.model.signal import DetectorName
from mexc_tui.settings.row import (
    Amount,
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
    """What the engine is for."""

    title = "Start"

    mode: Mode = row(
        Mode.PRACTICE, "Where market data comes from and orders go; live is unlocked by hand.", restart=True
    )
    unlock_hours: Count = row(
        12, "How long live trading stays unlocked once a person has unlocked it.", unit="h", low=1, high=72
    )
    paper_balance_quote: Amount = row(
        Decimal(1_000), "What a new paper account holds.", unit="USDT", low=1, high=1_000_000, restart=True
    )
    paper_delay_ms: Count = row(
        50,
        "How long the way to the paper exchange and back is; half of it lies before a match.",
        unit="ms",
        low=0,
        high=5_000,
        restart=True,
    )


class ArmingSettings(Group):
    """Which signals may become snipes."""

    title = "Arming"

    auto_arm: AutoArm = row(AutoArm.PRACTICE, "Where signals arm snipes without a person.")
    arm_outcomes: Count = row(
        100, "Recorded outcomes that automatic arming needs in paper and live.", low=100, high=100_000
    )
    min_probability: Ratio = row(0.8, "Least calibrated probability of a signal that arms.", low=0, high=1)
    armed_detectors: Detectors = row((DetectorName.READY_STATE,), "Detectors whose signals may arm.")
    require_calendar: Switch = row(True, "Arm only what the calendar confirms.")
    advance_s: Count = row(
        12_600, "How long before an opening the launch sequence counts.", unit="s", low=0, high=2_592_000
    )
    allow_symbols: Patterns = row((), "Only symbols that match one of these are traded; empty: all.")
    deny_symbols: Patterns = row((), "Symbols that match one of these are never traded.")


class Size(Group):
    """How much is bought."""

    title = "Size"

    sizing: Sizing = row(Sizing.FIXED, "By a fixed amount, a share of equity, or the risk at the stop.")
    position_quote: Amount = row(
        Decimal(10), "Value of a position when sizing is fixed.", unit="USDT", low=1, high=10_000
    )
    position_equity_pct: Amount = row(
        Decimal(1), "Share of equity when sizing is equity.", unit="%", low=0.01, high=20
    )
    position_risk_pct: Amount = row(
        Decimal("0.5"), "Share of equity lost at the stop when sizing is risk.", unit="%", low=0.01, high=5
    )
    position_cap_quote: Amount = row(
        Decimal(100), "No position is larger, however it was sized.", unit="USDT", low=1, high=10_000
    )
    order_min_quote: Amount = row(
        Decimal(1), "Smallest order; the exchange's own minimum holds too.", unit="USDT", low=1, high=1_000
    )


class RiskSettings(Group):
    """Limits before a trade, and when trading stops."""

    title = "Risk"

    max_positions: Count = row(3, "Open positions at once.", low=1, high=50)
    max_snipes: Count = row(1, "Snipes that fire at once.", low=1, high=10)
    max_trades_hour: Count = row(5, "Entries within an hour.", low=1, high=100)
    max_trades_day: Count = row(10, "Entries within a day.", low=1, high=1_000)
    position_cap_pct: Amount = row(
        Decimal(5), "Largest position, of equity with cash and reserves.", unit="%", low=0.1, high=100
    )
    exposure_cap_pct: Amount = row(
        Decimal(20), "Largest sum of positions and reservations, of equity.", unit="%", low=0.1, high=100
    )
    daily_loss_halt_pct: Amount = row(
        Decimal(2), "Loss of a day that halts trading, of equity.", unit="%", low=0.1, high=50
    )
    drawdown_halt_pct: Amount = row(
        Decimal(10), "Fall from the highest equity that halts trading.", unit="%", low=0.1, high=80
    )
    losses_pause: Count = row(3, "Losses in a row that pause entries.", low=1, high=100)
    losses_pause_s: Count = row(3_600, "How long they pause.", unit="s", low=0, high=604_800)
    losses_halt: Count = row(5, "Losses in a row that halt until a person resumes.", low=1, high=100)
    cooldown_s: Count = row(
        3_600, "No new entry in a symbol so long after its exit.", unit="s", low=0, high=604_800
    )
    guard_medium_pct: Amount = row(
        Decimal(50), "Share of a halting limit that makes a warning medium: trim.", unit="%", low=1, high=100
    )
    guard_high_pct: Amount = row(
        Decimal(75), "Share of a halting limit that makes a warning high: close.", unit="%", low=1, high=100
    )
    guard_trim_pct: Amount = row(
        Decimal(30), "Part of each position that a medium warning sells.", unit="%", low=1, high=100
    )
    guard_tighten_pct: Amount = row(
        Decimal(50), "Each warning lowers the limits of entries by this much.", unit="%", low=1, high=90
    )
    guard_tighten_s: Count = row(
        14_400, "How long lowered limits last after the last warning.", unit="s", low=60, high=604_800
    )
    on_critical: OnCritical = row(
        OnCritical.UNSET,
        "What a critical finding does with positions; unset: flatten in practice and paper, halt in live.",
    )


class EntrySettings(Group):
    """Firing at an opening."""

    title = "Entry"

    entry_early_ms: Count = row(20, "First attempt so long before the opening.", unit="ms", low=0, high=1_000)
    entry_window_ms: Count = row(
        5_000, "Last attempt so long after the opening.", unit="ms", low=100, high=60_000
    )
    entry_attempts: Count = row(20, "Attempts of one snipe.", low=1, high=20)
    entry_validity_ms: Count = row(
        500,
        "What is left of an entry goes on so long after the price ran away.",
        unit="ms",
        low=0,
        high=60_000,
    )
    premium_cap_pct: Amount = row(
        Decimal(25), "Highest entry price over the reference.", unit="%", low=0, high=500
    )
    slippage_cap_pct: Amount = row(
        Decimal(3), "Highest slippage by walking the book.", unit="%", low=0.1, high=50
    )
    recv_window_order_ms: Count = row(
        2_000,
        "How long the exchange may take orders after their timestamp.",
        unit="ms",
        low=100,
        high=60_000,
        restart=True,
    )
    recv_window_ms: Count = row(
        5_000, "The same for other requests.", unit="ms", low=100, high=60_000, restart=True
    )


class Exit(Group):
    """Protecting and closing a position."""

    title = "Exit"

    stop_loss_pct: Amount = row(
        Decimal(10), "Stop below the entry, for new positions.", unit="%", low=2, high=50
    )
    stop_confirm_ms: Count = row(
        200, "A stop is confirmed so long after its first touch.", unit="ms", low=0, high=10_000
    )
    stop_confirm_trades: Count = row(3, "Or by trades of so many orders, at least two.", low=1, high=100)
    stop_at_once_factor: Amount = row(
        Decimal(2), "At once when two prices are so many stop distances away.", unit="×", low=1, high=10
    )
    ladder: Ladder = row(
        tuple(Rung(Decimal(share), Decimal(gain)) for share, gain in ((30, 10), (40, 20), (30, 30))),
        "Take-profits: sell this share of a position at this gain.",
        unit="%",
    )
    trailing: Switch = row(False, "Follow the price with the stop.")
    trailing_after_pct: Amount = row(
        Decimal(20), "Trailing begins at this gain.", unit="%", low=0, high=1_000
    )
    trailing_distance_pct: Amount = row(
        Decimal(15), "Distance of a trailing stop below the highest price.", unit="%", low=1, high=90
    )
    break_even_rung: Count = row(
        0, "Move the stop to break-even after this rung of the ladder; 0: never.", low=0, high=6
    )
    break_even_slippage_pct: Amount = row(
        Decimal("0.5"), "Slippage of the sale that break-even covers beside fees.", unit="%", low=0, high=10
    )
    time_stop_s: Count = row(
        3_600, "Close a position after this time; 0: never.", unit="s", low=0, high=2_592_000
    )
    flatten_slippage_pct: Amount = row(
        Decimal(10), "Lowest price when flattening, below the bid.", unit="%", low=0.5, high=50
    )
    on_stop: OnStop = row(OnStop.HOLD, "What a stopping engine does with open positions.")


class LedgerSettings(Group):
    """Agreement with the exchange's books."""

    title = "Books"

    reconcile_s: Count = row(60, "Compare books with the exchange so often.", unit="s", low=10, high=3_600)
    reconcile_steps_quote: Steps = row(
        (Decimal(1), Decimal(10), Decimal(100)),
        "Differences from these values on are a warning, an error, critical.",
        unit="USDT",
    )
    explained_below_quote: Amount = row(
        Decimal(1), "Explained fees and dust below this are put right unasked.", unit="USDT", low=0, high=10
    )
