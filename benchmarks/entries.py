"""Entries of a complete engine: decision to last byte of an attempt, under 2,000 messages a second.

The engine runs with all its workers, the practice exchange in a separate process. An attempt is fired like
one of a snipe: prepared, recorded in memory, checked by the gate immediately before the send, sent over a
dedicated connection. It is an IOC order below the market, which is acknowledged, booked and never filled. The
load is decoded and handled in the engine's loop.
"""

import asyncio
import gc
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from random import Random

from benchmarks.common import Row, emit, percentile
from benchmarks.firing import Quiet, exchange_of, load
from benchmarks.order_path import SCENARIO, SYMBOL
from mexc_tui.app.composition import running_engine
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.accounting.ledger_transaction import LedgerTransaction
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.host.paths import paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose

SHOTS = 200
EVERY_S = 0.16
"""The engine's request budget admits at most eight entry orders in 1.2 s."""
WINDOW_MS = 2_000


async def intend(components: TradingComponents) -> Intent:
    """Write an intent with the client order ids of all attempts."""
    names = components.ledger.client_ids(SHOTS)
    intent = Intent(
        id="bench", role=OrderRole.ENTRY, symbol=SYMBOL, base_asset="SOL", quote_asset="USDT", side=Side.BUY,
        client_ids=names, spend_cap=Decimal(10), reserved=Decimal(10), position_id="benchp",
        created_ms=components.port.now_ms(), reason="bench",
    )  # fmt: skip

    def work(desk: LedgerTransaction) -> None:
        desk.save_intent(intent)

    await components.ledger.write("bench", work)
    return intent


async def fire(components: TradingComponents, intent: Intent, price: Decimal) -> list[float]:
    """Fire the attempts in sequence; return the microseconds of each to its last byte."""
    took_us: list[float] = []
    line = components.port.line()
    for number, name in enumerate(intent.client_ids):
        if number % 50 == 0:
            await line.warm()
        order = NewOrder(
            symbol=SYMBOL,
            side=Side.BUY,
            type=OrderType.IMMEDIATE_OR_CANCEL,
            client_order_id=name,
            price=price,
            quantity=round(Decimal(10) / price, 2),
        )
        await asyncio.sleep(EVERY_S)
        began_ns = time.monotonic_ns()
        signed = line.prepare(
            order, purpose=Purpose.ENTRY, timestamp_ms=components.port.now_ms(), recv_window_ms=WINDOW_MS
        )
        sent = await components.execution.fire(intent, line, signed)
        assert isinstance(sent.outcome, Accepted), sent.outcome
        assert sent.fired is not None
        assert sent.fired.written_ns is not None
        took_us.append((sent.fired.written_ns - began_ns) / 1_000)
    await line.close()
    return took_us


async def measure(endpoint: Endpoint, folder: Path) -> list[Row]:
    """Return the row."""
    place = EngineLocation(endpoint, is_practice=True, paths=paths_of("practice", {"HOME": str(folder)}))
    async with running_engine(place, EngineEnvironment(SystemClock(), Random(1))) as running:
        components = running.engine.trading_components
        assert components is not None
        while not components.reconciler.is_done:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.1)
        book = await components.port.depth(SYMBOL, 5)
        price = round(Decimal(book.bids[0][0]) * Decimal("0.9"), 2)
        async with load(lambda _: None) as count:
            intent = await intend(components)
            gc.collect()
            with Quiet():
                began, before = time.monotonic(), count()
                took_us = await fire(components, intent, price)
                rate = (count() - before) / (time.monotonic() - began)
    group = f"whole engine, {rate:,.0f} stream messages/s"
    name = "an attempt: decision, signing and ledger in memory to last byte"
    p50, p99 = percentile(took_us, 0.5), percentile(took_us, 0.99)
    return [Row(group, name, p50, p99, "µs", note="p99 at most 5,000")]


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with exchange_of(SCENARIO) as endpoint:
            emit(await measure(endpoint, Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
