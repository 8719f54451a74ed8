"""Market view of one symbol: levels, trades, price path. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.engine.market.knowledge_store import PairHistory
from mexc_tui.market.tape import BAR_MS, TapeBar
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.market_view import LevelRow, SpanRow, TradeRow
from mexc_tui.model.order import Side

STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600)
"""Possible lengths of one span of a price path."""
FRESH_MS = 1_000
"""Levels are pushed on change, the best quote continuously: while quotes arrive, levels that agree with them
are current, whenever they last changed."""

Levels = Sequence[tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class PricePath:
    """Price path of a symbol."""

    spans: tuple[SpanRow, ...]
    step_ms: int


def level_rows(levels: Levels, most: int) -> tuple[LevelRow, ...]:
    """Return the best levels, each with its value and the cumulative value."""
    rows, value = list[LevelRow](), Decimal(0)
    for price, quantity in levels[:most]:
        value += price * quantity
        rows.append(LevelRow(price=price, quantity=quantity, value=value))
    return tuple(rows)


def best_of(seen: PairHistory) -> tuple[Decimal | None, Decimal | None]:
    """Return the newest best bid and ask, from the latest message of any kind; None: that side is empty."""
    quote, deep = seen.quote, seen.deep_levels
    if deep is not None and (quote is None or seen.deep_levels_ms >= seen.quoted_ms):
        return _best(deep.bids), _best(deep.asks)
    return (None, None) if quote is None else (quote.bid_price, quote.ask_price)


def is_exact(seen: PairHistory, now_ms: int) -> bool:
    """Return whether the levels match the exchange: recently confirmed, not crossed, no later quote."""
    if seen.deep_levels is None or now_ms - max(seen.deep_levels_ms, seen.quoted_ms) > FRESH_MS:
        return False
    bid, ask = _best(seen.deep_levels.bids), _best(seen.deep_levels.asks)
    is_crossed = bid is not None and ask is not None and bid > ask
    return not is_crossed and best_of(seen) == (bid, ask)


def trade_rows(seen: PairHistory, most: int) -> tuple[TradeRow, ...]:
    """Return the newest trades, newest first: streamed ones, then those requested from before the stream."""
    received = [
        TradeRow(at_ms=trade.time_ms, price=trade.price, quantity=trade.quantity, side=trade.taker_side)
        for trade in reversed(seen.trades)
    ]
    first_ms = received[-1].at_ms if received else None
    before = (
        TradeRow(
            at_ms=trade.time,
            price=trade.price,
            quantity=trade.quantity,
            side=Side.SELL if trade.buyer_is_maker else Side.BUY,
        )
        for trade in seen.earlier_trades
        if first_ms is None or trade.time < first_ms
    )
    return (*received, *before)[:most]


def path_of(seen: PairHistory, since_ms: int, most: int) -> PricePath:
    """Return the price path since a time, in at most `most` spans of equal length."""
    since_ms -= since_ms % BAR_MS
    bars = [*_earlier_bars(seen), *seen.tape.bars]
    bars = [bar for bar in bars if bar.start_ms >= since_ms]
    if not bars or most <= 0:
        return PricePath((), 0)
    length_ms = bars[-1].start_ms - bars[0].start_ms
    fits = (step for step in STEPS_S if length_ms // (step * 1_000) + 2 <= most)
    step_ms = next(fits, length_ms // 1_000 // max(most - 1, 1) + 1) * 1_000
    spans = dict[int, SpanRow]()
    for bar in bars:
        start_ms = bar.start_ms - bar.start_ms % step_ms
        spans[start_ms] = _joined(spans.get(start_ms), start_ms, bar)
    return PricePath(tuple(spans.values())[-most:], step_ms)


def _joined(span: SpanRow | None, start_ms: int, bar: TapeBar) -> SpanRow:
    if span is None:
        return SpanRow(start_ms=start_ms, low=bar.low, high=bar.high, last=bar.close, value=bar.value)
    return SpanRow(
        start_ms=start_ms,
        low=min(span.low, bar.low),
        high=max(span.high, bar.high),
        last=bar.close,
        value=span.value + bar.value,
    )


def _earlier_bars(seen: PairHistory) -> Iterable[TapeBar]:
    """Yield trades from before the tape as bars of one trade, oldest first."""
    begin_ms = seen.tape.first_ms
    for trade in reversed(seen.earlier_trades):
        if begin_ms is None or trade.time < begin_ms - begin_ms % BAR_MS:
            yield _bar_of(trade)


def _bar_of(trade: PublicTrade) -> TapeBar:
    price, value = float(trade.price), float(trade.price * trade.quantity)
    start_ms = trade.time - trade.time % BAR_MS
    return TapeBar(
        start_ms=start_ms,
        open=price,
        high=price,
        low=price,
        close=price,
        value=value,
        bought=0.0 if trade.buyer_is_maker else value,
    )


def _best(side: Levels) -> Decimal | None:
    return side[0][0] if side else None
