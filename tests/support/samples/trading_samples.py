"""Snipes, intents, orders, positions and entries to store."""

from decimal import Decimal

from mexc_tui.model.intent import Fee, Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import (
    CloseReason,
    EntryKind,
    EquityPoint,
    LedgerAccount,
    LedgerEntry,
    Lot,
    Position,
    PositionState,
    Posting,
)
from mexc_tui.model.snipe import Attempt, ExitPlan, Snipe, SnipeKey, SnipeState
from mexc_tui.model.verdict import CheckStage, Verdict

SCOPE = "0123456789ab/practice-1"
OTHER = "fedcba987654/live"
PLAN = ExitPlan(stop_loss_pct=Decimal(10), ladder=(Rung(Decimal(30), Decimal(10)),))
APPROVED = Verdict(stage=CheckStage.RISK, name="exposure", passed=True, value="10 USDT", limit="200 USDT")


def snipe(
    name: str = "s1",
    symbol: str = "NEWUSDT",
    *,
    signal_id: str = "",
    state: SnipeState = SnipeState.ARMED,
    armed_ms: int = 1_000,
) -> Snipe:
    """Return a snipe; each name has its own signal."""
    return Snipe(
        id=name,
        key=SnipeKey(symbol, signal_id or f"signal of {name}"),
        listing_id=f"{symbol}-1",
        config_hash="0123456789ab",
        opens_ms=90_000,
        state=state,
        reason="ready",
        by="ready_state",
        type=OrderType.LIMIT,
        spend_cap=Decimal("10.5"),
        reference_price=None,
        price_cap=Decimal("1.25"),
        plan=PLAN,
        verdicts=(APPROVED,),
        armed_ms=armed_ms,
    )


def attempt(number: int = 1, snipe_id: str = "s1", answer: str = "30001") -> Attempt:
    return Attempt(
        snipe_id=snipe_id,
        client_order_id=f"{snipe_id}-{number}",
        number=number,
        aim_ms=90_000,
        price=Decimal(1),
        quantity=Decimal(10),
        answer=answer,
    )


def intent(
    name: str = "i1",
    *,
    role: OrderRole = OrderRole.ENTRY,
    snipe_id: str = "s1",
    position_id: str = "",
    reserved: str = "10.5",
    ended_ms: int | None = None,
    client_ids: tuple[str, ...] = (),
    quote: str = "USDT",
    created_ms: int = 1_000,
) -> Intent:
    """Return an intent with two client order ids."""
    return Intent(
        id=name,
        role=role,
        symbol="NEWUSDT",
        base_asset="NEW",
        quote_asset=quote,
        side=Side.BUY if role is OrderRole.ENTRY else Side.SELL,
        client_ids=client_ids or (f"{name}-1", f"{name}-2"),
        spend_cap=Decimal(reserved),
        reserved=Decimal(reserved),
        snipe_id=snipe_id,
        position_id=position_id,
        created_ms=created_ms,
        ended_ms=ended_ms,
        reason="armed",
    )


def order(
    client_order_id: str = "i1-1",
    *,
    state: OrderState = OrderState.ACKNOWLEDGED,
    intent_id: str = "i1",
    symbol: str = "NEWUSDT",
    position_id: str = "",
    order_id: str = "",
    created_ms: int = 2_000,
) -> Order:
    return Order(
        client_order_id=client_order_id,
        intent_id=intent_id,
        symbol=symbol,
        side=Side.BUY,
        type=OrderType.LIMIT,
        role=OrderRole.ENTRY,
        state=state,
        order_id=order_id,
        price=Decimal("1.05"),
        quantity=Decimal(10),
        filled_quantity=Decimal("0.000000000000000001"),
        filled_value=Decimal("1.1"),
        fees=(Fee(asset="MX", amount=Decimal("0.002")),),
        trade_ids=("t1",),
        position_id=position_id,
        created_ms=created_ms,
    )


def position(
    name: str = "p1",
    symbol: str = "NEWUSDT",
    *,
    snipe_id: str = "",
    opened_ms: int = 3_000,
    closed_ms: int | None = None,
    realised: str = "0",
    cost: str = "10",
    quote: str = "USDT",
) -> Position:
    """Return a position, closed if it has a closing time."""
    is_open = closed_ms is None
    return Position(
        id=name,
        symbol=symbol,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset=quote,
        state=PositionState.OPEN if is_open else PositionState.CLOSED,
        snipe_id=snipe_id,
        signal_id="signal",
        config_hash="0123456789ab",
        plan=PLAN,
        opened_ms=opened_ms,
        closed_ms=closed_ms,
        close_reason=CloseReason.NONE if is_open else CloseReason.STOP,
        remaining=Decimal(9 if is_open else 0),
        remaining_cost=Decimal(cost if is_open else 0),
        realised=Decimal(realised),
        rungs_done=(1,),
    )


def lot(
    name: str = "l1",
    *,
    opened_ms: int = 3_000,
    remaining: str = "9",
    asset: str = "NEW",
    position_id: str = "p1",
) -> Lot:
    return Lot(
        id=name,
        position_id=position_id,
        asset=asset,
        quote_asset="USDT",
        client_order_id="i1-1",
        opened_ms=opened_ms,
        quantity=Decimal(9),
        cost=Decimal(10),
        remaining=Decimal(remaining),
        remaining_cost=Decimal(10),
    )


def entry(name: str = "e1", *postings: tuple[LedgerAccount, str, str], at_ms: int = 4_000) -> LedgerEntry:
    """Return an entry, by default one that buys 9 NEW for 10 USDT."""
    lines = postings or (
        (LedgerAccount.DESK, "NEW", "9"),
        (LedgerAccount.EXCHANGE, "NEW", "-9"),
        (LedgerAccount.DESK, "USDT", "-10"),
        (LedgerAccount.EXCHANGE, "USDT", "10"),
    )
    return LedgerEntry(
        id=name,
        kind=EntryKind.TRADE,
        at_ms=at_ms,
        postings=tuple(Posting(account, asset, Decimal(amount)) for account, asset, amount in lines),
        client_order_id="i1-1",
        position_id="p1",
    )


def equity(at_ms: int, cash: str = "100", *, is_complete: bool = True) -> EquityPoint:
    return EquityPoint(
        at_ms=at_ms,
        cash=Decimal(cash),
        holdings=Decimal("1.5"),
        peak=Decimal(200),
        is_complete=is_complete,
    )
