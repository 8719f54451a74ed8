"""Public market data of a pair (protocol 4.3)."""

from decimal import Decimal

from mexc_tui.practice.matching.candles import LIMIT
from mexc_tui.practice.matching.history import HistoryBar, joined
from mexc_tui.practice.matching.intervals import DAY_MS, HOUR_MS, KlineInterval, end_of
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.values import ZERO, Candle, PracticeWebSymbol, Ticker

AVERAGE_MS = 300_000
QUIET_PART_MS = 8 * HOUR_MS
"""Bar length for the 24-hour window of untraded pairs; cheap for two thousand pairs."""


def candle(pair: PracticePair, interval: KlineInterval, bar: HistoryBar) -> Candle:
    """Convert a bar of ticks and lots to a candle."""
    return Candle(
        bar.start_ms,
        pair.price(bar.open),
        pair.price(bar.high),
        pair.price(bar.low),
        pair.price(bar.close),
        pair.quantity(bar.volume),
        end_of(interval, bar.start_ms),
        pair.value(bar.value),
    )


def klines(
    pair: PracticePair,
    interval: KlineInterval,
    start_ms: int | None,
    *,
    end_ms: int | None,
    limit: int,
    now_ms: int,
) -> list[Candle]:
    """Return candles, oldest first: the first `limit` from `start_ms` on, else the last `limit`."""
    limit = min(limit, LIMIT)
    hi_ms = now_ms if end_ms is None else end_ms
    if start_ms is None:
        bars = pair.candles.last_bars(interval, hi_ms, limit, now_ms=now_ms)
    else:
        first_ms = max(start_ms, pair.candles.first_ms(interval))
        span_ms = limit * end_of(interval, 0)
        bars = pair.candles.bars(interval, first_ms, min(hi_ms, first_ms + span_ms), now_ms=now_ms)[:limit]
    return [candle(pair, interval, bar) for bar in bars]


def average_price(pair: PracticePair, now_ms: int) -> Decimal:
    """Return the volume-weighted price of the last five minutes, or the last price."""
    value = volume = ZERO
    for trade in reversed(pair.trades):
        if trade.time_ms < now_ms - AVERAGE_MS:
            break
        value += trade.price * trade.quantity
        volume += trade.quantity
    if not volume:
        return pair.last_price
    return round(value / volume, pair.rules.price_decimals)


def ticker(pair: PracticePair, now_ms: int) -> Ticker:
    """Return the last 24 hours."""
    market = pair.market
    if market.day_of_quiet is not None:
        bar = market.day_of_quiet
    elif market.candles.is_live or market.history is None:
        bars = market.candles.last_bars(KlineInterval.MIN_60, now_ms, 24, now_ms=now_ms)
        bar = joined(iter(bars), now_ms - DAY_MS)
    else:
        bar = _quiet_day(pair)
        market.day_of_quiet = bar
    if bar is None:
        bar = HistoryBar(
            now_ms, market.last_ticks, market.last_ticks, market.last_ticks, market.last_ticks, 0, 0
        )
    return Ticker(
        symbol=pair.symbol,
        last=pair.last_price,
        open=pair.price(bar.open),
        high=pair.price(max(bar.high, market.last_ticks)),
        low=pair.price(min(bar.low, market.last_ticks)),
        volume=pair.quantity(bar.volume),
        quote_volume=pair.value(bar.value),
        top=pair.top(),
        open_ms=now_ms - DAY_MS,
        close_ms=now_ms,
    )


def _quiet_day(pair: PracticePair) -> HistoryBar | None:
    """Return the last 24 hours before the session started, for pairs without a trade since."""
    history = pair.market.history
    if history is None:
        return None
    end_ms = history.until_ms - history.until_ms % QUIET_PART_MS
    return joined(history.bars(QUIET_PART_MS, end_ms - DAY_MS, end_ms), end_ms - DAY_MS)


def web_symbol(pair: PracticePair) -> PracticeWebSymbol:
    """Return the symbolsV2 row of an established pair."""
    rules = pair.rules
    return PracticeWebSymbol(
        symbol_id=rules.symbol_id,
        market_coin_id=rules.market_coin_id,
        coin_id=rules.coin_id,
        base=rules.base,
        quote=rules.quote,
        full_name=rules.full_name,
        state=2,
        spot=2,
        trading=4,
        price_scale=rules.price_decimals,
        quantity_scale=rules.quantity_decimals,
        opens_ms=rules.history_from_ms,
        contract_address=rules.contract_address,
    )
