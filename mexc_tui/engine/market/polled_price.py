"""Polls the price of a pair that has no current stream (reliability M2, M3)."""

import asyncio
import logging
from decimal import Decimal

from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.stream import BestQuote
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)

DEADLINE_S = 3.0
NO_LEVEL = (Decimal(0), Decimal(0))


async def poll_price(
    trading: TradingPort, prices: PriceCache, symbol: str, *, purpose: Purpose = Purpose.ORDINARY
) -> None:
    """Query the order book of a pair and put its best prices into the cache. A failure is only logged."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            depth = await trading.depth(symbol, 5, purpose=purpose)
    except (ExchangeError, TimeoutError) as error:
        log.info("no polled price of %s: %s", symbol, error)
        return
    bid, bids = (Decimal(text) for text in depth.bids[0]) if depth.bids else NO_LEVEL
    ask, asks = (Decimal(text) for text in depth.asks[0]) if depth.asks else NO_LEVEL
    prices.on_quote(
        BestQuote(
            symbol=symbol,
            bid_price=bid or None,
            bid_quantity=bids,
            ask_price=ask or None,
            ask_quantity=asks,
            version=depth.last_update_id,
        )
    )
