"""Each pre-trade limit, its message, and the change that would satisfy it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.verdict import Verdict, refusals
from mexc_tui.risk.candidate import Candidate, HeldPosition, Reserved, RiskBook, RiskLimits
from mexc_tui.risk.entry_conditions import walk
from mexc_tui.risk.entry_limits import DAY_MS, check_entry, exposure

D = Decimal
NOW = 20_000 * DAY_MS + 10 * 3_600_000
LIMITS = RiskLimits()
CANDIDATE = Candidate(symbol="NEWUSDT", spend=D(10), opens_ms=NOW + 60_000)
BOOK = RiskBook(
    equity=D(1_000),
    peak=D(1_000),
    free_cash=D(1_000),
    day_equity=D(1_000),
    clock_offset_ms=1,
    clock_error_ms=2,
    stream_age_ms=3,
    weight_left=400,
    orders_left=10,
)
OTHER = Reserved(snipe_id="s2", symbol="OTHERUSDT", amount=D(10), opens_ms=NOW + 600_000)


def verdict(name: str, book: RiskBook = BOOK, now_ms: int = NOW, **candidate: Any) -> Verdict:
    found = check_entry(replace(CANDIDATE, **candidate), book, LIMITS, now_ms=now_ms)
    return next(item for item in found if item.name == name)


def test_a_small_entry_into_an_empty_book_passes_every_limit() -> None:
    assert refusals(check_entry(CANDIDATE, BOOK, LIMITS, now_ms=NOW)) == ()


REFUSED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("equity", {"equity": None}, {}),
    ("free_cash", {"free_cash": D(9)}, {}),
    ("position_cap_quote", {}, {"spend": D(101)}),
    ("position_cap", {}, {"spend": D(51)}),
    ("exposure", {"held": (HeldPosition("AUSDT", D(150)),), "reserved": (replace(OTHER, amount=D(41)),)}, {}),
    (
        "positions",
        {"held": (HeldPosition("AUSDT", D(1)), HeldPosition("BUSDT", D(1))), "reserved": (OTHER,)},
        {},
    ),
    ("one_per_symbol", {"held": (HeldPosition("NEWUSDT", D(1)),)}, {}),
    ("one_per_symbol", {"reserved": (replace(OTHER, symbol="NEWUSDT"),)}, {}),
    ("snipes_at_once", {"reserved": (replace(OTHER, opens_ms=NOW + 60_000),)}, {}),
    ("trades_hour", {"entries_ms": (NOW - 1,) * 5}, {}),
    ("trades_day", {"entries_ms": (NOW - 2 * 3_600_000,) * 10}, {}),
    ("daily_loss", {"equity": D(980)}, {}),
    ("daily_loss", {"day_equity": None}, {}),
    ("drawdown", {"peak": D(1_112)}, {}),
    ("losses_in_a_row", {"losses_in_a_row": 3, "last_loss_ms": NOW - 1}, {}),
    ("losses_in_a_row", {"losses_in_a_row": 5, "last_loss_ms": NOW - 9_000_000}, {}),
    ("cooldown", {"exits_ms": (("NEWUSDT", NOW - 3_599_999),)}, {}),
    ("premium", {}, {"price": D("1.26"), "reference_price": D(1)}),
    ("premium", {}, {"opens_ms": NOW}),
    ("slippage", {}, {"asks": ((1.0, 5.0), (1.1, 50.0))}),
    ("slippage", {}, {"asks": ((1.0, 5.0),)}),
    ("clock", {"clock_offset_ms": 901}, {}),
    ("clock", {"clock_error_ms": None}, {}),
    ("stream_age", {"stream_age_ms": 5_001}, {}),
    ("stream_age", {"stream_age_ms": None}, {}),
    ("weight_left", {"weight_left": 1}, {}),
    ("orders_left", {"orders_left": 0}, {}),
]


@pytest.mark.parametrize(("name", "book", "candidate"), REFUSED)
def test_each_limit_refuses_and_states_what_would_satisfy_it(
    name: str, book: dict[str, Any], candidate: dict[str, Any]
) -> None:
    found = verdict(name, replace(BOOK, **book), **candidate)
    assert not found.passed
    assert found.value
    assert found.limit
    assert found.flip


def test_an_exposure_cap_in_quote_units_lowers_the_share_of_equity() -> None:
    book = replace(BOOK, held=(HeldPosition("AUSDT", D(50)),))
    capped = replace(LIMITS, exposure_cap_quote=D(59))
    assert verdict("exposure", book).passed
    refused = next(one for one in check_entry(CANDIDATE, book, capped, now_ms=NOW) if one.name == "exposure")
    assert (refused.passed, refused.limit) == (False, "59 USDT (live cap)")
    assert refused.flip == "spend at most 9, or close 1 of positions"


def test_the_counter_of_a_day_restarts_at_midnight_utc() -> None:
    book = replace(BOOK, entries_ms=(NOW,) * 10)
    refused = verdict("trades_day", book)
    assert refused.until_ms is not None
    assert verdict("trades_day", book, refused.until_ms).passed
    assert not verdict("trades_day", book, refused.until_ms - 1).passed


def test_the_hourly_limit_rolls_and_states_when_the_next_entry_passes() -> None:
    book = replace(BOOK, entries_ms=tuple(NOW - minute * 60_000 for minute in (50, 40, 30, 20, 10)))
    refused = verdict("trades_hour", book)
    assert refused.until_ms == NOW + 10 * 60_000
    assert verdict("trades_hour", book, refused.until_ms).passed


def test_the_same_symbol_is_not_bought_again_right_after_closing() -> None:
    book = replace(BOOK, exits_ms=(("NEWUSDT", NOW),))
    refused = verdict("cooldown", book)
    assert refused.until_ms == NOW + 3_600_000
    assert verdict("cooldown", book, refused.until_ms).passed


def test_a_pause_after_losses_expires_and_a_halt_does_not() -> None:
    paused = verdict("losses_in_a_row", replace(BOOK, losses_in_a_row=3, last_loss_ms=NOW))
    halted = verdict("losses_in_a_row", replace(BOOK, losses_in_a_row=5, last_loss_ms=NOW))
    assert (paused.until_ms, halted.until_ms) == (NOW + 3_600_000, None)


def test_cash_counts_so_the_first_trade_is_no_concentration_of_100_percent() -> None:
    assert verdict("exposure").passed


def test_sufficient_cash_is_not_asked_to_grow() -> None:
    def flip(spend: str, cash: str) -> str:
        book = replace(BOOK, free_cash=D(cash))
        found = check_entry(replace(CANDIDATE, spend=D(spend)), book, LIMITS, now_ms=NOW)
        return next(item.flip for item in found if item.name == "free_cash")

    assert flip("0", "980") == "set an amount above 0"
    assert flip("10", "9") == "spend at most 9, or free 1 more"


def test_a_snipe_checked_again_does_not_count_against_itself() -> None:
    own = Reserved(snipe_id="s1", symbol="NEWUSDT", amount=D(10), opens_ms=CANDIDATE.opens_ms)
    book = replace(BOOK, reserved=(own,), free_cash=D(0))
    assert refusals(check_entry(replace(CANDIDATE, snipe_id="s1"), book, LIMITS, now_ms=NOW)) == ()
    assert exposure(book, "s1") == 0


def test_walking_a_book_reports_average_worst_price_and_sufficiency() -> None:
    walked = walk(((1.0, 5.0), (1.1, 50.0)), 10.5)
    assert (walked.quantity, walked.worst, walked.is_enough) == (10.0, 1.1, True)
    assert abs(walked.slippage_pct - 5) < 1e-9
    assert not walk((), 1.0).is_enough


def test_without_a_book_the_limit_of_the_price_is_stated() -> None:
    assert verdict("premium").value == (
        "no price yet: the reference is the first price at the opening, no order is sent before it"
    )
    assert verdict("slippage").value == (
        "no order book yet: price at most 3 % over the best ask, and 25 % over the first price"
    )
    assert verdict("slippage", reference_price=D("0.04")).value.endswith("over the best ask, and 0.05")
    late = verdict("premium", opens_ms=NOW - 1)
    assert not late.passed
    assert late.value == "no reference price: the opening has passed without a known price"


def test_the_stated_change_satisfies_the_slippage_limit() -> None:
    asks = ((1.0, 5.0), (1.1, 50.0))
    refused = verdict("slippage", asks=asks)
    allowed_spend = D(refused.flip.removeprefix("spend at most "))
    assert verdict("slippage", asks=asks, spend=allowed_spend * D("0.9999")).passed
    assert not verdict("slippage", asks=asks, spend=allowed_spend * D("1.01")).passed


@given(
    st.lists(st.decimals(min_value=1, max_value=60, places=2), max_size=30),
    st.decimals(min_value=100, max_value=3_000, places=2),
)
def test_entries_checked_one_after_another_never_exceed_a_limit_together(
    amounts: list[Decimal], equity: Decimal
) -> None:
    limits = replace(LIMITS, max_positions=50, max_trades_hour=99, max_trades_day=99)
    book = replace(BOOK, equity=equity, peak=equity, day_equity=equity, free_cash=equity)
    for number, spend in enumerate(amounts):
        candidate = Candidate(symbol=f"C{number}USDT", spend=spend, opens_ms=NOW + number * 60_000)
        if not refusals(check_entry(candidate, book, limits, now_ms=NOW)):
            held = Reserved(
                snipe_id=f"s{number}", symbol=candidate.symbol, amount=spend, opens_ms=candidate.opens_ms
            )
            book = replace(book, reserved=(*book.reserved, held), free_cash=book.free_cash - spend)
    assert exposure(book) <= equity * limits.exposure_cap_pct / 100
    assert book.free_cash >= 0
