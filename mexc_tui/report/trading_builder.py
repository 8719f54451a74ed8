"""Builds the trading part of the report from the stored day."""

from collections.abc import Iterable
from decimal import Context, Decimal

from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import Attempt, ReferenceSource, Snipe, Stamps
from mexc_tui.report.inputs import StoredDay, TradingInputs
from mexc_tui.report.trading_day import (
    Accounts,
    NotArmed,
    ReportedAttempt,
    ReportedPosition,
    ReportedSnipe,
    ReportedStage,
    Restart,
    TradingDay,
    TradingTotals,
)
from mexc_tui.risk.metrics.entries import EntryPrices, entry_prices, entry_shortfall

ZERO = Decimal(0)
NS_PER_MS = 1e6
_SHOWN = Context(prec=18)


def not_armed(listing: Listing, inputs: TradingInputs, day: StoredDay) -> tuple[NotArmed, ...]:
    """Return when and why pre-trade checks refused a listing."""
    ids = (listing.id, *listing.also_ids)
    return tuple(
        NotArmed(at_ms=refusal.at_ms, verdicts=refusal.verdicts)
        for refusal in sorted(inputs.refusals, key=lambda refusal: refusal.at_ms)
        if refusal.listing_id in ids and day.from_ms <= refusal.at_ms <= day.to_ms
    )


def reported_snipes(
    listing: Listing, inputs: TradingInputs, outcome: ListingOutcome | None, *, day: StoredDay
) -> tuple[ReportedSnipe, ...]:
    """Return the snipes of a listing, each with its positions."""
    ids = (listing.id, *listing.also_ids)
    snipes = sorted(
        (snipe for snipe in _of_day(inputs, day) if snipe.listing_id in ids),
        key=lambda snipe: (snipe.armed_ms, snipe.id),
    )
    return tuple(_snipe(snipe, inputs, outcome) for snipe in snipes)


def trading_day(inputs: TradingInputs, day: StoredDay) -> TradingDay:
    """Return the day's trading totals, and whether the ledger is correct."""
    snipes = _of_day(inputs, day)
    positions = [position for position in inputs.positions if day.from_ms <= position.opened_ms <= day.to_ms]
    closed = [position for position in positions if not position.is_open]
    armed = {snipe.listing_id for snipe in snipes}
    refused = {refusal.listing_id for refusal in inputs.refusals if day.from_ms <= refusal.at_ms <= day.to_ms}
    names = {snipe.id for snipe in snipes}
    totals = TradingTotals(
        refused=len(refused - armed),
        armed=len(snipes),
        filled=sum(snipe.filled_quantity > 0 for snipe in snipes),
        attempts=sum(attempt.snipe_id in names for attempt in inputs.attempts),
        closed=len(closed),
        open=len(positions) - len(closed),
        won=sum(position.realised > 0 for position in closed),
        lost=sum(position.realised < 0 for position in closed),
        realised=sum((position.realised for position in positions), ZERO),
    )
    restarts = tuple(
        Restart(at_ms=recovery.at_ms, lines=recovery.lines)
        for recovery in sorted(inputs.recoveries, key=lambda recovery: recovery.at_ms)
        if day.from_ms <= recovery.at_ms <= day.to_ms
    )
    return TradingDay(totals=totals, accounts=_accounts(inputs, day), restarts=restarts)


def _of_day(inputs: TradingInputs, day: StoredDay) -> list[Snipe]:
    return [snipe for snipe in inputs.snipes if day.from_ms <= snipe.armed_ms <= day.to_ms]


def _snipe(snipe: Snipe, inputs: TradingInputs, outcome: ListingOutcome | None) -> ReportedSnipe:
    average = snipe.filled_value / snipe.filled_quantity if snipe.filled_quantity else None
    attempts = sorted(
        (attempt for attempt in inputs.attempts if attempt.snipe_id == snipe.id),
        key=lambda attempt: attempt.number,
    )
    prices = entry_prices(snipe, attempts)
    orders = [order for order in inputs.entry_orders if order.intent_id == snipe.id]
    shortfall = entry_shortfall(snipe, prices, orders)
    reference, source = _reference(snipe, prices, outcome)
    known = average is not None and reference is not None and reference > 0
    bps = float((average - reference) * 10_000 / reference) if known and average and reference else None
    positions = sorted(
        (position for position in inputs.positions if position.snipe_id == snipe.id),
        key=lambda position: position.opened_ms,
    )
    return ReportedSnipe(
        id=snipe.id,
        state=snipe.state,
        reason=snipe.reason,
        by=snipe.by,
        armed_ms=snipe.armed_ms,
        spend_cap=snipe.spend_cap,
        attempts=tuple(map(_attempt, attempts)),
        filled_quantity=snipe.filled_quantity,
        filled_value=snipe.filled_value,
        average_price=None if average is None else _SHOWN.plus(average),
        slippage_bps=bps,
        slippage_to=source if known else "",
        shortfall_bps=None if shortfall is None else shortfall.bps.value,
        positions=tuple(map(_position, positions)),
    )


def _reference(
    snipe: Snipe, prices: EntryPrices, outcome: ListingOutcome | None
) -> tuple[Decimal | None, str]:
    """Return the reference price of an entry; without a prior quote, the first trade (formulas E6)."""
    if prices.arrival is not None:
        return prices.arrival, "the best ask when sent"
    if snipe.reference_price is not None:
        is_first = snipe.reference_source is ReferenceSource.FIRST
        source = "the opening price" if is_first else "the price when armed"
        return snipe.reference_price, source
    first = outcome.first_price if outcome is not None else None
    return (None if first is None else Decimal(repr(first))), "the first public trade"


def _attempt(attempt: Attempt) -> ReportedAttempt:
    return ReportedAttempt(
        number=attempt.number,
        price=attempt.price,
        answer=attempt.answer,
        code=attempt.code,
        next_step=attempt.next_step,
        stages=tuple(_stages(attempt.stamps)),
    )


def _stages(one: Stamps) -> Iterable[ReportedStage]:
    spans = (
        ("aim to written", one.aim_ns, one.written_ns),
        ("decided to written", one.decided_ns, one.written_ns),
        ("written to response", one.written_ns, one.answered_ns),
        ("written to first fill", one.written_ns, one.filled_ns),
    )
    for name, start, end in spans:
        if start is not None and end is not None:
            yield ReportedStage(name=name, ms=(end - start) / NS_PER_MS)


def _position(position: Position) -> ReportedPosition:
    return ReportedPosition(
        id=position.id,
        opened_ms=position.opened_ms,
        closed_ms=position.closed_ms,
        close_reason=position.close_reason,
        bought_quantity=position.bought_quantity,
        bought_value=position.bought_value,
        sold_value=position.sold_value,
        fees=position.fees,
        realised=position.realised,
        remaining=position.remaining,
        remaining_cost=position.remaining_cost,
        dust=position.dust,
    )


def _accounts(inputs: TradingInputs, day: StoredDay) -> Accounts:
    runs = sorted(
        (run for run in inputs.runs if day.from_ms <= run.at_ms <= day.to_ms), key=lambda run: run.at_ms
    )
    last = runs[-1] if runs and not runs[-1].problem else None
    money = inputs.money
    return Accounts(
        start=money.start,
        flows=money.flows,
        realised=money.realised,
        unrealised=money.unrealised,
        equity=money.equity,
        fees=money.fees,
        gap=money.gap,
        at_cost=money.at_cost,
        compared=len(runs),
        explained=sum(len(run.explained) for run in runs),
        unexplained=sum(len(run.unexplained) for run in runs),
        unexplained_last=None if last is None else len(last.unexplained),
    )
