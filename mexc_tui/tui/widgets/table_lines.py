"""Columns and table lines of each view."""

from dataclasses import replace
from decimal import Decimal

from mexc_tui.model.intent import OrderState
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.order import Side
from mexc_tui.model.position import Protection
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import MIN_N_FOR_RATE
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading_view import OrderRow, PositionRow, SnipeRow
from mexc_tui.model.view import ListingRow, SignalRow
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.cell import UNKNOWN_CELL, Cell, Tone
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.table_rows import Line
from mexc_tui.tui.widgets.text import age, amount, countdown, fit_number, gain, price, utc
from mexc_tui.wording.reasons import short_close_reason, spaced

_FILLED = 16

LISTING = (
    Column("SYMBOL", 14),
    Column("OPENS IN", 11, is_number=True),
    Column("OPENS", 9, drop_order=2),
    Column("STAGE", 11),
    Column("SOURCES", 12, drop_order=1),
    Column("MOVES", 5, drop_order=5, is_number=True),
    Column("API", 3, drop_order=4),
    Column("PRICE", 11, drop_order=3, is_number=True),
    Column("NOTE", 10, drop_order=6, grows=True),
)
SIGNAL = (
    Column("AGE", 5, is_number=True),
    Column("SYMBOL", 14),
    Column("DETECTOR", 15),
    Column("PROB", 5, is_number=True),
    Column("RANGE", 7, drop_order=1),
    Column("N", 5, drop_order=2, is_number=True),
    Column("STATE", 6, drop_order=3),
    Column("REASON", 20, drop_order=4, grows=True),
)
SNIPE = (
    Column("SYMBOL", 14),
    Column("STATE", 9),
    Column("OPENS IN", 11, is_number=True),
    Column("SPEND", 10, is_number=True),
    Column("MAX PRICE", 11, drop_order=1, is_number=True),
    Column("ATTEMPTS", 8, drop_order=2, is_number=True),
    Column("REASON", 10, drop_order=3, grows=True),
)
POSITION = (
    Column("SYMBOL", 12),
    Column("P&L", 9, is_number=True),
    Column("%", 8, drop_order=2, is_number=True),
    Column("BID", 11, is_number=True),
    Column("STOP", 11, is_number=True),
    Column("ENTRY", 11, drop_order=3, is_number=True),
    Column("VALUE", 10, drop_order=4, is_number=True),
    Column("EXITS", 5, drop_order=5, is_number=True),
    Column("HELD", 5, drop_order=6, is_number=True),
    Column("STATE", 16, drop_order=1),
    Column("NOTE", 10, drop_order=7, grows=True),
)

ORDER = (
    Column("SYMBOL", 12),
    Column("SIDE", 4),
    Column("ROLE", 12, drop_order=2),
    Column("STATE", 12),
    Column("PRICE", 11, is_number=True),
    Column("FILLED", _FILLED, drop_order=1, is_number=True),
    Column("AGE", 5, drop_order=3, is_number=True),
    Column("FEES", 14, drop_order=4),
    Column("REASON", 10, drop_order=5, grows=True),
)

_STAGES = {
    ListingStage.OPEN.value: Tone.GOOD,
    ListingStage.API_ENABLED.value: Tone.STRONG,
    ListingStage.CANCELLED.value: Tone.BAD,
    ListingStage.NEVER_API.value: Tone.BAD,
    ListingStage.MATURED.value: Tone.FAINT,
}
_SNIPES = {
    SnipeState.ARMED: Tone.STRONG,
    SnipeState.READY: Tone.GOOD,
    SnipeState.FILLED: Tone.GOOD,
    SnipeState.MISSED: Tone.WARN,
    SnipeState.REJECTED: Tone.BAD,
    SnipeState.UNKNOWN: Tone.BAD,
}
_SEVERITIES = {
    Severity.WARNING.value: Tone.WARN,
    Severity.ERROR.value: Tone.BAD,
    Severity.CRITICAL.value: Tone.BAD,
}
_OPEN_ORDERS = frozenset(
    {OrderState.SENT, OrderState.ACKNOWLEDGED, OrderState.PARTIAL, OrderState.CANCELLING, OrderState.UNKNOWN}
)
_ORDERS = {
    OrderState.FILLED: Tone.GOOD,
    OrderState.ACKNOWLEDGED: Tone.STRONG,
    OrderState.PARTIAL: Tone.STRONG,
    OrderState.REJECTED: Tone.BAD,
    OrderState.UNKNOWN: Tone.BAD,
    OrderState.FOREIGN: Tone.WARN,
    OrderState.CANCELLED: Tone.FAINT,
    OrderState.ABSENT: Tone.FAINT,
}
_SOON_MS = 60_000
OLD_PRICE_MS = 1_900
"""Price times of listings are rounded down to the second: up to 1.6 s in normal operation."""
OLD_BID_MS = 1_000
"""Positions are sent every 250 ms; the best quote arrives every 100 ms even without trades."""
_BEHIND = 10**14
"""Sort opened listings after upcoming ones, newest first."""


def listing(row: ListingRow, now_ms: int) -> Line:
    """Return the table line of a listing."""
    return (
        Cell(row.symbol, Tone.STRONG),
        _opening(row.opens_ms, now_ms),
        Cell(utc(row.opens_ms), rank=row.opens_ms) if row.opens_ms is not None else UNKNOWN_CELL,
        Cell(row.stage.replace("_", " "), _STAGES.get(row.stage, Tone.PLAIN)),
        _agreement(row),
        Cell(str(row.moves), Tone.WARN if row.moves else Tone.FAINT, row.moves),
        Cell("yes", Tone.GOOD) if row.api_allowed else Cell("no", Tone.FAINT),
        _aged(price(row.price, row.price_decimals), is_old=_is_price_stale(row.priced_ms, now_ms)),
        Cell(row.outcome.replace("_", " ") or "; ".join(row.disagreements), Tone.FAINT),
    )


def _is_price_stale(priced_ms: int | None, now_ms: int) -> bool:
    """Whether the price of a listing is stale: delisted, closed, or its stream is down."""
    return priced_ms is None or now_ms - priced_ms > OLD_PRICE_MS


def prices_left_ms(source: DeskSource, now_ms: int) -> float:
    """Return the time until the next price of a listing becomes stale."""
    priced = (row.priced_ms for row in source.listings.rows.values() if row.priced_ms is not None)
    left = (float(at_ms + OLD_PRICE_MS - now_ms) for at_ms in priced)
    return min((left_ms for left_ms in left if left_ms >= 0), default=float("inf"))


def signal(row: SignalRow, now_ms: int) -> Line:
    """Return the table line of a signal; without history only the range of its probability."""
    has_no_history = row.n == 0 and row.base_n == 0
    few = Tone.FAINT if row.n < MIN_N_FOR_RATE else Tone.PLAIN
    return (
        Cell(age(now_ms - row.at_ms), rank=-row.at_ms),
        Cell(row.symbol, Tone.STRONG if row.is_active else Tone.FAINT),
        Cell(row.detector.replace("_", " "), _SEVERITIES.get(row.severity, Tone.PLAIN)),
        Cell("?", Tone.FAINT) if has_no_history else Cell(f"{row.probability:.0%}", rank=row.probability),
        Cell(f"{row.low * 100:.0f}–{row.high:.0%}", few, row.low),
        Cell(str(row.n), few, row.n),
        Cell("active") if row.is_active else Cell("ended", Tone.FAINT),
        Cell("; ".join(row.reasons), Tone.FAINT),
    )


def snipe(row: SnipeRow, now_ms: int) -> Line:
    """Return the table line of a snipe."""
    return (
        Cell(row.symbol, Tone.STRONG),
        Cell(spaced(row.state), _SNIPES.get(row.state, Tone.PLAIN)),
        _opening(row.opens_ms, now_ms),
        amount(row.spend_cap),
        price(row.price_cap, row.price_decimals),
        Cell(str(row.attempts), rank=row.attempts),
        Cell(row.reason, Tone.FAINT),
    )


def position(row: PositionRow, now_ms: int) -> Line:
    """Return the table line of a position. Values from a stale bid are prefixed with ~."""
    if row.closed_ms is not None:
        return _closed(row, row.closed_ms)
    is_old = row.bid_age_ms is not None and row.bid_age_ms > OLD_BID_MS
    places = row.price_decimals
    sold = sum(rung.where == "sold" for rung in row.rungs)
    return (
        Cell(row.symbol, Tone.STRONG),
        _aged(gain(row.unrealised), is_old=is_old),
        _aged(gain(row.unrealised_pct, 1, "%"), is_old=is_old),
        Cell("delisted", Tone.BAD) if row.delisted else _aged(price(row.bid, places), is_old=is_old),
        price(row.stop_price, places),
        price(row.entry_price, places),
        _aged(amount(row.value), is_old=is_old),
        Cell(f"{sold}/{len(row.rungs)}", rank=sold),
        Cell(age(now_ms - row.opened_ms), rank=-row.opened_ms),
        _state(row),
        Cell(row.trapped or row.protection_text, Tone.BAD if row.trapped or row.delisted else Tone.FAINT),
    )


def _aged(cell: Cell, *, is_old: bool) -> Cell:
    """Return a figure, marked if it is stale."""
    if not is_old or cell == UNKNOWN_CELL:
        return cell
    number = None if cell.number is None else replace(cell.number, before=f"~{cell.number.before.strip()}")
    return Cell(f"~{cell.text.strip()}", Tone.FAINT, cell.rank, number)


def _closed(row: PositionRow, closed_ms: int) -> Line:
    """Return the table line of a closed position: P&L, holding time, reason."""
    return (
        Cell(row.symbol, Tone.FAINT),
        gain(row.realised),
        gain(row.realised_pct, 1, "%"),
        UNKNOWN_CELL,
        UNKNOWN_CELL,
        Cell(price(row.entry_price, row.price_decimals).text, Tone.FAINT),
        UNKNOWN_CELL,
        UNKNOWN_CELL,
        Cell(age(closed_ms - row.opened_ms), Tone.FAINT, _BEHIND - closed_ms),
        Cell(f"closed: {short_close_reason(row.close_reason)}", Tone.FAINT),
        Cell(f"at {utc(closed_ms)}", Tone.FAINT),
    )


def order(row: OrderRow, now_ms: int) -> Line:
    """Return the table line of an order; a market order shows its average price."""
    is_open = row.state in _OPEN_ORDERS
    return (
        Cell(row.symbol, Tone.STRONG if is_open else Tone.PLAIN),
        Cell(row.side.value.casefold(), Tone.GOOD if row.side is Side.BUY else Tone.WARN),
        Cell(spaced(row.role)),
        Cell(spaced(row.state), _ORDERS.get(row.state, Tone.PLAIN)),
        price(row.price if row.price is not None else row.average_price, row.price_decimals),
        _filled(row),
        Cell(age(now_ms - row.created_ms), rank=-row.created_ms),
        _fees(row.fees),
        Cell(row.reason, Tone.FAINT),
    )


def _filled(row: OrderRow) -> Cell:
    """Format filled and total quantity of an order."""
    done, places, rank = row.filled_quantity, row.quantity_decimals, float(row.filled_quantity)
    if row.quantity is None:
        return price(done, places)
    text = f"{price(done, places).text} of {price(row.quantity, places).text}"
    if len(text) > _FILLED:
        each = (_FILLED - len(" of ")) // 2
        text = f"{fit_number(done, places, each)} of {fit_number(row.quantity, places, each)}"
    return Cell(text, rank=rank)


def _fees(fees: str) -> Cell:
    """Format the fees of an order; a single fee keeps its asset when shortened."""
    amount_text, _, asset = fees.partition(" ")
    if not asset or " " in asset:
        return Cell(fees, Tone.FAINT)
    found = price(Decimal(amount_text)).number
    return Cell(fees, Tone.FAINT, number=None if found is None else replace(found, after=f" {asset}"))


def _opening(opens_ms: int | None, now_ms: int) -> Cell:
    if opens_ms is None:
        return UNKNOWN_CELL
    left_ms = opens_ms - now_ms
    tone = Tone.WARN if 0 < left_ms <= _SOON_MS else Tone.PLAIN if left_ms > 0 else Tone.FAINT
    rank = opens_ms if left_ms > 0 else _BEHIND - opens_ms
    return Cell(countdown(opens_ms, now_ms), tone, rank)


def _agreement(row: ListingRow) -> Cell:
    """Summarise the agreement of the sources on the opening."""
    if row.disagreements:
        return Cell("DISPUTED", Tone.BAD, -1)
    if not row.sources:
        return Cell("withdrawn", Tone.BAD, 0)
    count = len(row.sources)
    if count == 1:
        return Cell("manual" if row.sources[0] == "manual" else "one source", Tone.WARN, 1)
    return Cell(f"{count} agree", Tone.GOOD, count)


def _state(row: PositionRow) -> Cell:
    """Summarise the protection of a position."""
    if row.trapped:
        return Cell("TRAPPED", Tone.BAD)
    if row.protection is Protection.ENGINE:
        return Cell("stop in engine", Tone.WARN)
    if row.protection is Protection.DUST:
        return Cell("dust", Tone.FAINT)
    return Cell("UNPROTECTED", Tone.BAD)
