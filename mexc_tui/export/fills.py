"""Builds the rows of fills from ledger entries. Pure."""

from collections.abc import Callable, Iterable
from decimal import Decimal

import msgspec

from mexc_tui.export.rows import FillRow, iso_time
from mexc_tui.ledger.arithmetic import exactly
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Position

FEE = "fee"
PRICE_STEP = Decimal("1e-18")
"""Averages are rounded to this, far below any price tick."""


def average(value: Decimal, quantity: Decimal) -> Decimal | None:
    """Return value by quantity without trailing zeros; None for a quantity of 0. For the exact context."""
    return tidy(value / quantity) if quantity else None


def tidy(value: Decimal) -> Decimal:
    """Return a number rounded to `PRICE_STEP`, without trailing zeros and without an exponent."""
    return value.quantize(PRICE_STEP).normalize() + ZERO


def fill_rows(
    entries: Iterable[LedgerEntry],
    position_of: Callable[[str], Position | None],
    order_id_of: Callable[[str], str],
) -> list[FillRow]:
    """Return the fills of entries in booking order, each with the fees booked right after it.

    `position_of`: position by id; `order_id_of`: exchange's order id by client order id.
    """
    rows = list[FillRow]()
    for entry in entries:
        if entry.kind not in (EntryKind.TRADE, EntryKind.FEE):
            continue
        position = position_of(entry.position_id)
        if position is None:
            continue
        row = _row(entry, position, order_id_of(entry.client_order_id))
        merged = _merged(rows[-1], row) if rows else None
        if merged is None:
            rows.append(row)
        else:
            rows[-1] = merged
    return [_valued(row) for row in rows]


@exactly
def _merged(fill: FillRow, fee: FillRow) -> FillRow | None:
    """Return a fill with the fee that was booked with it; None: they do not belong together."""
    is_same = (fill.client_order_id, fill.at_ms) == (fee.client_order_id, fee.at_ms)
    if fee.side != FEE or not is_same or fill.fee_asset not in ("", fee.fee_asset):
        return None
    return msgspec.structs.replace(
        fill,
        fee_asset=fee.fee_asset,
        fee=fill.fee + fee.fee,
        fee_value=(fill.fee_value or ZERO) + (fee.fee_value or ZERO),
    )


@exactly
def _row(entry: LedgerEntry, position: Position, order_id: str) -> FillRow:
    is_fee = entry.kind is EntryKind.FEE
    quantity = ZERO if is_fee else _desk_change(entry, position.base_asset)
    value = ZERO if is_fee else _desk_change(entry, position.quote_asset)
    fee_asset, fee = _fee(entry)
    return FillRow(
        time=iso_time(entry.at_ms),
        at_ms=entry.at_ms,
        symbol=position.symbol,
        side=FEE if is_fee else "buy" if quantity > 0 else "sell",
        base_asset=position.base_asset,
        quote_asset=position.quote_asset,
        quantity=abs(quantity),
        price=average(abs(value), abs(quantity)),
        value=abs(value),
        fee_asset=fee_asset if is_fee else "",
        fee=fee,
        fee_value=_fee_value(entry, position, fee_asset, fee=fee) if is_fee else None,
        order_id=order_id,
        client_order_id=entry.client_order_id,
        position_id=entry.position_id,
        entry_id=entry.id,
    )


def _fee_value(entry: LedgerEntry, position: Position, asset: str, *, fee: Decimal) -> Decimal | None:
    """Return the booked value of a fee; None: by the price of its fill, or unknown."""
    if asset == position.quote_asset:
        return fee
    return entry.flow or None


@exactly
def _valued(row: FillRow) -> FillRow:
    """Return a row whose fee in base units is valued at the price of its fill; None: unknown."""
    if row.fee_asset == row.base_asset and row.price is not None:
        return msgspec.structs.replace(row, fee_value=tidy(row.fee * row.price))
    is_unknown = row.fee and not row.fee_value
    return msgspec.structs.replace(row, fee_value=None) if is_unknown else row


def _desk_change(entry: LedgerEntry, asset: str) -> Decimal:
    """Return the change of the desk's balance of an asset."""
    changes = [posting for posting in entry.postings if posting.account is LedgerAccount.DESK]
    return sum((posting.amount for posting in changes if posting.asset == asset), ZERO)


def _fee(entry: LedgerEntry) -> tuple[str, Decimal]:
    """Return asset and amount of a fee entry. One that only values an earlier fee has no posting."""
    charged = [posting for posting in entry.postings if posting.account is LedgerAccount.FEES]
    if charged:
        return charged[0].asset, charged[0].amount
    # The id of a fee entry is client order id/fee/asset/amount/value.
    return entry.id.partition("/fee/")[2].partition("/")[0], ZERO
