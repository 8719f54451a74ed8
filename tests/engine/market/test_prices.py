"""Cached prices follow the version order of the book and have the age of their bid."""

from dataclasses import replace
from decimal import Decimal

import pytest

from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.model.order import Side
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from tests.support.store_parts import ManualClock

D = Decimal
PAIR = "NEWUSDT"


def quote(bid: str, version: int) -> BestQuote:
    return BestQuote(
        symbol=PAIR,
        bid_price=D(bid),
        bid_quantity=D(1),
        ask_price=D(bid) * 2,
        ask_quantity=D(1),
        version=version,
    )


def levels(bid: str, version: int) -> TopLevels:
    return TopLevels(symbol=PAIR, asks=((D(bid) * 2, D(1)),), bids=((D(bid), D(1)),), version=version)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def prices(clock: ManualClock) -> PriceCache:
    return PriceCache(clock, clock.now_ms)


def test_an_older_version_never_replaces_a_newer_bid(prices: PriceCache) -> None:
    prices.on_quote(quote("1", 10))
    prices.on_levels(levels("0.5", 9))
    prices.on_quote(quote("0.4", 8))
    assert prices.of(PAIR).bid == D(1)
    prices.on_levels(levels("0.9", 10))
    prices.on_quote(quote("0.8", 11))
    assert prices.of(PAIR).bid == D("0.8")


def test_listeners_are_not_called_for_an_older_version(prices: PriceCache) -> None:
    bids = list[Decimal | None]()
    prices.on_move(lambda move: bids.append(move.price.bid))
    prices.on_quote(quote("1", 10))
    prices.on_quote(quote("0.5", 9))
    assert bids == [D(1)]


def test_a_quote_without_a_version_is_always_accepted(prices: PriceCache) -> None:
    prices.on_quote(quote("1", 10))
    prices.on_quote(quote("0.5", 0))
    assert prices.of(PAIR).bid == D("0.5")


def test_versions_may_restart_with_a_subscription_or_after_two_silent_seconds(
    clock: ManualClock, prices: PriceCache
) -> None:
    prices.on_quote(quote("1", 10**17))
    clock.pass_s(1.9)
    prices.on_quote(quote("0.5", 5))
    assert prices.of(PAIR).bid == D(1)
    clock.pass_s(0.1)
    prices.on_quote(quote("0.6", 6))
    assert prices.of(PAIR).bid == D("0.6")
    prices.reset_version(PAIR)
    prices.on_quote(quote("0.7", 1))
    assert prices.of(PAIR).bid == D("0.7")


def test_a_trade_does_not_refresh_the_age_of_the_bid(clock: ManualClock, prices: PriceCache) -> None:
    prices.on_quote(quote("1", 10))
    clock.pass_s(5)
    prices.on_deals(
        [
            StreamDeal(
                symbol=PAIR,
                price=D(1),
                quantity=D(1),
                taker_side=Side.BUY,
                time_ms=clock.now_ms(),
                trade_id="1",
            )
        ]
    )
    assert prices.age_ms(PAIR) == 5_000


def test_a_late_trade_does_not_become_the_last_price(clock: ManualClock, prices: PriceCache) -> None:
    def traded(price: str, before_ms: int) -> list[StreamDeal]:
        return [
            StreamDeal(
                symbol=PAIR,
                price=D(price),
                quantity=D(1),
                taker_side=Side.BUY,
                time_ms=clock.now_ms() - before_ms,
                trade_id=price,
            )
        ]

    prices.on_deals(traded("1", 0))
    prices.on_deals(traded("0.1", 60_000))
    assert prices.of(PAIR).last == D(1)
    prices.on_deals(traded("3", -3_600_000))
    clock.pass_s(1)
    prices.on_deals(traded("2", 0))
    assert prices.of(PAIR).last == D(2)


def test_a_very_low_bid_is_accepted_a_minute_after_the_last_trade(
    clock: ManualClock, prices: PriceCache
) -> None:
    prices.on_deals(
        [
            StreamDeal(
                symbol=PAIR,
                price=D(1),
                quantity=D(1),
                taker_side=Side.BUY,
                time_ms=clock.now_ms(),
                trade_id="1",
            )
        ]
    )
    prices.on_quote(quote("0.04", 1))
    assert prices.believed_bid(PAIR) is None
    prices.on_quote(quote("0.06", 2))
    assert prices.believed_bid(PAIR) == D("0.06")
    clock.pass_s(61)
    prices.on_quote(quote("0.04", 3))
    assert prices.believed_bid(PAIR) == D("0.04")


def test_a_quote_that_waited_has_the_age_of_its_sending(clock: ManualClock, prices: PriceCache) -> None:
    late = replace(quote("1", 10), sent_ms=clock.now_ms() - 6_000)
    prices.on_quote(late)
    assert (prices.age_ms(PAIR), prices.of(PAIR).updated_ms) == (6_000, clock.now_ms() - 6_000)
    prices.on_levels(replace(levels("1", 11), sent_ms=clock.now_ms() - 3_000))
    assert (prices.age_ms(PAIR), prices.of(PAIR).updated_ms) == (3_000, clock.now_ms() - 3_000)
