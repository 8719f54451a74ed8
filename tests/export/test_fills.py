"""Fills of entries that the real booking made: each with its fee, nothing lost or counted twice."""

from decimal import Decimal as D

import pytest

from mexc_tui.export.fills import fill_rows
from mexc_tui.export.rows import FillRow
from mexc_tui.ledger.evidence import from_report, from_trades
from mexc_tui.model.order import OrderStatus
from mexc_tui.model.position import EntryKind, LedgerAccount
from tests.support.samples.ledger_samples import (
    NOON_MS,
    LedgerBench,
    bench_with_position,
    bench_with_sell_order,
    intent,
    order,
    report,
    trade,
)


def rows_of(desk: LedgerBench) -> list[FillRow]:
    return fill_rows(
        desk.entries.values(), desk.positions.get, lambda name: desk.orders[name].order_id if name else ""
    )


def test_a_buy_has_its_quote_fee_in_the_same_row() -> None:
    (row,) = rows_of(bench_with_position())
    assert (row.symbol, row.side, row.quantity, row.value, row.price) == (
        "ABCUSDT",
        "buy",
        D(10),
        D(20),
        D(2),
    )
    assert (row.fee_asset, row.fee, row.fee_value) == ("USDT", D("0.01"), D("0.01"))
    assert (row.order_id, row.time) == ("x-buy-1", "2027-01-15T12:00:00.000Z")


def test_a_sale_is_a_row_of_its_own_with_positive_amounts() -> None:
    desk = bench_with_sell_order(bench_with_position(), "4", "9")
    sale = rows_of(desk)[-1]
    assert (sale.side, sale.quantity, sale.value, sale.price) == ("sell", D(4), D(9), D("2.25"))


@pytest.mark.parametrize(
    ("asset", "fee", "value"), [("MX", "0.02", "0.06"), ("ABC", "0.1", "0.2"), ("USDT", "0.03", "0.03")]
)
def test_a_fee_is_valued_in_the_quote_asset(asset: str, fee: str, value: str) -> None:
    desk = LedgerBench(prices={"MX": D(3)}).start(USDT="1000", MX="5")
    desk.expect(intent(), order())
    desk.apply_evidence(
        "buy-1",
        from_report(report("buy-1", "10", "20", OrderStatus.FILLED), NOON_MS),
        from_trades((trade("buy-1", 1, "10", fee, asset),)),
    )
    rows = rows_of(desk)
    assert sum(row.fee for row in rows) == D(fee)
    assert sum(row.fee_value or 0 for row in rows) == D(value)
    assert {row.fee_asset for row in rows if row.fee} == {asset}


def test_a_fee_without_a_price_has_no_value() -> None:
    desk = LedgerBench().start(USDT="1000", MX="5")
    desk.expect(intent(), order())
    desk.apply_evidence(
        "buy-1",
        from_report(report("buy-1", "10", "20", OrderStatus.FILLED), NOON_MS),
        from_trades((trade("buy-1", 1, "10", "0.02", "MX"),)),
    )
    (row,) = rows_of(desk)
    assert (row.fee_asset, row.fee, row.fee_value) == ("MX", D("0.02"), None)


def test_a_fee_reported_later_is_a_row_without_quantity() -> None:
    desk = LedgerBench().start(USDT="1000")
    desk.expect(intent(), order())
    desk.apply_evidence("buy-1", from_report(report("buy-1", "10", "20", OrderStatus.FILLED), NOON_MS))
    desk.now_ms += 5_000
    desk.apply_evidence("buy-1", from_trades((trade("buy-1", 1, "10", "0.01"),)))
    fill, fee = rows_of(desk)
    assert (fill.side, fill.fee) == ("buy", D(0))
    assert (fee.side, fee.quantity, fee.price, fee.fee, fee.fee_value) == (
        "fee",
        D(0),
        None,
        D("0.01"),
        D("0.01"),
    )


def test_partial_fills_add_up_to_the_ledger() -> None:
    desk = LedgerBench(prices={"MX": D(3)}).start(USDT="1000", MX="5")
    desk.expect(intent(), order())
    for number, (quantity, value, status) in enumerate(
        [
            ("3", "6", OrderStatus.PARTIALLY_FILLED),
            ("7", "14", OrderStatus.PARTIALLY_FILLED),
            ("10", "20", OrderStatus.FILLED),
        ]
    ):
        desk.now_ms += 100
        desk.apply_evidence(
            "buy-1",
            from_report(report("buy-1", quantity, value, status), desk.now_ms),
            from_trades((trade("buy-1", number, "3" if number < 2 else "4", "0.001"),)),
        )
    rows = rows_of(desk)
    assert [row.side for row in rows if row.quantity] == ["buy"] * 3
    assert (sum(row.quantity for row in rows), sum(row.value for row in rows)) == (D(10), D(20))
    fees = [
        posting
        for entry in desk.entries.values()
        if entry.kind is EntryKind.FEE
        for posting in entry.postings
    ]
    booked = sum(posting.amount for posting in fees if posting.account is LedgerAccount.FEES)
    assert sum(row.fee for row in rows) == booked > 0
