"""A position of ten coins bought at two, with a stop, a ladder and a resting take-profit."""

from decimal import Decimal as D

import msgspec

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.engine.views.trading_rows import BidQuote, RowContext, SymbolPrecision
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import LedgerAccount, Position, PositionState
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.sniping.rounding import Grid
from tests.support.samples import trading_samples as samples

PROBE_FRESH_MS = 1_800_014_400_123
GRID = Grid(
    price_tick=D("0.01"),
    quantity_step=D("0.1"),
    min_quantity=D("0.1"),
    min_value=D(1),
    max_value=None,
    min_value_market=D(1),
    max_value_market=None,
    maker_fee=D(0),
    taker_fee=D("0.001"),
)
PLAN = ExitPlan(
    stop_loss_pct=D(10), ladder=(Rung(D(30), D(10)), Rung(D(40), D(20)), Rung(D(30), D(30))), time_stop_s=60
)


def position(**changes: object) -> Position:
    base = Position(
        id="p1",
        symbol="NEWUSDT",
        base_asset="NEW",
        quote_asset="USDT",
        state=PositionState.OPEN,
        snipe_id="s1",
        signal_id="signal",
        config_hash="c0ffee",
        plan=PLAN,
        opened_ms=3_000,
        bought_quantity=D(10),
        bought_value=D(20),
        fees=D("0.02"),
        remaining=D(10),
        remaining_cost=D("20.02"),
        initial_stop=D("1.8"),
        stop_price=D("1.8"),
        high_price=D("2.1"),
        low_price=D("1.9"),
    )
    return msgspec.structs.replace(base, **changes)


def take_profit(at: str = "2.20", state: OrderState = OrderState.ACKNOWLEDGED, filled: str = "0") -> Order:
    return msgspec.structs.replace(
        samples.order(f"tp-{at}", state=state, intent_id="tp", position_id="p1"),
        role=OrderRole.TAKE_PROFIT,
        side=Side.SELL,
        price=D(at),
        quantity=D(3),
        filled_quantity=D(filled),
        filled_value=D(filled) * D(at),
    )


def ledger_state(one: Position | None = None, *orders: Order, stop: str = "10") -> LedgerState:
    """Return a ledger state with one position and a stop over this many coins; 0: without a stop."""
    held = position() if one is None else one
    intents = dict[str, Intent]()
    if D(stop):
        intents["stop"] = msgspec.structs.replace(
            samples.intent("stop", role=OrderRole.STOP, position_id="p1", reserved="0"), quantity=D(stop)
        )
    return LedgerState(
        intents=intents,
        orders={order.client_order_id: order for order in orders},
        positions={held.id: held},
        balances={(LedgerAccount.DESK, "USDT"): D("979.98"), (LedgerAccount.DESK, "NEW"): D(10)},
    )


def row_context(
    bid: str | None = "2.1", age_ms: int | None = 40, blind: str = "", *, has_grid: bool = True
) -> RowContext:
    price = None if bid is None else D(bid)
    quote = BidQuote(
        bid=price, age_ms=age_ms, received_ms=None if age_ms is None else PROBE_FRESH_MS, last=price
    )
    grid = GRID if has_grid else None
    return RowContext(
        quote=lambda _: quote,
        grid=lambda _: grid,
        stale_ms=5_000,
        blind=blind,
        precision=lambda _: SymbolPrecision(4, 2),
    )
