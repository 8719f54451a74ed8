"""Grids, plans, positions and intents for pure sniping functions."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from mexc_tui.model.listing import Listing, ListingSource, ListingStage, Sighting
from mexc_tui.model.listing import ListingFacts as ListingFacts
from mexc_tui.model.mode import Mode
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Advice, Refusal
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import Position, PositionState
from mexc_tui.model.signal import DetectorName
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.symbol import ListedType, Permission, Symbol, SymbolStatus
from mexc_tui.model.trading import Trading
from mexc_tui.risk.candidate import RiskBook
from mexc_tui.sniping.exit_decision import ExitHolding
from mexc_tui.sniping.request import ArmFacts, ArmProposal, DeskFacts, KeyFacts, PairFacts, WorkerFact
from mexc_tui.sniping.rounding import Grid

D = Decimal
T0 = 1_790_000_000_000
GRID = Grid(
    price_tick=D("0.00001"),
    quantity_step=D("0.01"),
    min_quantity=D(0),
    min_value=D(1),
    max_value=D(2_000_000),
    min_value_market=D(1),
    max_value_market=D(100_000),
    maker_fee=D(0),
    taker_fee=D("0.0005"),
)
LADDER = tuple(Rung(D(share), D(gain)) for share, gain in ((30, 10), (40, 20), (30, 30)))
PLAN = ExitPlan(stop_loss_pct=D(10), ladder=LADDER)
PAIR = Symbol(
    symbol="NEWUSDT", status=SymbolStatus.ONLINE, base_asset="NEW", quote_asset="USDT",
    base_asset_precision=2, quote_precision=5, is_spot_trading_allowed=True,
    order_types=(ListedType.LIMIT, ListedType.MARKET, ListedType.LIMIT_MAKER),
    permissions=(Permission.SPOT,), quote_amount_precision="1", quote_amount_precision_market="1",
    max_quote_amount="2000000", max_quote_amount_market="100000", taker_commission="0.0005",
    trade_side_type=1,
)  # fmt: skip


def position(**changes: Any) -> Position:
    """Return a position of 100 coins bought at 1."""
    fields: dict[str, Any] = {
        "id": "p1", "symbol": "NEWUSDT", "base_asset": "NEW", "quote_asset": "USDT",
        "state": PositionState.OPEN, "snipe_id": "s1", "signal_id": "g1", "config_hash": "c", "plan": PLAN,
        "opened_ms": T0, "bought_quantity": D(100), "bought_value": D(100), "remaining": D(100),
        "remaining_cost": D(100),
    }  # fmt: skip
    return Position(**(fields | changes))


def holding(held: Position | None = None, **changes: Any) -> ExitHolding:
    """Return the holding of a position without reserved coins."""
    held = held or position()
    return replace(ExitHolding(position=held, grid=GRID, free=held.remaining), **changes)


def refusal(code: int, advice: Advice, number: Decimal | None = None, *, definite: bool = True) -> Refusal:
    """Return a rejection by the exchange."""
    return Refusal(
        http_status=400,
        code=code,
        message="",
        text="no",
        advice=advice,
        listing_advice=advice,
        definite=definite,
        number=number,
    )


def listing(**changes: Any) -> Listing:
    """Return a listing confirmed by the calendar."""
    seen = Sighting(
        source=ListingSource.CALENDAR, at_ms=T0 - 9, facts=ListingFacts(symbol="NEWUSDT", opens_ms=T0)
    )
    fields: dict[str, Any] = {
        "id": "l1",
        "sightings": (seen,),
        "first_seen_ms": T0 - 9,
        "symbol": "NEWUSDT",
        "base": "NEW",
        "quote": "USDT",
        "names": ("NEWUSDT",),
        "stage": ListingStage.API_ENABLED,
        "changes": (),
        "opens_ms": T0,
        "api_allowed": True,
    }
    return Listing(**(fields | changes))


def proposal(**changes: Any) -> ArmProposal:
    """Return a proposal that passes every check."""
    return replace(
        ArmProposal(
            symbol="NEWUSDT",
            signal_id="g1",
            detector=DetectorName.READY_STATE,
            opens_ms=T0,
            spend=D(10),
            type=OrderType.IMMEDIATE_OR_CANCEL,
            price=D("1.2"),
            reference_price=D(1),
            plan=PLAN,
            probability=0.9,
        ),
        **changes,
    )


def risk_book(**changes: Any) -> RiskBook:
    """Return a risk book with room for every entry."""
    known = RiskBook(
        equity=D(1_000),
        peak=D(1_000),
        free_cash=D(1_000),
        day_equity=D(1_000),
        clock_offset_ms=3,
        clock_error_ms=5,
        stream_age_ms=50,
        weight_left=400,
        orders_left=10,
    )
    return replace(known, **changes)


def facts(**changes: Any) -> ArmFacts:
    """Return facts that pass every check."""
    desk = DeskFacts(
        mode=Mode.PRACTICE,
        is_unlocked=False,
        key=KeyFacts(may_trade=True),
        trading=Trading(),
        generation=0,
        outcomes=0,
        workers=(WorkerFact("orders", True),),
        is_reconciled=True,
    )
    return replace(
        ArmFacts(pair=PairFacts(listing=listing(), symbol=PAIR), desk=desk, book=risk_book()), **changes
    )


READY_DESK = DeskFacts(
    mode=Mode.LIVE,
    is_unlocked=False,
    key=KeyFacts(may_trade=True),
    trading=Trading(),
    generation=0,
    outcomes=0,
    workers=(WorkerFact("orders", True),),
    is_reconciled=True,
)
