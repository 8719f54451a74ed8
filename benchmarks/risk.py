"""One candidate against every limit, with a full ledger; and one price against one position."""

from decimal import Decimal

from benchmarks.common import emit, interleaved, rows
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import Position, PositionState
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.verdict import refusals
from mexc_tui.risk.candidate import Candidate, HeldPosition, Reserved, RiskBook, RiskLimits
from mexc_tui.risk.entry_limits import check_entry
from mexc_tui.sniping.exit_decision import ExitHolding, decide, remember
from mexc_tui.sniping.rounding import Grid
from mexc_tui.sniping.stop_confirmation import Tick

NOW_MS = 1_790_000_000_000
ROUNDS, CALLS = 200, 20
D = Decimal


def full_book() -> RiskBook:
    """Return a ledger with ten positions, five reservations and a history of two busy days."""
    return RiskBook(
        equity=D(10_000),
        peak=D(10_100),
        free_cash=D(9_000),
        day_equity=D(10_050),
        held=tuple(HeldPosition(f"C{n}USDT", D(10)) for n in range(10)),
        reserved=tuple(
            Reserved(snipe_id=f"s{n}", symbol=f"R{n}USDT", amount=D(10), opens_ms=NOW_MS + n * 60_000)
            for n in range(1, 6)
        ),
        entries_ms=tuple(NOW_MS - n * 1_800_000 for n in range(100)),
        exits_ms=tuple((f"X{n}USDT", NOW_MS - n * 60_000) for n in range(100)),
        clock_offset_ms=3,
        clock_error_ms=5,
        stream_age_ms=40,
        weight_left=400,
        orders_left=10,
    )


def main() -> None:
    """Print one row for each."""
    book = full_book()
    limits = RiskLimits(max_positions=50, max_trades_hour=100, max_trades_day=1_000)
    asks = tuple((1 + n / 10_000, 50.0) for n in range(100))
    candidate = Candidate(
        symbol="NEWUSDT", spend=D(40), opens_ms=NOW_MS, price=D("1.1"), reference_price=D(1), asks=asks
    )
    assert not refusals(check_entry(candidate, book, limits, now_ms=NOW_MS))
    ladder = tuple(Rung(D(share), D(gain)) for share, gain in ((30, 10), (40, 20), (30, 30)))
    position = Position(
        id="p", symbol="NEWUSDT", base_asset="NEW", quote_asset="USDT", state=PositionState.OPEN,
        snipe_id="s", signal_id="g", config_hash="c", plan=ExitPlan(stop_loss_pct=D(10), ladder=ladder),
        opened_ms=NOW_MS, bought_quantity=D(100), bought_value=D(100), remaining=D(100),
        remaining_cost=D(100),
    )  # fmt: skip
    grid = Grid(
        price_tick=D("0.00001"),
        quantity_step=D("0.01"),
        min_quantity=D(0),
        min_value=D(1),
        max_value=None,
        min_value_market=D(1),
        max_value_market=None,
        maker_fee=D(0),
        taker_fee=D("0.0005"),
    )
    holding, memory = ExitHolding(position=position, grid=grid, free=D(100)), remember(position)
    quiet, crash = Tick(price=D("1.02"), at_ms=NOW_MS), Tick(price=D("0.7"), at_ms=NOW_MS)
    touched = decide(holding, memory, crash, now_ms=NOW_MS).memory
    checks = interleaved(
        {
            "one candidate": lambda: [
                check_entry(candidate, book, limits, now_ms=NOW_MS) for _ in range(CALLS)
            ]
        },
        rounds=ROUNDS,
        calls=CALLS,
    )
    ticks = interleaved(
        {
            "a quiet price": lambda: [decide(holding, memory, quiet, now_ms=NOW_MS) for _ in range(CALLS)],
            "a price that stops": lambda: [
                decide(holding, touched, crash, now_ms=NOW_MS) for _ in range(CALLS)
            ],
        },
        rounds=ROUNDS,
        calls=CALLS,
    )
    emit(rows("risk check of one candidate", checks, base="one candidate"))
    emit(rows("exit decision for one position", ticks, base="a quiet price"))


if __name__ == "__main__":
    main()
