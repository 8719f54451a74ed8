"""The slippage cap of a sale is measured from its first bid, over all its orders."""

from dataclasses import replace

from mexc_tui.sniping.escalation import SaleAttempt, SaleMethod, escalate
from mexc_tui.sniping.slippage_cap import CONFIRM_MS, SlippageCap, observed
from tests.support.samples.sniping_samples import GRID, T0, D

SLIPPAGE = D(10)
FIRST = observed(None, D(1), SLIPPAGE, now_ms=T0, is_manual=False)
SALE = SaleAttempt(number=1, quantity=D(100), free=D(100), bid=D(1), last=D(1), cap=FIRST)


def test_a_sale_follows_a_falling_bid_down_to_the_cap() -> None:
    prices = [
        escalate(replace(SALE, bid=D(bid)), GRID, SLIPPAGE, now_ms=T0).price for bid in ("1", "0.95", "0.9")
    ]
    assert prices == [D("0.9"), D("0.9"), D("0.9")]
    capped = escalate(replace(SALE, bid=D("0.89")), GRID, SLIPPAGE, now_ms=T0)
    assert (capped.method, capped.price, capped.is_alarm, capped.wakes_at) == (
        SaleMethod.CAPPED,
        None,
        True,
        D("0.9"),
    )
    assert "more than 10 % below the first bid of 1" in capped.text


def test_a_sale_uses_a_rising_bid() -> None:
    assert escalate(replace(SALE, bid=D(2)), GRID, SLIPPAGE, now_ms=T0).price == D("1.8")


def test_a_stop_accepts_a_bid_that_stays_low_for_a_minute() -> None:
    cap = FIRST
    for second, bid in ((0, "0.7"), (20, "0.8"), (52, "0.75"), (59, "0.001")):
        cap = observed(cap, D(bid), SLIPPAGE, now_ms=T0 + second * 1_000, is_manual=False)
        assert cap.first_bid == 1
    cap = observed(cap, D("0.7"), SLIPPAGE, now_ms=T0 + CONFIRM_MS, is_manual=False)
    assert cap == SlippageCap(first_bid=D("0.75"), slippage_pct=SLIPPAGE)


def test_a_stop_sells_after_a_minute_while_the_bid_keeps_falling() -> None:
    cap, bid = FIRST, D("0.8")
    for second in range(61):
        cap = observed(cap, bid, SLIPPAGE, now_ms=T0 + second * 1_000, is_manual=False)
        bid *= D("0.992")
    assert cap.first_bid < D("0.55")
    assert escalate(replace(SALE, bid=bid, cap=cap), GRID, SLIPPAGE, now_ms=T0).is_order


def test_a_recovering_bid_restarts_the_minute() -> None:
    cap = observed(FIRST, D("0.7"), SLIPPAGE, now_ms=T0, is_manual=False)
    cap = observed(cap, D("0.95"), SLIPPAGE, now_ms=T0 + 30_000, is_manual=False)
    cap = observed(cap, D("0.7"), SLIPPAGE, now_ms=T0 + CONFIRM_MS, is_manual=False)
    assert (cap.first_bid, cap.below_since_ms) == (1, T0 + CONFIRM_MS)


def test_a_manual_sale_waits_until_it_is_repeated() -> None:
    cap = observed(FIRST, D("0.7"), SLIPPAGE, now_ms=T0, is_manual=True)
    cap = observed(cap, D("0.7"), SLIPPAGE, now_ms=T0 + 100 * CONFIRM_MS, is_manual=True)
    assert cap.first_bid == 1
    capped = escalate(replace(SALE, bid=D("0.7"), cap=cap), GRID, SLIPPAGE, now_ms=T0)
    assert "close again to sell at the current bid" in capped.text
