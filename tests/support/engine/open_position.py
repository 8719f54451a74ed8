"""An engine that holds a bought listing with its exits off, on the practice exchange in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.accounting.equity_monitor import DAY_MS
from mexc_tui.engine.accounting.ledger_transaction import intent_id_of
from mexc_tui.engine.market.prices import PriceMove
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.event import RiskMonitorActed
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.stream import BestQuote
from mexc_tui.model.trading import RiskLevel
from mexc_tui.practice.scenario import Knobs
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation
from mexc_tui.sniping.rounding import floored, grid_of
from tests.support.engine.position_closer import BookCloser
from tests.support.engine.practice_day import DAY, OVERRIDES, PracticeDay

D = Decimal
SYMBOL = "CLEANUSDT"
OPENED_S = 45.0
EXITS_OFF: dict[str, bool | float | str] = {
    "ladder": "",
    "stop_loss_pct": 50,
    "stop_confirm_ms": 10_000,
    "stop_at_once_factor": 10,
}
"""Settings that leave positions untouched unless a test acts."""


def components_of(running: RunningEngine) -> TradingComponents:
    components = running.engine.trading_components
    assert components is not None
    return components


def install_closer(running: RunningEngine) -> BookCloser:
    components = components_of(running)
    closer = BookCloser(components, lambda: running.engine.knowledge_store.knowledge.pairs)
    components.safety.emergency_stop.closer = closer
    return closer


async def until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(0.1)


@asynccontextmanager
async def engine_with_position(
    sim: Simulation,
    folder: Path,
    *,
    thread: type[InlineThread] = InlineThread,
    knobs: Knobs | None = None,
    **overrides: bool | float | str,
) -> AsyncGenerator[tuple[PracticeDay, RunningEngine, BookCloser]]:
    """Yield an engine that bought a listing by a manual snipe and holds it."""
    settings = {**OVERRIDES, **EXITS_OFF, **overrides}
    changed = msgspec.structs.replace(DAY, settings=settings, knobs=knobs or Knobs())
    day = PracticeDay(sim, folder, changed)
    day.thread = thread
    await day.open()
    async with day.engine() as running:
        closer = install_closer(running)
        await asyncio.sleep(22)
        components = components_of(running)
        await components.arming.arm(SYMBOL, "ann")
        await until(lambda: bool(components.ledger.state.positions))
        await asyncio.sleep(1)
        yield day, running, closer


async def place_take_profit(components: TradingComponents, running: RunningEngine) -> Intent:
    """Place a resting take-profit for half of the position."""
    position = next(iter(components.ledger.state.positions.values()))
    grid = grid_of(running.engine.knowledge_store.knowledge.pairs[SYMBOL])
    bid = components.prices.of(SYMBOL).bid
    assert bid is not None
    names = components.ledger.client_ids(1)
    quantity = floored(position.remaining / 2, grid.quantity_step)
    intent = Intent(
        id=intent_id_of(names[0]),
        role=OrderRole.TAKE_PROFIT,
        symbol=SYMBOL,
        base_asset=position.base_asset,
        quote_asset="USDT",
        side=Side.SELL,
        client_ids=names,
        quantity=quantity,
        snipe_id=position.snipe_id,
        position_id=position.id,
        created_ms=components.port.now_ms(),
        reason="a ladder step",
    )
    await components.ledger.save_intent(intent)
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.SELL,
        type=OrderType.LIMIT,
        client_order_id=names[0],
        price=floored(bid * D("1.5"), grid.price_tick),
        quantity=quantity,
    )
    await components.execution.place(intent, order)
    await components.execution.wait_in_flight(5)
    assert components.ledger.state.live_orders()
    return intent


async def risk_monitor_actions(running: RunningEngine) -> list[RiskMonitorActed]:
    facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
    return [fact.event for fact in facts if isinstance(fact.event, RiskMonitorActed)]


@contextmanager
def pinned_bid(components: TradingComponents, share: str) -> Generator[None]:
    """Pin the bid to this multiple of the entry price, whatever the streams deliver."""
    position = next(iter(components.ledger.state.positions.values()))
    bid = position.entry_price * D(share)
    quote = BestQuote(
        symbol=SYMBOL, bid_price=bid, bid_quantity=D(100), ask_price=bid * 2, ask_quantity=D(100), version=0
    )

    def restore_quote(move: PriceMove) -> None:
        if move.price.symbol == SYMBOL and move.price.bid != bid:
            components.prices.on_quote(quote)

    components.prices.on_quote(quote)
    components.prices.on_move(restore_quote)
    try:
        yield
    finally:
        components.prices.off_move(restore_quote)


async def drop_bid(components: TradingComponents, share: str) -> None:
    """Keep the bid at this multiple of the entry price until the risk monitor acts, for at most 5 s."""
    with pinned_bid(components, share):
        for _ in range(5):
            components.safety.equity.mark()
            components.safety.risk_monitor.check()
            if components.safety.risk_monitor.grade.level is not RiskLevel.NORMAL:
                return
            await asyncio.sleep(1.01)


MIDNIGHT_MS = 20_423 * DAY_MS
