"""Reconciliation: each difference is found once, explained or not, and corrected."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.ledger.accounts import sum_flows
from mexc_tui.ledger.checks import agrees, lots_agree, solvent
from mexc_tui.ledger.comparison import (
    ComparisonResult,
    ExchangeSnapshot,
    PostEntry,
    StoreForeignOrder,
    changed_symbols,
)
from mexc_tui.ledger.evidence import from_outcome
from mexc_tui.ledger.orders import foreign_order
from mexc_tui.ledger.reconcile import reconcile
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO, OrderState
from mexc_tui.model.order import OrderStatus, Side
from mexc_tui.model.outcome import Ambiguous
from mexc_tui.model.position import LedgerAccount, PositionState
from mexc_tui.model.reconciliation import Difference, DifferenceKind, Trigger
from mexc_tui.model.report import OrderReport, TradeReport
from mexc_tui.model.severity import Severity
from tests.support.samples.ledger_samples import (
    NOON_MS,
    RULES,
    D,
    LedgerBench,
    bench_with_position,
    bench_with_sell_order,
    imbalances,
    order,
    report,
    trade,
)


def run(desk: LedgerBench, theirs: ExchangeSnapshot) -> ComparisonResult:
    """Compare, again as long as a difference waits to be confirmed; return the last outcome."""
    ours = desk.ledger_snapshot()
    outcome = reconcile(ours, theirs, RULES, trigger=Trigger.TIMER)
    for number in range(1, 4):
        if not outcome.unconfirmed:
            break
        later = replace(theirs, at_ms=theirs.at_ms + number * 15_000)
        seen = {one.asset: one for one in (*ours.unconfirmed, *outcome.unconfirmed)}
        ours = replace(ours, unconfirmed=tuple(seen.values()))
        outcome = reconcile(ours, later, RULES, trigger=Trigger.TIMER)
    return outcome


def found(outcome: ComparisonResult) -> tuple[Difference, ...]:
    return (*outcome.run.explained, *outcome.run.unexplained)


def kinds(outcome: ComparisonResult) -> list[DifferenceKind]:
    return [one.kind for one in found(outcome)]


def reporting(
    theirs: ExchangeSnapshot, *reports: OrderReport, trades: tuple[TradeReport, ...] = (), **moved: str
) -> ExchangeSnapshot:
    """Add newer reports to the exchange snapshot, and move its balances."""
    names = {one.client_order_id for one in reports}
    kept = tuple(one for one in theirs.orders if one.client_order_id not in names)
    totals = {one.asset: one.total for one in theirs.balances}
    for asset, amount in moved.items():
        totals[asset] = totals.get(asset, ZERO) + D(amount)
    balances = tuple(Balance(asset, total, ZERO) for asset, total in totals.items())
    return replace(theirs, orders=(*kept, *reports), trades=trades, balances=balances)


def assert_settled(desk: LedgerBench, theirs: ExchangeSnapshot, outcome: ComparisonResult) -> None:
    """Apply the corrections, then check that no difference is left and the ledger is consistent."""
    desk.correct(outcome.corrections)
    desk.now_ms += 120_000
    again = run(desk, replace(theirs, at_ms=theirs.at_ms + 60_000))
    assert (found(again), again.corrections) == ((), ())
    assert [words for entry in desk.entries.values() for words in imbalances(entry)] == []
    assert solvent(desk.held) == ()
    assert lots_agree(desk.held, desk.positions.values(), RULES.quote_assets) == ()
    assets = {asset for _, asset in desk.held} - set(outcome.postponed)
    assert agrees(desk.held, theirs.balances, assets, tolerance=ZERO) == ()


def test_matching_balances_have_no_difference() -> None:
    desk = bench_with_sell_order(bench_with_position("7"))
    outcome = run(desk, desk.exchange_snapshot())
    assert (found(outcome), outcome.corrections, outcome.ids_to_query, outcome.run.problem) == (
        (),
        (),
        (),
        "",
    )


def test_a_missed_sale_is_found_and_explains_the_balances() -> None:
    desk = bench_with_sell_order(bench_with_position())
    sold = report("stop-1", "10", "18", OrderStatus.FILLED, Side.SELL)
    fees = (trade("stop-1", 1, "10", "0.009", buys=False),)
    theirs = reporting(desk.exchange_snapshot(), sold, trades=fees, ABC="-10", USDT="17.991")
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.MISSED_FILL, DifferenceKind.FEE]
    assert outcome.run.unexplained == ()
    assert outcome.run.explained[0].severity is Severity.ERROR
    assert_settled(desk, theirs, outcome)
    assert desk.positions["p1"].state is PositionState.CLOSED


def test_a_missed_cancel_with_fills_kept_is_found() -> None:
    desk = bench_with_sell_order(bench_with_position(), "4", "7.2")
    theirs = reporting(
        desk.exchange_snapshot(), report("stop-1", "4", "7.2", OrderStatus.PARTIALLY_CANCELED, Side.SELL)
    )
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.STATE]
    assert_settled(desk, theirs, outcome)
    assert desk.orders["stop-1"].state is OrderState.PARTIALLY_CANCELLED


def test_a_fee_that_was_not_reported_is_found_in_the_trades() -> None:
    desk = bench_with_sell_order(bench_with_position(), "4", "7.2")
    fees = (trade("stop-1", 1, "4", "0.01", "MX", buys=False),)
    theirs = reporting(desk.exchange_snapshot(), trades=fees, MX="-0.01")
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.FEE]
    assert outcome.run.explained[0].value == D("0.03")
    assert_settled(desk, theirs, outcome)


def test_an_order_lost_in_a_crash_is_found_by_the_id_of_its_intent() -> None:
    desk = bench_with_position()
    theirs = reporting(
        desk.exchange_snapshot(),
        report("stop-2", "10", "18", OrderStatus.FILLED, Side.SELL),
        ABC="-10",
        USDT="18",
    )
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.MISSED_FILL]
    assert outcome.unrecorded_ids == ()
    assert_settled(desk, theirs, outcome)
    assert desk.orders["stop-2"].position_id == "p1"


def test_an_order_believed_absent_that_exists_is_revived() -> None:
    desk = bench_with_position()
    desk.expect(order("stop-1", Side.SELL, state=OrderState.ABSENT, created_ms=NOON_MS + 500))
    theirs = reporting(desk.exchange_snapshot(), report("stop-1", side=Side.SELL))
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.REVIVED]
    assert_settled(desk, theirs, outcome)


def test_an_order_reported_beyond_its_quantity_is_booked_up_to_it_with_an_alert() -> None:
    desk = bench_with_sell_order(bench_with_position("7"))
    theirs = reporting(
        desk.exchange_snapshot(),
        report("stop-1", "11", "22", OrderStatus.FILLED, Side.SELL),
        ABC="-11",
        USDT="22",
    )
    outcome = run(desk, theirs)
    assert kinds(outcome)[0] is DifferenceKind.OVERFILL
    assert outcome.run.explained[0].severity is Severity.ERROR
    desk.correct(outcome.corrections)
    assert (desk.orders["stop-1"].filled_quantity, desk.orders["stop-1"].filled_value) == (10, 20)
    assert desk.orders["stop-1"].has_excess
    assert desk.positions["p1"].state is PositionState.CLOSED
    assert DifferenceKind.OVERFILL not in kinds(run(desk, theirs)), "said once"


def test_a_list_with_another_orders_body_under_our_order_id_changes_nothing() -> None:
    desk = bench_with_sell_order(bench_with_position("100"))
    other = report("stop-1", "10", "18", OrderStatus.FILLED, Side.SELL)
    other = msgspec.structs.replace(other, client_order_id="web_else")
    outcome = run(desk, replace(desk.exchange_snapshot(), orders=(other,)))
    assert [one.kind for one in outcome.run.unexplained] == [DifferenceKind.STATE]
    assert "web_else" in outcome.run.unexplained[0].text
    desk.correct(outcome.corrections)
    assert desk.orders["stop-1"].filled_quantity == 0


def test_an_ended_order_with_less_than_booked_stays_unexplained_and_booked() -> None:
    desk = bench_with_sell_order(bench_with_position(), "4", "7.2")
    theirs = reporting(
        desk.exchange_snapshot(), report("stop-1", "3", "5", OrderStatus.PARTIALLY_CANCELED, Side.SELL)
    )
    outcome = run(desk, theirs)
    assert DifferenceKind.STATE in [one.kind for one in outcome.run.unexplained]
    desk.correct(outcome.corrections)
    assert desk.orders["stop-1"].filled_quantity == 4


def test_an_older_report_of_an_open_order_is_no_difference() -> None:
    desk = bench_with_sell_order(bench_with_position(), "4", "7.2")
    theirs = reporting(
        desk.exchange_snapshot(), report("stop-1", "3", "5", OrderStatus.PARTIALLY_FILLED, Side.SELL)
    )
    assert found(run(desk, theirs)) == ()


def test_a_foreign_order_is_shown_and_left_alone() -> None:
    desk = bench_with_position()
    theirs = reporting(desk.exchange_snapshot(), report("web", at_ms=NOON_MS + 9))
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.FOREIGN]
    assert outcome.run.unexplained == ()
    assert_settled(desk, theirs, outcome)
    assert desk.orders["web"].state is OrderState.FOREIGN
    assert desk.orders["web"].position_id == ""


def test_a_foreign_fill_explains_its_balances_and_buys_nothing_for_the_desk() -> None:
    desk = bench_with_position("7")
    theirs = reporting(
        desk.exchange_snapshot(),
        report("web", "5", "10", OrderStatus.FILLED, quantity="5", at_ms=NOON_MS + 9),
        trades=(trade("web", 1, "5", "0.005"),),
        ABC="5",
        USDT="-10.005",
    )
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.FOREIGN]
    assert_settled(desk, theirs, outcome)
    assert desk.held[LedgerAccount.OWN, "ABC"] == 12
    assert desk.positions["p1"].remaining == 10
    assert sum_flows(desk.entries.values()) == D("-10.005")


def test_a_foreign_order_from_before_the_start_changes_no_balance() -> None:
    desk = bench_with_position()
    theirs = reporting(
        desk.exchange_snapshot(), report("old", "5", "10", OrderStatus.PARTIALLY_FILLED, at_ms=NOON_MS - 1)
    )
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.FOREIGN]
    assert_settled(desk, theirs, outcome)


def test_a_foreign_order_closed_before_the_last_agreement_is_not_reported_again() -> None:
    desk = bench_with_position()
    theirs = reporting(
        desk.exchange_snapshot(), report("old", "5", "10", OrderStatus.FILLED, at_ms=NOON_MS - 1)
    )
    assert found(run(desk, theirs)) == ()


def test_foreign_fills_explain_nothing_before_the_first_agreement() -> None:
    desk = bench_with_position()
    theirs = reporting(desk.exchange_snapshot(), report("web", "5", "10", OrderStatus.PARTIALLY_FILLED))
    outcome = reconcile(replace(desk.ledger_snapshot(), agreed_ms=0), theirs, RULES, trigger=Trigger.START)
    assert kinds(outcome) == [DifferenceKind.FOREIGN]
    assert [type(one) for one in outcome.corrections] == [StoreForeignOrder]


def test_a_foreign_order_no_longer_open_is_shown_as_closed() -> None:
    desk = bench_with_position()
    desk.expect(foreign_order(report("web"), NOON_MS))
    theirs = replace(
        desk.exchange_snapshot(),
        orders=tuple(one for one in desk.exchange_snapshot().orders if one.client_order_id != "web"),
    )
    desk.correct(run(desk, theirs).corrections)
    assert desk.orders["web"].state is OrderState.CANCELLED


def test_an_unrecorded_order_with_the_prefix_of_the_desk_halts() -> None:
    desk = bench_with_position()
    theirs = reporting(desk.exchange_snapshot(), report("mxtzz990000000011-1", at_ms=NOON_MS + 9))
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.UNRECORDED_ORDER]
    assert outcome.run.unexplained[0].severity is Severity.CRITICAL
    assert outcome.unrecorded_ids == ("mxtzz990000000011-1",)
    assert_settled(desk, theirs, outcome)


@pytest.mark.parametrize(("moved", "explained"), [("0.4", True), ("0.6", False)])
def test_a_tolerance_is_a_value_and_never_compared_with_a_number_of_coins(
    moved: str, explained: bool
) -> None:
    desk = bench_with_position("7")
    (drift,) = found(run(desk, desk.exchange_snapshot(ABC=moved)))
    assert (drift.value, drift.explained) == (D(moved) * 2, explained)


def test_a_correction_changes_the_ledger_not_a_flag() -> None:
    desk = bench_with_position()
    outcome = run(desk, desk.exchange_snapshot(USDT="5"))
    before = desk.held[LedgerAccount.DESK, "USDT"]
    assert [type(one) for one in outcome.corrections] == [PostEntry]
    desk.correct(outcome.corrections)
    assert desk.held[LedgerAccount.DESK, "USDT"] == before + 5


def test_the_users_coins_of_a_traded_symbol_are_never_adopted() -> None:
    desk = bench_with_position()
    theirs = desk.exchange_snapshot(ABC="100")
    desk.correct(run(desk, theirs).corrections)
    assert desk.positions["p1"].remaining == 10
    assert desk.positions["p1"].remaining_cost == D("20.01")
    assert desk.held[LedgerAccount.OWN, "ABC"] == 100


@pytest.mark.parametrize(
    ("moved", "severity", "explained"),
    [
        ("0.5", Severity.INFO, True),
        ("1", Severity.WARNING, False),
        ("5", Severity.WARNING, False),
        ("-50", Severity.ERROR, False),
        ("500", Severity.CRITICAL, False),
    ],
)
def test_a_drift_is_graded_by_value_booked_from_outside_and_never_traded(
    moved: str, severity: Severity, explained: bool
) -> None:
    desk = bench_with_position()
    theirs = desk.exchange_snapshot(USDT=moved)
    outcome = run(desk, theirs)
    (drift,) = found(outcome)
    assert (drift.kind, drift.severity, drift.explained) == (DifferenceKind.DRIFT, severity, explained)
    assert_settled(desk, theirs, outcome)
    assert sum_flows(desk.entries.values()) == D(moved)
    assert desk.positions["p1"].realised == 0


def test_an_airdrop_is_the_users_own_and_of_unknown_value() -> None:
    desk = bench_with_position()
    theirs = desk.exchange_snapshot(NEWCOIN="1000")
    outcome = run(desk, theirs)
    (drift,) = outcome.run.unexplained
    assert (drift.kind, drift.severity, drift.value) == (DifferenceKind.DRIFT, Severity.WARNING, 0)
    assert_settled(desk, theirs, outcome)
    assert desk.held[LedgerAccount.OWN, "NEWCOIN"] == 1000
    assert sum_flows(desk.entries.values()) == 0


def test_withdrawals_reduce_coins_of_the_user_first() -> None:
    desk = bench_with_position("7")
    theirs = desk.exchange_snapshot(ABC="-6")
    outcome = run(desk, theirs)
    assert kinds(outcome) == [DifferenceKind.DRIFT]
    assert_settled(desk, theirs, outcome)
    assert desk.positions["p1"].remaining == 10


def test_missing_coins_of_the_desk_are_written_off_as_a_loss() -> None:
    desk = bench_with_position("7")
    theirs = desk.exchange_snapshot(ABC="-11")
    outcome = run(desk, theirs)
    (short,) = outcome.run.unexplained
    assert (short.kind, short.value) == (DifferenceKind.SHORTFALL, 8)
    assert_settled(desk, theirs, outcome)
    position = desk.positions["p1"]
    assert (position.remaining, position.gone, position.realised) == (6, 4, D("-8.004"))


def test_a_position_whose_coins_are_all_gone_closes_as_corrected() -> None:
    desk = bench_with_position()
    theirs = desk.exchange_snapshot(ABC="-10")
    outcome = run(desk, theirs)
    assert_settled(desk, theirs, outcome)
    assert desk.positions["p1"].close_reason.value == "corrected"


def test_a_fee_in_coins_that_was_not_reported_is_explained_as_negligible() -> None:
    desk = bench_with_position()
    outcome = run(desk, desk.exchange_snapshot(ABC="-0.01"))
    assert kinds(outcome) == [DifferenceKind.SHORTFALL]
    assert outcome.run.unexplained == ()


def test_an_order_that_should_be_open_and_is_not_listed_is_queried() -> None:
    desk = bench_with_sell_order(bench_with_position())
    theirs = desk.exchange_snapshot(ABC="-10", USDT="18")
    silent = replace(theirs, orders=tuple(one for one in theirs.orders if one.client_order_id != "stop-1"))
    outcome = run(desk, silent)
    assert outcome.ids_to_query == ("stop-1",)
    assert found(outcome) == (), "nothing is concluded from silence"
    assert outcome.postponed == ("ABC", "USDT")


def test_balances_affected_by_an_order_of_unknown_outcome_are_not_compared_yet() -> None:
    desk = bench_with_position()
    desk.expect(order("stop-1", Side.SELL))
    desk.apply_evidence(
        "stop-1",
        from_outcome(Ambiguous(reason="timed out", timestamp_ms=NOON_MS, recv_window_ms=2_000), NOON_MS),
    )
    outcome = run(desk, desk.exchange_snapshot(ABC="-10", MX="1"))
    assert [(one.kind, one.about) for one in found(outcome)] == [(DifferenceKind.DRIFT, "MX")]
    assert "ABC, USDT" in outcome.run.problem


def test_balances_read_while_orders_changed_are_not_compared() -> None:
    before = (report("stop-1", side=Side.SELL),)
    after = (report("stop-1", "4", "7", OrderStatus.PARTIALLY_FILLED, Side.SELL),)
    assert changed_symbols(before, after) == {"ABCUSDT"}
    assert changed_symbols(after, after) == frozenset()
    desk = bench_with_position()
    moving = replace(desk.exchange_snapshot(USDT="7"), changing_symbols=changed_symbols(before, after))
    assert found(run(desk, moving)) == ()


def test_missing_coins_wait_until_order_updates_are_booked() -> None:
    desk = bench_with_sell_order(bench_with_position(), "4", "7.2")
    sold = report("stop-1", "5", "9", OrderStatus.PARTIALLY_FILLED, Side.SELL)
    theirs = reporting(desk.exchange_snapshot(), sold, ABC="-3", USDT="1.8")
    first = run(desk, theirs)
    assert kinds(first) == [DifferenceKind.MISSED_FILL]
    assert first.postponed == ("ABC",)
    desk.correct(first.corrections)
    second = run(desk, theirs)
    assert kinds(second) == [DifferenceKind.SHORTFALL]
    assert_settled(desk, theirs, second)


AMOUNT = st.decimals(min_value="0.001", max_value="300", places=3)


@settings(max_examples=100)
@given(
    own=st.decimals(min_value=0, max_value=50, places=2),
    cash=st.none() | st.decimals(min_value=-600, max_value=900, places=2).filter(bool),
    coins=st.none() | st.decimals(min_value=-9, max_value=50, places=2).filter(bool),
    airdrop=st.none() | AMOUNT,
    web=st.none() | st.tuples(AMOUNT, AMOUNT),
    is_unknown=st.booleans(),
    is_filled=st.booleans(),
)
def test_every_injected_difference_is_found_exactly_once(
    own: Decimal,
    cash: Decimal | None,
    coins: Decimal | None,
    airdrop: Decimal | None,
    web: tuple[Decimal, Decimal] | None,
    is_unknown: bool,
    is_filled: bool,
) -> None:
    desk = bench_with_sell_order(bench_with_position(str(own)))
    theirs, wanted = desk.exchange_snapshot(), set[tuple[DifferenceKind, str]]()
    if cash is not None:
        theirs = reporting(theirs, USDT=str(cash))
        wanted.add((DifferenceKind.DRIFT, "USDT"))
    if coins is not None:
        theirs = reporting(theirs, ABC=str(coins))
        wanted.add((DifferenceKind.SHORTFALL if own + coins < 0 else DifferenceKind.DRIFT, "ABC"))
    if airdrop is not None:
        theirs = reporting(theirs, DROP=str(airdrop))
        wanted.add((DifferenceKind.DRIFT, "DROP"))
    if web is not None:
        quantity, value = web
        bought = report("web", quantity, value, OrderStatus.FILLED, quantity=quantity, symbol="XYZUSDT",
                        at_ms=NOON_MS + 9)  # fmt: skip
        theirs = reporting(theirs, bought, XYZ=str(quantity), USDT=str(-value))
        wanted.add((DifferenceKind.FOREIGN, "web"))
    if is_unknown:
        theirs = reporting(theirs, report("mxtother", at_ms=NOON_MS + 9))
        wanted.add((DifferenceKind.UNRECORDED_ORDER, "mxtother"))
    if is_filled and coins is None:
        sold = report("stop-1", "10", "18", OrderStatus.FILLED, Side.SELL)
        theirs = reporting(theirs, sold, ABC="-10", USDT="18")
        wanted.add((DifferenceKind.MISSED_FILL, "stop-1"))
    outcome = run(desk, theirs)
    told = [(one.kind, one.about) for one in found(outcome)]
    assert sorted(told) == sorted(wanted)
    assert_settled(desk, theirs, outcome)
