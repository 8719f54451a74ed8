"""A price where no stream tells one (reliability M2, M3)."""

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
NONE = (Decimal(0), Decimal(0))


async def ask_price(
    trading: TradingPort, prices: PriceCache, symbol: str, purpose: Purpose = Purpose.ORDINARY
) -> None:
    """Ask for a pair's book, and tell of its best prices as a stream would. A failure is logged."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            depth = await trading.depth(symbol, 5, purpose=purpose)
    except (ExchangeError, TimeoutError) as error:
        log.info("the book of %s: %s", symbol, error)
        return
    bid, bids = (Decimal(one) for one in depth.bids[0]) if depth.bids else NONE
    ask, asks = (Decimal(one) for one in depth.asks[0]) if depth.asks else NONE
    prices.on_quote(BestQuote(symbol, bid or None, bids, ask or None, asks, depth.last_update_id))
