"""An engine that holds a bought listing with its exits active, and functions that move its price."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import msgspec

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.position import Position, Protection
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.stream import BestQuote
from mexc_tui.practice.scenario import FaultPlan, Knobs, ListingPlan, ListingShape
from mexc_tui.simulation.run import Simulation
from tests.support.engine.practice_day import DAY, OVERRIDES, PracticeDay

SYMBOL = "CLEANUSDT"
ARM_S = 22
Overrides = Mapping[str, bool | int | float | str]
QUIET = ListingPlan(
    base="CLEAN",
    opens_s=40,
    visible_before_s=30,
    prepared_before_s=60,
    ready_before_s=15,
    shape=ListingShape.DUD,
    peak=1.0,
)


def components_of(running: RunningEngine) -> TradingComponents:
    """Return the trading components of an engine."""
    assert running.engine.trading_components is not None
    return running.engine.trading_components


def held_position(running: RunningEngine) -> Position:
    """Return the open position."""
    return next(iter(components_of(running).ledger.state.positions.values()))


async def until(is_so: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait until the condition is true."""
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(0.05)


def day_with(
    sim: Simulation,
    folder: Path,
    *,
    listing: ListingPlan = QUIET,
    knobs: Knobs | None = None,
    faults: tuple[FaultPlan, ...] = (),
    overrides: Overrides | None = None,
) -> PracticeDay:
    """Return a day with one listing."""
    changed = msgspec.structs.replace(
        DAY,
        listings=(listing,),
        settings={**OVERRIDES, **(overrides or {})},
        knobs=knobs or Knobs(),
        faults=faults,
    )
    return PracticeDay(sim, folder, changed)


async def buy(running: RunningEngine) -> Position:
    """Buy the listing at its opening."""
    await asyncio.sleep(ARM_S)
    await components_of(running).arming.arm(SYMBOL, "ann")
    await until(lambda: components_of(running).ledger.state.positions)
    await asyncio.sleep(1)
    return held_position(running)


@asynccontextmanager
async def monitored_engine(
    day: PracticeDay,
) -> AsyncGenerator[tuple[RunningEngine, TradingComponents, Position]]:
    """Yield an engine that bought its position a second ago."""
    await day.open()
    async with day.engine() as running:
        position = await buy(running)
        yield running, components_of(running), position


def set_bid(components: TradingComponents, position: Position, share: str) -> None:
    """Set the bid to this multiple of the entry price."""
    bid = position.entry_price * Decimal(share)
    components.prices.on_quote(
        BestQuote(
            symbol=SYMBOL,
            bid_price=bid,
            bid_quantity=Decimal(100),
            ask_price=bid * 2,
            ask_quantity=Decimal(100),
            version=0,
        )
    )


async def keep_bid(components: TradingComponents, position: Position, share: str, seconds: float) -> None:
    """Keep the bid at this multiple of the entry price for a while, against the stream."""
    for _ in range(round(seconds / 0.05)):
        set_bid(components, position, share)
        await asyncio.sleep(0.05)


def change_rules(day: PracticeDay, **rules: Decimal) -> None:
    """Change the rules of the pair on the exchange."""
    pair = day.server.session.pair(SYMBOL)
    assert pair is not None
    pair.rules = msgspec.structs.replace(pair.rules, **rules)


def rules_of(day: PracticeDay) -> dict[str, Decimal]:
    """Return the rules of the pair, for restoring them later."""
    pair = day.server.session.pair(SYMBOL)
    assert pair is not None
    names = ("min_quantity", "min_value", "min_value_market", "max_value", "max_value_market")
    return {name: getattr(pair.rules, name) for name in names}


async def closed_position(running: RunningEngine, seconds: float = 30) -> Position:
    """Return the stored position once it is closed."""
    components = components_of(running)
    await until(lambda: not components.ledger.state.positions, seconds)
    rows = await running.store.read(
        "closed", lambda stored: stored.trading(components.ledger.scope).positions.closed(0, 1)
    )
    return rows[0]


async def shown_protection(running: RunningEngine) -> tuple[Protection, str]:
    """Return where the position's protection is placed, with its text on screens."""
    queries = await trading_queries(running.engine)
    assert queries is not None
    row = queries.positions()[0]
    return row.protection, row.protection_text


async def assert_reconciled(running: RunningEngine) -> None:
    """Assert that ledger and exchange agree without unexplained differences."""
    await asyncio.sleep(3)
    await reconcile_confirmed(running)


async def reconcile_confirmed(
    running: RunningEngine, about: frozenset[str] = frozenset()
) -> list[Reconciliation]:
    """Reconcile until no difference awaits confirmation; only these assets may stay unexplained.

    Return the reconciliations since the call; any of them may have booked a confirmed difference.
    """
    components = components_of(running)
    began_ms = components.port.now_ms()
    async with asyncio.timeout(60):
        while (await components.reconciler.compare(Trigger.MANUAL)).problem:  # noqa: ASYNC110 - virtual seconds
            await asyncio.sleep(3)
    scope = components.ledger.scope
    stored = await running.store.read("runs", lambda stored: stored.trading(scope).reconciliations.page())
    runs = [run for _, run in stored if run.at_ms >= began_ms]
    found = {difference.about for run in runs for difference in run.unexplained}
    assert found <= about, found
    return runs
