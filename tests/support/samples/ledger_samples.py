"""A ledger in memory, and an exchange that reports its true orders and balances."""

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from mexc_tui.ledger.accounts import (
    LedgerBalances,
    expected_balance,
    start_entry,
    sum_balances,
    unreversed_drifts,
)
from mexc_tui.ledger.arithmetic import exactly, plain
from mexc_tui.ledger.booking import (
    Booking,
    LedgerRows,
    book,
    recompute,
    restore_written_off,
    write_off_missing,
)
from mexc_tui.ledger.comparison import (
    ApplyEvidence,
    Correction,
    ExchangeSnapshot,
    LedgerSnapshot,
    PostEntry,
    ReconcileRules,
    RestoreWrittenOff,
    StoreForeignOrder,
    WriteOffMissing,
)
from mexc_tui.ledger.days import utc_day
from mexc_tui.ledger.evidence import Evidence, from_report, from_trades
from mexc_tui.ledger.orders import Advanced, advance
from mexc_tui.ledger.positions import open_position
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO, Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderStatus, OrderType, Side
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import LedgerEntry, Lot, Position, TradingDay
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.snipe import ExitPlan, Snipe, SnipeKey, SnipeState

D = Decimal
TEN = D(10)
NOON_MS = 1_800_014_400_000
PLAN = ExitPlan(stop_loss_pct=D(10), ladder=(Rung(D(30), D(10)),))
RULES = ReconcileRules(
    quote_assets=frozenset({"USDT"}),
    severity_steps=(D(1), D(10), D(100)),
    explained_below=D(1),
    prices={"ABC": D(2), "MX": D(3)},
)


def snipe(name: str = "s1") -> Snipe:
    return Snipe(
        id=name,
        key=SnipeKey("ABCUSDT", f"signal-of-{name}"),
        listing_id="l1",
        config_hash="c0ffee",
        opens_ms=NOON_MS,
        state=SnipeState.FIRING,
        reason="",
        by="ready_state",
        type=OrderType.LIMIT,
        spend_cap=D(100),
        reference_price=None,
        price_cap=None,
        plan=PLAN,
        verdicts=(),
        armed_ms=NOON_MS,
    )


def intent(
    name: str = "buy",
    role: OrderRole = OrderRole.ENTRY,
    position_id: str = "p1",
    ids: tuple[str, ...] = (),
    **changes: object,
) -> Intent:
    base = Intent(
        id=name,
        role=role,
        symbol="ABCUSDT",
        base_asset="ABC",
        quote_asset="USDT",
        side=Side.BUY if role is OrderRole.ENTRY else Side.SELL,
        client_ids=ids or (f"{name}-1", f"{name}-2"),
        spend_cap=D(100) if role is OrderRole.ENTRY else ZERO,
        reserved=D(100) if role is OrderRole.ENTRY else ZERO,
        snipe_id="s1",
        position_id=position_id,
        created_ms=NOON_MS,
        reason="a test",
    )
    return msgspec.structs.replace(base, **changes)


def order(
    name: str = "buy-1",
    side: Side = Side.BUY,
    quantity: Decimal | None = TEN,
    state: OrderState = OrderState.SENT,
    position_id: str = "p1",
    created_ms: int = NOON_MS,
    role: OrderRole | None = None,
    price: Decimal | None = None,
) -> Order:
    return Order(
        client_order_id=name,
        intent_id=name.rpartition("-")[0],
        symbol="ABCUSDT",
        side=side,
        type=OrderType.LIMIT,
        role=role or (OrderRole.ENTRY if side is Side.BUY else OrderRole.STOP),
        state=state,
        price=D(2) if price is None else price,
        quantity=quantity,
        position_id=position_id,
        created_ms=created_ms,
    )


def report(
    name: str,
    filled: Decimal | str = ZERO,
    value: Decimal | str = ZERO,
    status: OrderStatus = OrderStatus.NEW,
    side: Side = Side.BUY,
    quantity: Decimal | str = "10",
    symbol: str = "ABCUSDT",
    at_ms: int = NOON_MS,
) -> OrderReport:
    return OrderReport(
        symbol=symbol,
        order_id=f"x-{name}",
        status=status,
        type="LIMIT",
        side=side,
        quantity=D(quantity),
        filled_quantity=D(filled),
        filled_value=D(value),
        price=D(2),
        client_order_id=name,
        time=at_ms,
        update_time=at_ms,
    )


def trade(
    name: str,
    number: int,
    quantity: Decimal | str,
    fee: Decimal | str,
    asset: str = "USDT",
    buys: bool = True,
) -> TradeReport:
    return TradeReport(
        symbol="ABCUSDT",
        id=f"{name}-t{number}",
        order_id=f"x-{name}",
        price=D(2),
        quantity=D(quantity),
        value=D(quantity) * 2,
        time=NOON_MS,
        is_buyer=buys,
        is_maker=False,
        fee=D(fee),
        fee_asset=asset,
    )


@dataclass
class LedgerBench:
    """Applies ledger transactions as the ledger writer does, from rows to rows."""

    positions: dict[str, Position] = field(default_factory=dict[str, Position])
    orders: dict[str, Order] = field(default_factory=dict[str, Order])
    intents: dict[str, Intent] = field(default_factory=dict[str, Intent])
    entries: dict[str, LedgerEntry] = field(default_factory=dict[str, LedgerEntry])
    lots: dict[str, Lot] = field(default_factory=dict[str, Lot])
    days: dict[str, TradingDay] = field(default_factory=dict[str, TradingDay])
    prices: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    words: list[str] = field(default_factory=list[str])
    now_ms: int = NOON_MS

    def start(self, **assets: str) -> "LedgerBench":
        balances = tuple(Balance(name, D(amount), ZERO) for name, amount in assets.items())
        entry = start_entry(balances, RULES.quote_assets, self.now_ms)
        self.entries[entry.id] = entry
        return self

    def expect(self, *rows: Intent | Order) -> "LedgerBench":
        for item in rows:
            if isinstance(item, Intent):
                self.intents[item.id] = item
            else:
                self.orders[item.client_order_id] = item
        return self

    @property
    def held(self) -> LedgerBalances:
        return sum_balances(self.entries.values())

    def rows_of(self, position_id: str) -> LedgerRows:
        intents = tuple(item for item in self.intents.values() if item.position_id == position_id)
        orders = tuple(item for item in self.orders.values() if item.position_id == position_id)
        position = self.positions.get(position_id)
        if position is None:
            position = open_position(snipe(), intents[0], NOON_MS)
        day = self.days.get(utc_day(self.now_ms), TradingDay(day=utc_day(self.now_ms)))
        return LedgerRows(position=position, orders=orders, intents=intents, day=day)

    def apply_evidence(self, name: str, *evidence: Evidence) -> Advanced:
        advanced = None
        for item_of_evidence in evidence:
            advanced = advance(self.orders[name], item_of_evidence)
            self.apply(
                book(self.rows_of(advanced.order.position_id), advanced, self.prices, at_ms=self.now_ms)
            )
        assert advanced is not None
        return advanced

    def apply(self, booking: Booking) -> None:
        if booking.order is not None:
            self.orders[booking.order.client_order_id] = booking.order
        if booking.position is not None:
            self.positions[booking.position.id] = booking.position
        self.lots |= {lot.id: lot for lot in booking.lots}
        for entry in booking.entries:
            assert entry.id not in self.entries, f"booked twice: {entry.id}"
            self.entries[entry.id] = entry
        self.intents |= {item.id: item for item in booking.intents}
        self.days[booking.day.day] = booking.day
        self.words += booking.notes

    def correct(self, corrections: tuple[Correction, ...]) -> None:
        for correction in corrections:
            match correction:
                case ApplyEvidence(first, evidence):
                    self.orders.setdefault(first.client_order_id, first)
                    self.apply_evidence(first.client_order_id, evidence)
                case StoreForeignOrder(foreign):
                    self.orders[foreign.client_order_id] = foreign
                case PostEntry(entry):
                    assert entry.id not in self.entries, f"booked twice: {entry.id}"
                    self.entries[entry.id] = entry
                case WriteOffMissing(position_id, quantity, words):
                    self.apply(
                        write_off_missing(self.rows_of(position_id), quantity, self.now_ms, text=words)
                    )
                case RestoreWrittenOff(position_id, quantity, words):
                    self.apply(
                        restore_written_off(self.rows_of(position_id), quantity, self.now_ms, text=words)
                    )

    def ledger_snapshot(self) -> LedgerSnapshot:
        return LedgerSnapshot(
            orders=tuple(self.orders.values()),
            intents=tuple(self.intents.values()),
            positions=tuple(position for position in self.positions.values() if position.remaining),
            balances=self.held,
            agreed_ms=NOON_MS,
            drifts=unreversed_drifts(self.entries.values()),
            written_off=tuple(position for position in self.positions.values() if position.gone),
        )

    def exchange_snapshot(self, **balance_changes: str) -> ExchangeSnapshot:
        """Return an exchange that agrees with the desk except for these balance changes."""
        assets = {asset for _, asset in self.held} | set(balance_changes)
        totals = {
            asset: expected_balance(self.held, asset) + D(balance_changes.get(asset, "0")) for asset in assets
        }
        return ExchangeSnapshot(
            at_ms=self.now_ms + 60_000,
            balances=tuple(Balance(asset, total, ZERO) for asset, total in totals.items() if total),
            orders=tuple(_reported(item) for item in self.orders.values() if item.order_id),
            listed_symbols=frozenset({"ABCUSDT"}),
        )


_STATUS = {
    OrderState.ACKNOWLEDGED: OrderStatus.NEW,
    OrderState.PARTIAL: OrderStatus.PARTIALLY_FILLED,
    OrderState.CANCELLING: OrderStatus.PARTIALLY_FILLED,
    OrderState.FILLED: OrderStatus.FILLED,
    OrderState.CANCELLED: OrderStatus.CANCELED,
    OrderState.PARTIALLY_CANCELLED: OrderStatus.PARTIALLY_CANCELED,
    OrderState.FOREIGN: OrderStatus.NEW,
}


def _reported(one: Order) -> OrderReport:
    return OrderReport(
        symbol=one.symbol,
        order_id=one.order_id,
        status=_STATUS[one.state],
        type="LIMIT",
        side=one.side,
        quantity=one.quantity or ZERO,
        filled_quantity=one.filled_quantity,
        filled_value=one.filled_value,
        price=one.price,
        client_order_id=one.client_order_id,
        time=one.created_ms,
        update_time=one.updated_ms,
    )


def bench_with_position(abc: str = "0") -> LedgerBench:
    """Return a desk that bought 10 ABC for 20 USDT and 0.01 fee, with a stop that was never sent."""
    desk = LedgerBench(prices={"MX": D(3)}).start(USDT="1000", ABC=abc, MX="5")
    desk.expect(intent(), order(), intent("stop", OrderRole.STOP), order("stop-1", Side.SELL))
    del desk.orders["stop-1"]
    desk.apply_evidence(
        "buy-1",
        from_report(report("buy-1", "10", "20", OrderStatus.FILLED), NOON_MS),
        from_trades((trade("buy-1", 1, "10", "0.01"),)),
    )
    desk.expect(msgspec.structs.replace(desk.intents["buy"], ended_ms=NOON_MS, reserved=ZERO))
    desk.apply(recompute(desk.rows_of("p1"), NOON_MS))
    return desk


def bench_with_sell_order(desk: LedgerBench, filled: str = "0", value: str = "0") -> LedgerBench:
    """Return the same desk with a resting sell order for the whole position."""
    desk.expect(order("stop-1", Side.SELL, created_ms=NOON_MS + 500))
    status = OrderStatus.PARTIALLY_FILLED if D(filled) else OrderStatus.NEW
    desk.apply_evidence("stop-1", from_report(report("stop-1", filled, value, status, Side.SELL), NOON_MS))
    return desk


@exactly
def imbalances(entry: LedgerEntry) -> tuple[str, ...]:
    """Return the assets whose postings in this entry do not sum to zero (I6)."""
    totals: dict[str, Decimal] = {}
    for posting in entry.postings:
        totals[posting.asset] = totals.get(posting.asset, ZERO) + posting.amount
    return tuple(
        f"entry {entry.id}: postings in {asset} are off by {plain(total)}"
        for asset, total in totals.items()
        if total
    )
