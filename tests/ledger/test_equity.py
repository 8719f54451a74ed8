"""Equity, its peak, and the invariants that halt."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.ledger.accounts import start_entry, sum_balances
from mexc_tui.ledger.arithmetic import pro_rata
from mexc_tui.ledger.checks import (
    agrees,
    equity_identity,
    exposure,
    lots_agree,
    protected,
    solvent,
    within_limit,
    within_reservation,
)
from mexc_tui.ledger.equity import PriceMark, drawdown, equity_point, equity_return, market_value, unrealised
from mexc_tui.ledger.evidence import from_report
from mexc_tui.ledger.orders import advance
from mexc_tui.ledger.positions import open_position
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO, OrderRole
from mexc_tui.model.order import OrderStatus
from mexc_tui.model.position import EntryKind, EquityPoint, LedgerAccount, LedgerEntry, Position, Posting
from tests.support.samples.ledger_samples import NOON_MS, RULES, D, imbalances, intent, order, report, snipe


def position(remaining: str = "10", cost: str = "20") -> Position:
    return msgspec.structs.replace(
        open_position(snipe(), intent(), NOON_MS),
        remaining=D(remaining),
        remaining_cost=D(cost),
        stop_price=D("1.8"),
    )


def point(cash: str, previous: EquityPoint | None = None, flows: str = "0") -> EquityPoint:
    return equity_point(D(cash), (), D(flows), previous=previous, at_ms=NOON_MS)


def test_cash_is_part_of_equity_and_coins_are_worth_the_bid_less_the_exit_fee() -> None:
    made = equity_point(D(100), [PriceMark(position(), D(3), D("0.001"))], ZERO, previous=None, at_ms=NOON_MS)
    assert (made.holdings, made.equity, made.peak) == (D("29.97"), D("129.97"), D("129.97"))
    assert unrealised(PriceMark(position(), D(3), D("0.001"))) == D("9.97")


def test_a_position_without_a_price_makes_equity_incomplete_and_moves_no_peak() -> None:
    first = point("100")
    blind = equity_point(D(80), [PriceMark(position(), None, ZERO)], ZERO, previous=first, at_ms=NOON_MS)
    assert (blind.is_complete, blind.peak, drawdown(blind)) == (False, 100, None)
    assert market_value(PriceMark(position("0", "0"), None, ZERO)) == 0


def test_a_drawdown_is_measured_from_the_stored_peak_after_a_restart() -> None:
    high = point("120", point("100"))
    low = point("90", high)
    assert low.peak == 120
    assert drawdown(low) == D("0.25")
    assert drawdown(point("90", low)) == D("0.25")


def test_a_deposit_does_not_change_a_drawdown() -> None:
    low = point("90", point("100"))
    richer = point("190", low, flows="100")
    assert drawdown(richer) == drawdown(low)
    assert equity_return(low, richer) == 0


def test_a_withdrawal_is_no_loss_and_does_not_hide_one() -> None:
    high = point("1000")
    poorer = point("100", high, flows="-900")
    assert drawdown(poorer) == 0
    assert drawdown(point("50", poorer, flows="-900")) == D("0.5")


def test_change_over_a_day_counts_open_profit_and_needs_complete_points() -> None:
    assert equity_return(point("100"), point("98")) == D("-0.02")
    assert equity_return(point("0"), point("98")) is None


def test_an_identity_off_by_more_than_a_tick_is_reported() -> None:
    now = point("110")
    assert equity_identity(D(100), now, D(8), unrealised=D(2), tolerance=D("0.01")) == ()
    assert equity_identity(D(100), now, D(8), unrealised=D("2.01"), tolerance=D("0.01")) == ()
    (words,) = equity_identity(D(100), now, D(8), unrealised=D("1.9"), tolerance=D("0.01"))
    assert "0.1 away" in words


def test_reservations_and_costs_count_together_against_the_limit() -> None:
    wishes, held = [intent(reserved=D(70))], [position(cost="30")]
    assert exposure(wishes, held) == 100
    assert within_limit(wishes, held, D(100)) == ()
    assert len(within_limit(wishes, held, D("99.99"))) == 1
    ended = [intent(reserved=D(70), ended_ms=1)]
    assert exposure(ended, held) == 30


def test_an_order_that_costs_more_than_its_reservation_is_reported() -> None:
    bought = advance(
        order(price=D(20)), from_report(report("buy-1", "10", "101", OrderStatus.FILLED), NOON_MS)
    ).order
    assert len(within_reservation(intent(), (bought,))) == 1
    assert within_reservation(intent(spend_cap=D(101)), (bought,)) == ()


def test_an_entry_that_does_not_sum_to_zero_is_reported() -> None:
    entry = LedgerEntry(
        id="e",
        kind=EntryKind.TRADE,
        at_ms=0,
        postings=(Posting(LedgerAccount.DESK, "ABC", D(1)), Posting(LedgerAccount.DESK, "USDT", D(-1))),
    )
    assert len(imbalances(entry)) == 2


def test_only_the_account_of_the_desk_may_not_be_negative() -> None:
    assert solvent({(LedgerAccount.EXCHANGE, "ABC"): D(-1), (LedgerAccount.EXTERNAL, "ABC"): D(-1)}) == ()
    assert len(solvent({(LedgerAccount.DESK, "ABC"): D(-1)})) == 1


def test_positions_and_the_desks_account_must_agree_in_both_directions() -> None:
    held = {(LedgerAccount.DESK, "ABC"): D(10), (LedgerAccount.DESK, "USDT"): D(5)}
    assert lots_agree(held, [position()], RULES.quote_assets) == ()
    assert len(lots_agree(held, [], RULES.quote_assets)) == 1
    assert len(lots_agree({}, [position()], RULES.quote_assets)) == 1


def test_the_opening_entry_gives_cash_to_the_desk_and_coins_to_the_user() -> None:
    entry = start_entry([Balance("USDT", D(90), D(10)), Balance("ABC", D(7), ZERO)], RULES.quote_assets, 0)
    held = sum_balances([entry])
    assert imbalances(entry) == ()
    assert (held[LedgerAccount.DESK, "USDT"], held[LedgerAccount.OWN, "ABC"]) == (100, 7)
    assert (LedgerAccount.DESK, "ABC") not in held
    assert (
        agrees(
            held, [Balance("USDT", D(100), ZERO), Balance("ABC", D(7), ZERO)], ["ABC", "USDT"], tolerance=ZERO
        )
        == ()
    )
    assert len(agrees(held, [], ["ABC", "USDT"], tolerance=ZERO)) == 2


def test_a_position_needs_a_covering_stop_and_a_running_monitor() -> None:
    stop = intent("stop", OrderRole.STOP, quantity=D(10))
    assert protected(position(), [stop], NOON_MS, now_ms=NOON_MS) == ()
    assert len(protected(position(), [], NOON_MS, now_ms=NOON_MS)) == 1
    assert len(protected(position("11"), [stop], NOON_MS, now_ms=NOON_MS)) == 1
    assert len(protected(position(), [stop], NOON_MS - 5_001, now_ms=NOON_MS)) == 1
    assert len(protected(position(), [stop], None, now_ms=NOON_MS)) == 1
    assert protected(position("0", "0"), [], None, now_ms=NOON_MS) == ()


MONEY = st.decimals(min_value="0.000000000000000001", max_value="1e20", places=18)


@given(MONEY, st.lists(MONEY, min_size=1, max_size=6))
def test_parts_of_a_cost_add_up_to_the_cost(cost: Decimal, slices: list[Decimal]) -> None:
    from mexc_tui.ledger.arithmetic import EXACT

    left, whole = cost, Decimal(0)
    for one in slices:
        whole = EXACT.add(whole, one)
    remaining = whole
    for one in slices:
        remaining = EXACT.subtract(remaining, one)
        kept = pro_rata(cost, remaining, whole)
        assert 0 <= kept <= left
        left = kept
    assert left == 0
