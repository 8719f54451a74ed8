"""Checks of the load benchmark: each fails on its own defect."""

from dataclasses import replace
from decimal import Decimal

import pytest

from benchmarks.load_checks import (
    VIEWERS,
    Measured,
    ShownPrices,
    TopPrices,
    Trade,
    ViewerReport,
    age_ms,
    failures,
    growth_mb,
    missing_trades,
)

ONE, TWO, THREE = Decimal(1), Decimal(2), Decimal(3)
HISTORY = (TopPrices(1_000, ONE, TWO), TopPrices(2_000, TWO, THREE), TopPrices(5_000, ONE, THREE))


def shown(at_ms: int, bid: Decimal, ask: Decimal) -> ShownPrices:
    return ShownPrices("AUSDT", at_ms, at_ms, bid, ask)


@pytest.mark.parametrize(
    ("at_ms", "bid", "ask", "age"),
    [
        (1_500, ONE, TWO, 0),
        (2_600, ONE, TWO, 600),
        (6_000, TWO, THREE, 1_000),
        (6_000, ONE, TWO, 4_000),
        (6_000, THREE, THREE, None),
        (1_999, TWO, THREE, 0),
    ],
)
def test_the_age_of_a_price_counts_from_the_change_that_ended_it(
    at_ms: int, bid: Decimal, ask: Decimal, age: int | None
) -> None:
    assert age_ms(HISTORY, shown(at_ms, bid, ask)) == age


def test_a_price_is_marked_once_it_is_old() -> None:
    assert not ShownPrices("AUSDT", 2_500, 1_000, ONE, TWO).is_marked
    assert ShownPrices("AUSDT", 2_501, 1_000, ONE, TWO).is_marked
    assert ShownPrices("AUSDT", 2_501, None, ONE, TWO).is_marked


def test_a_trade_is_missing_unless_it_was_shown_or_lies_in_a_gap() -> None:
    trades = [Trade("AUSDT", at_ms, ONE, TWO) for at_ms in (1, 2, 3)]
    assert missing_trades(trades, {trades[0]}, [("AUSDT", 3, 4), ("BUSDT", 2, 2)]) == [trades[1]]


def test_the_growth_is_the_slope_of_the_second_half() -> None:
    assert growth_mb([(0, 50.0), (1, 90.0), (2, 100.0), (3, 101.0), (4, 102.0)]) == 2.0


GOOD = Measured(
    per_s=5_000, burst=50_000, symbols=500, live=1_500, topics=1_500, memory=[(0, 80.0), (1, 80.0)], head=9,
    viewers=[ViewerReport(1, 9, 0)] * VIEWERS, trades=1, ages_ms=[0],
)  # fmt: skip


def test_a_good_run_passes() -> None:
    assert failures(GOOD, per_s=5_000, burst=50_000) == []


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        (replace(GOOD, per_s=4_000), "4,000 stream messages/s"),
        (replace(GOOD, burst=10), "burst"),
        (replace(GOOD, live=1_499), "1,499 of 1,500"),
        (replace(GOOD, viewers=GOOD.viewers[1:]), "9 of 10"),
        (replace(GOOD, viewers=[ViewerReport(1, 8, 0), *GOOD.viewers[1:]]), "event 9"),
        (replace(GOOD, viewers=[ViewerReport(1, 9, 1), *GOOD.viewers[1:]]), "with a gap"),
        (replace(GOOD, missing=[Trade("AUSDT", 1, ONE, TWO)]), "1 of 1 trades"),
        (replace(GOOD, stream_lost=3), "3 stream messages"),
        (replace(GOOD, ages_ms=[]), "No shown price"),
        (replace(GOOD, ages_ms=[None]), "never true"),
        (replace(GOOD, ages_ms=[2_001]), "2,001 ms old"),
        (replace(GOOD, memory=[(0, 1.0), (1, 1.0), (2, 2.0), (3, 20.0)]), "memory grew"),
        (replace(GOOD, stream_waiting=10**6), "1,000,000 stream messages"),
        (replace(GOOD, viewer_bytes=10**6), "bytes of a front end"),
        (replace(GOOD, subscriber_waiting=1_001), "facts of a subscriber"),
        (replace(GOOD, store_waiting=1_001), "units of the database"),
    ],
)
def test_each_defect_is_one_sentence(bad: Measured, sentence: str) -> None:
    (found,) = failures(bad, per_s=5_000, burst=50_000)
    assert sentence in found
