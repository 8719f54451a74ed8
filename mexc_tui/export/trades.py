"""Builds the rows of trades, of the journal and of figures. Pure."""

from collections.abc import Iterable

from mexc_tui.export.fills import average
from mexc_tui.export.rows import FigureRow, JournalRow, TradeRow, iso_time
from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.model.position import Position
from mexc_tui.model.trading_view import MetricRow
from mexc_tui.model.view import FactRow


def trade_rows(positions: Iterable[Position]) -> list[TradeRow]:
    """Return positions as rows, oldest first."""
    return [_trade(position) for position in sorted(positions, key=lambda one: (one.opened_ms, one.id))]


@exactly
def _trade(position: Position) -> TradeRow:
    return TradeRow(
        position_id=position.id,
        symbol=position.symbol,
        base_asset=position.base_asset,
        quote_asset=position.quote_asset,
        state=position.state.value,
        opened=iso_time(position.opened_ms),
        closed=iso_time(position.closed_ms),
        opened_ms=position.opened_ms,
        closed_ms=position.closed_ms,
        bought_quantity=position.bought_quantity,
        bought_value=position.bought_value,
        entry_price=average(position.bought_value, position.bought_quantity),
        sold_quantity=position.sold_quantity,
        sold_value=position.sold_value,
        exit_price=average(position.sold_value, position.sold_quantity),
        fees=position.fees,
        realised=position.realised,
        remaining_quantity=position.remaining,
        remaining_cost=position.remaining_cost,
        written_off_quantity=position.dust + position.gone,
        close_reason="" if position.is_open else position.close_reason.text,
        snipe_id=position.snipe_id,
        signal_id=position.signal_id,
        settings=position.config_hash,
    )


def journal_rows(facts: Iterable[FactRow]) -> list[JournalRow]:
    """Return events as rows."""
    return [
        JournalRow(
            number=fact.sequence,
            time=iso_time(fact.at_ms),
            at_ms=fact.at_ms,
            kind=fact.kind,
            about=fact.about,
            event=bytes(fact.body).decode(),
        )
        for fact in facts
    ]


def figure_rows(metrics: Iterable[MetricRow]) -> list[FigureRow]:
    """Return the figures of the performance as rows."""
    return [
        FigureRow(
            name=metric.name,
            value=metric.value,
            low=metric.low,
            high=metric.high,
            sample=metric.n,
            smallest_sample=metric.minimum,
            text=metric.text,
        )
        for metric in metrics
    ]
