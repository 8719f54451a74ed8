"""Inputs of the risk limits from the ledger: each one once."""

from dataclasses import replace
from decimal import Decimal

import pytest

from mexc_tui.engine.entries.entry_context import EntryConditions, risk_book
from mexc_tui.risk.candidate import Candidate, Reserved, RiskLimits
from mexc_tui.risk.entry_limits import check_entry
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from tests.support.samples.trading_samples import SCOPE, intent, position, snipe
from tests.support.store_parts import in_memory

DAY_MS = 86_400_000
NOW_MS = 1_790_000_000_000
CONDITIONS = EntryConditions(
    equity=Decimal(1_000),
    peak=Decimal(1_000),
    day_equity=Decimal(1_000),
    clock_offset_ms=0.0,
    clock_error_ms=1.0,
    stream_age_ms=10,
    weight_left=200,
    orders_left=8,
    resumed_ms=0,
)


def books() -> TradingRows:
    return in_memory()[1].trading(SCOPE)


def armed(kept: TradingRows, name: str) -> None:
    """Arm a snipe: its intent is open, its position not there yet."""
    kept.snipes.save(snipe(name))
    kept.intents.save(intent(f"i-{name}", snipe_id=name, position_id=f"{name}p", created_ms=NOW_MS - 5_000))


def counted(kept: TradingRows, snipe_id: str = "") -> dict[str, str]:
    """Return what the limits on trades see, for one candidate more."""
    book = risk_book(kept, "OTHERUSDT", NOW_MS, conditions=CONDITIONS)
    candidate = Candidate(symbol="OTHERUSDT", spend=Decimal(10), opens_ms=NOW_MS + 60_000, snipe_id=snipe_id)
    verdicts = check_entry(candidate, book, RiskLimits(), now_ms=NOW_MS)
    return {one.name: one.value.split()[0] for one in verdicts if one.name.startswith("trades_")}


def test_an_armed_snipe_is_one_trade_of_the_hour_and_of_the_day() -> None:
    kept = books()
    assert counted(kept) == {"trades_hour": "1", "trades_day": "1"}
    armed(kept, "s1")
    assert counted(kept) == {"trades_hour": "2", "trades_day": "2"}
    armed(kept, "s2")
    assert counted(kept) == {"trades_hour": "3", "trades_day": "3"}


def test_a_repeated_check_is_not_counted_twice() -> None:
    kept = books()
    armed(kept, "s1")
    assert counted(kept, snipe_id="s1") == {"trades_hour": "1", "trades_day": "1"}


def test_an_entry_is_one_trade_while_filling_and_after_its_end() -> None:
    kept = books()
    armed(kept, "s1")
    kept.positions.save(position("s1p", snipe_id="s1", opened_ms=NOW_MS - 1_000))
    assert counted(kept) == {"trades_hour": "2", "trades_day": "2"}
    kept.intents.save(intent("i-s1", snipe_id="s1", position_id="s1p", reserved="0", ended_ms=NOW_MS - 500))
    assert counted(kept) == {"trades_hour": "2", "trades_day": "2"}


def test_an_old_position_counts_as_exposure_and_not_as_a_trade_of_today() -> None:
    kept = books()
    kept.positions.save(position("old", snipe_id="old", opened_ms=NOW_MS - 9 * DAY_MS, cost="70"))
    for number in range(600):
        at_ms = NOW_MS - 8 * DAY_MS + number
        kept.positions.save(position(f"p{number}", opened_ms=at_ms, closed_ms=at_ms + 1))
    book = risk_book(kept, "OTHERUSDT", NOW_MS, conditions=CONDITIONS)
    assert [one.value for one in book.held] == [Decimal(70)]
    assert counted(kept) == {"trades_hour": "1", "trades_day": "1"}


def test_reserved_cash_is_not_free() -> None:
    kept = books()
    armed(kept, "s1")
    book = risk_book(kept, "OTHERUSDT", NOW_MS, conditions=CONDITIONS)
    assert book.free_cash == Decimal("-10.5")
    assert book.reserved == (
        Reserved(snipe_id="s1", symbol="NEWUSDT", amount=Decimal("10.5"), opens_ms=90_000),
    )


@pytest.mark.parametrize("peak", ["900", "1200"])
def test_the_peak_is_never_below_current_equity(peak: str) -> None:
    book = risk_book(books(), "OTHERUSDT", NOW_MS, conditions=replace(CONDITIONS, peak=Decimal(peak)))
    assert book.peak == max(Decimal(peak), Decimal(1_000))
