"""Plain text of the trading part of the report."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from mexc_tui.model.digits import quantity_number, quote_number
from mexc_tui.report.trading_day import (
    Accounts,
    NotArmed,
    ReportedAttempt,
    ReportedPosition,
    ReportedSnipe,
    TradingDay,
)

CENT = Decimal("0.01")
FEW_ATTEMPTS = 3
"""Number of attempts above which only the first and the last are printed."""

At = Callable[[int], str]
"""Formats a time."""


def snipe_lines(refusals: tuple[NotArmed, ...], snipes: tuple[ReportedSnipe, ...], at: At) -> Iterator[str]:
    """Yield the refusals, snipes and positions of one listing."""
    for refusal in refusals[-1:]:
        times = f" (and {len(refusals) - 1} times before)" if len(refusals) > 1 else ""
        yield f"  refused   {at(refusal.at_ms):>8}  not armed{times}"
        for check in refusal.verdicts:
            yield f"            - {check.stage.value} {check.name.replace('_', ' ')}: {check.measured}"
    for snipe in snipes:
        yield f"  armed     {at(snipe.armed_ms):>8}  by {snipe.by}, for at most {_money(snipe.spend_cap)}"
        yield from _attempts(snipe.attempts)
        yield f"  snipe     {snipe.state.value}: {snipe.reason}" + _bought(snipe)
        for position in snipe.positions:
            yield from _position(position, at)


def trading_lines(day: TradingDay, at: At) -> Iterator[str]:
    """Yield the totals of trading and the state of the ledger."""
    totals = day.totals
    yield "Trading"
    yield (
        f"  {totals.armed} snipes armed, {totals.refused} listings refused, {totals.attempts} attempts, "
        f"{totals.filled} snipes filled"
    )
    yield (
        f"  {totals.closed} positions closed ({totals.won} won, {totals.lost} lost), {totals.open} open, "
        f"realised {_signed(totals.realised)}"
    )
    yield from _accounts(day.accounts)
    for restart in day.restarts:
        yield f"  restarted, recovery completed at {at(restart.at_ms)}"
        yield from (f"    - {line}" for line in restart.lines)


def _accounts(accounts: Accounts) -> Iterator[str]:
    holds = "holds" if abs(accounts.gap) < CENT else f"differs by {accounts.gap:f}"
    cost = f" ({accounts.at_cost} open positions at cost)" if accounts.at_cost else ""
    yield (
        f"  equity {_money(accounts.equity)} = start {_money(accounts.start)} + flows "
        f"{_signed(accounts.flows)} + realised {_signed(accounts.realised)} + unrealised "
        f"{_signed(accounts.unrealised)}{cost}: {holds}"
    )
    yield f"  fees {_money(accounts.fees)}, included in P&L"
    last = accounts.unexplained_last
    ended = "last: not finished" if last is None else f"last: {last}"
    if not accounts.compared:
        yield "  Reconciliations: none"
        return
    yield (
        f"  Reconciliations: {accounts.compared}, explained {accounts.explained}, "
        f"unexplained {accounts.unexplained} ({ended})"
    )


def _attempts(attempts: tuple[ReportedAttempt, ...]) -> Iterator[str]:
    shown = attempts if len(attempts) <= FEW_ATTEMPTS else (attempts[0], attempts[-1])
    for attempt in shown:
        code = "" if attempt.code is None else f" ({attempt.code})"
        then = f"; then {attempt.next_step}" if attempt.next_step else ""
        price = "market" if attempt.price is None else _price(attempt.price)
        yield f"  attempt   {attempt.number:>8}  at {price}: {attempt.answer}{code}{then}"
        stages = ", ".join(f"{stage.name} {stage.ms:.2f} ms" for stage in attempt.stages)
        if stages:
            yield f"            {stages}"
    if len(shown) < len(attempts):
        yield f"            {len(attempts) - len(shown)} attempts in between"


def _bought(one: ReportedSnipe) -> str:
    if one.average_price is None:
        return ""
    average = f"{_price(one.average_price)} each"
    text = f"; bought {_price(one.filled_quantity)} for {_money(one.filled_value)}, {average}"
    if one.slippage_bps is None:
        return f"{text}, slippage unknown"
    lost = "" if one.shortfall_bps is None else f", shortfall {one.shortfall_bps:+.1f} bps"
    return f"{text}, {one.slippage_bps:+.1f} bps to {one.slippage_to}{lost}"


def _position(one: ReportedPosition, at: At) -> Iterator[str]:
    if one.closed_ms is None:
        yield (
            f"  position  {at(one.opened_ms):>8}  open: {_price(one.remaining)} remaining at cost "
            f"{_money(one.remaining_cost)}, realised {_signed(one.realised)}"
        )
        return
    dust = f", {_price(one.dust)} left as dust" if one.dust else ""
    yield (
        f"  position  {at(one.closed_ms):>8}  closed by {one.close_reason.text}: "
        f"bought for {_money(one.bought_value)}, sold for {_money(one.sold_value)}, fees {_money(one.fees)}, "
        f"profit {_signed(one.realised)}{dust}"
    )


def _money(value: Decimal) -> str:
    return str(quote_number(value))


def _signed(value: Decimal) -> str:
    return f"+{_money(value)}" if value > 0 else _money(value)


def _price(value: Decimal) -> str:
    return str(quantity_number(value))
