"""Compute the figures of docs/reference/formulas.md from the stored ledger, one scope at a time.

Synchronous and slow (10,000 resamples): run it beside the event loop, in a store read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from statistics import fmean, median

from mexc_tui.engine.accounting.equity_check import (
    EquityIdentity,
    Marks,
    all_positions,
    all_snipes,
    compute_identity,
)
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.ledger.equity import market_value
from mexc_tui.model.figure import Figure, FigureUnit, too_few
from mexc_tui.model.intent import ZERO
from mexc_tui.model.order import Side
from mexc_tui.model.position import EquityPoint, Position
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.model.trading_view import MetricRow, PerformanceRow
from mexc_tui.ports.trading_store import TradingTables
from mexc_tui.risk.metrics import account, trades
from mexc_tui.risk.metrics.drawdown import Moment, max_drawdown, ulcer_index
from mexc_tui.risk.metrics.entries import entry_prices, entry_shortfall
from mexc_tui.risk.metrics.equity import DAY_MS, daily, index_of, period_returns
from mexc_tui.risk.metrics.execution import fill_ratio, refusal_rates, slippage_bps
from mexc_tui.risk.metrics.exposure import (
    ExposureHolding,
    by_symbol,
    concentration,
    effective_number,
    gap_loss,
    gross_exposure,
    risk_at_stop,
    share_of_equity,
)
from mexc_tui.risk.metrics.held import holdings_tail
from mexc_tui.risk.metrics.latency import LatencySpan, stage_latencies
from mexc_tui.risk.metrics.trades import ClosedTrade, trade_of
from mexc_tui.risk.metrics.value_at_risk import ConfidenceLevel, historical_es, historical_var

CLOSES = 400
DAYS = 60
GAPS_PCT = (30, 50, 100)
"""Gap losses, for coins listed within a day (formulas E1)."""
HISTORY_MS = 5 * DAY_MS
"""Length of the minute history for the VaR of holdings."""
LEVELS = ((ConfidenceLevel.P95, "95 %"), (ConfidenceLevel.P99, "99 %"))
SEED = 1
"""Fixed seed: the same ledger gives the same intervals."""

Named = tuple[str, Figure]


def performance_of(tables: TradingTables, scope: str, marks: Marks) -> PerformanceRow:
    """Return the performance of the desk in one scope."""
    positions = list(all_positions(tables))
    money = compute_identity(tables, positions, marks)
    closes = tables.equity.daily_closes(CLOSES)
    snipes = list(all_snipes(tables))
    attempts = [attempt for snipe in snipes for attempt in tables.attempts.of_snipe(snipe.id)]
    closed = [one for position in positions if (one := trade_of(position))]
    named = (
        *_of_account(closes),
        *_of_trades(closed, closes),
        *_of_time(tables, positions),
        *_of_entries(tables, snipes, attempts),
        *_of_execution(attempts),
        *_of_days(closes, money.equity),
        *_of_holdings(
            tables,
            [position for position in positions if position.is_open and position.remaining],
            marks,
            money=money,
        ),
    )
    return PerformanceRow(
        scope=scope,
        quote_asset=QUOTE,
        start_equity=money.start,
        equity=money.equity,
        flows=money.flows,
        realised=money.realised,
        unrealised=money.unrealised,
        fees=money.fees,
        identity_gap=money.gap,
        metrics=tuple(metric_row(name, figure) for name, figure in named),
        days=tuple(reversed(tables.days.latest(DAYS))),
        points=tuple(closes),
    )


def metric_row(name: str, figure: Figure) -> MetricRow:
    """Return a figure as a row for front ends."""
    return MetricRow(
        name=name,
        text=str(figure),
        value=figure.value,
        n=figure.n,
        minimum=figure.minimum,
        low=figure.low,
        high=figure.high,
    )


def _of_account(closes: Sequence[EquityPoint]) -> Iterable[Named]:
    """Yield figures of daily returns, net of flows (formulas E3, E4)."""
    points = daily(closes)
    returns = period_returns(points)
    index = [Moment(place * DAY_MS, Decimal(level)) for place, level in enumerate(index_of(returns))]
    fall = max_drawdown(index)
    yield "total return", account.total_return(returns)
    yield "annual return", account.cagr(returns)
    yield "annual volatility", account.volatility(returns)
    yield "maximum drawdown", fall
    yield "ulcer index", ulcer_index(index)
    yield "Sharpe", account.sharpe(returns)
    yield "Sortino", account.sortino(returns)
    yield "Calmar", account.calmar(returns)
    yield "Omega", account.omega(returns)
    yield "probabilistic Sharpe", account.probabilistic_sharpe(returns)


def _of_trades(closed: Sequence[ClosedTrade], closes: Sequence[EquityPoint]) -> Iterable[Named]:
    """Yield figures of closed positions (formulas E5)."""
    moves, random = trades.excursions(closed), Random(SEED)
    yield "win rate", trades.win_rate(closed)
    yield "profit factor", trades.profit_factor(closed)
    yield "payoff ratio", trades.payoff_ratio(closed)
    yield "expectancy", trades.expectancy(closed, random)
    yield "expectancy in R", trades.expectancy_r(closed, random)
    yield "SQN", trades.sqn(closed)
    yield "quarter Kelly", trades.kelly(closed).applied
    yield "MAE (median)", moves.adverse
    yield "MFE (median)", moves.favourable
    yield "holding time", trades.holding_time(closed)
    equities = [point.equity for point in closes]
    yield "turnover", trades.turnover(closed, Decimal(fmean(equities)) if equities else ZERO)
    yield "fee drag", trades.fee_drag(closed)


def _of_time(tables: TradingTables, positions: Sequence[Position]) -> Iterable[Named]:
    """Yield the share of time with an open position, from the opening entry to the last mark."""
    latest, start = tables.equity.latest(), tables.entries.get("start")
    ends = [position.closed_ms or position.opened_ms for position in positions]
    begins = [position.opened_ms for position in positions]
    ends += [] if latest is None else [latest.at_ms]
    begins += [] if start is None else [start.at_ms]
    from_ms, until_ms = min(begins, default=0), max(ends, default=0)
    spans = [
        (position.opened_ms, position.closed_ms or until_ms)
        for position in positions
        if position.bought_quantity
    ]
    yield "time in market", trades.time_in_market(spans, from_ms, until_ms)


def _of_entries(
    tables: TradingTables, snipes: Sequence[Snipe], attempts: Sequence[Attempt]
) -> Iterable[Named]:
    """Yield entry figures: slippage to the ask and to the decision price, fill ratio (formulas E6)."""
    ended = [snipe for snipe in snipes if snipe.attempts]
    to_ask, to_decision, shortfalls = list[Figure](), list[Figure](), list[Figure]()
    for snipe in ended:
        prices = entry_prices(snipe, (tried for tried in attempts if tried.snipe_id == snipe.id))
        average = snipe.filled_value / snipe.filled_quantity if snipe.filled_quantity else None
        to_ask.append(slippage_bps(Side.BUY, average, prices.arrival))
        to_decision.append(slippage_bps(Side.BUY, average, prices.decision))
        shortfall = entry_shortfall(snipe, prices, tables.orders.of_intent(snipe.id))
        shortfalls += [] if shortfall is None else [shortfall.bps]
    yield "entry slippage to the ask", _median(to_ask, FigureUnit.BPS)
    yield "entry slippage to the decision price", _median(to_decision, FigureUnit.BPS)
    yield "implementation shortfall", _median(shortfalls, FigureUnit.BPS)
    shares = [fill_ratio(snipe.filled_value, snipe.spend_cap) for snipe in ended]
    yield "entry filled", _median(shares, FigureUnit.SHARE)


def _of_execution(attempts: Sequence[Attempt]) -> Iterable[Named]:
    """Yield rejection rates by code and stage latencies of attempts (formulas E6)."""
    for rate in refusal_rates([attempt.code for attempt in attempts]):
        yield f"refused with {rate.code}", rate.rate
    for stage in stage_latencies(attempt.stamps for attempt in attempts):
        if stage.percentiles.n or stage.span is LatencySpan.DECISION_TO_WIRE:
            yield f"{stage.span.value}, p50", stage.percentiles.p50
            yield f"{stage.span.value}, p99", stage.percentiles.p99


def _of_days(closes: Sequence[EquityPoint], equity: Decimal) -> Iterable[Named]:
    """Yield VaR and ES of a day from past daily returns (formulas E2)."""
    returns = period_returns(daily(closes))
    for level, text in LEVELS:
        yield f"VaR {text}, a day", historical_var(returns, equity, level)
        yield f"ES {text}, a day", historical_es(returns, equity, level)


def _of_holdings(
    tables: TradingTables, held: Sequence[Position], marks: Marks, *, money: EquityIdentity
) -> Iterable[Named]:
    """Yield figures of open positions (formulas E1, E2)."""
    holdings = [_holding(position, marks) for position in held]
    equity = money.equity
    yield "exposure", _unpriced(share_of_equity(gross_exposure(holdings), equity), money)
    yield "concentration (HHI)", concentration(holdings)
    yield "effective positions", effective_number(holdings)
    yield "open risk", risk_at_stop(holdings, ZERO, equity).of_equity
    values, points = by_symbol(holdings), _minutes(tables) if holdings else ()
    for level, text in LEVELS:
        loss, shortfall = holdings_tail(values, points, level)
        yield f"VaR {text}, a minute", loss
        yield f"ES {text}, a minute", shortfall
    for lower in GAPS_PCT:
        loss = gap_loss(holdings, Decimal(lower) / 100)
        yield (
            f"lost if coins open {lower} % lower",
            Figure(value=float(loss), n=len(holdings), minimum=0, unit=FigureUnit.QUOTE),
        )


def _minutes(tables: TradingTables) -> Sequence[EquityPoint]:
    """Return the stored points of the last days, oldest first."""
    latest = tables.equity.latest()
    if latest is None:
        return ()
    return tables.equity.between(latest.at_ms - HISTORY_MS, latest.at_ms + 1)


def _holding(position: Position, marks: Marks) -> ExposureHolding:
    mark = marks.get(position.id)
    value = None if mark is None else market_value(replace(mark, position=position))
    price = (position.remaining_cost if value is None else value) / position.remaining
    return ExposureHolding(
        symbol=position.symbol, quantity=position.remaining, price=price, stop=position.stop_price or None
    )


def _unpriced(figure: Figure, money: EquityIdentity) -> Figure:
    if not money.unpriced:
        return figure
    text = f"{money.unpriced} at cost: no current price"
    return (
        Figure(value=figure.value, n=figure.n, minimum=figure.minimum, text=text, unit=figure.unit)
        if figure.value
        else figure
    )


def _median(figures: Iterable[Figure], unit: FigureUnit) -> Figure:
    """Return the median of the figures with a value."""
    values = [figure.value for figure in figures if figure.value is not None]
    if not values:
        return too_few(0, 1, unit)
    return Figure(value=median(values), n=len(values), minimum=1, text="median", unit=unit)
