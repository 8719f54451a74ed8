"""Confirmation of balance differences: one response books nothing, and false alarms are reversed."""

from dataclasses import replace
from decimal import Decimal

import pytest

from mexc_tui.ledger.accounts import sum_flows
from mexc_tui.ledger.checks import agrees, lots_agree, solvent
from mexc_tui.ledger.comparison import ComparisonResult, ExchangeSnapshot, UnconfirmedDifference
from mexc_tui.ledger.confirmation import PAUSE_MS, is_confirmed, needs_history
from mexc_tui.ledger.reconcile import reconcile
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import ZERO, CloseReason
from mexc_tui.model.position import LedgerAccount, PositionState
from mexc_tui.model.reconciliation import (
    Difference,
    DifferenceKind,
    ExcludedCause,
    Reconciliation,
    Trigger,
    lasting,
)
from mexc_tui.model.rows import SkippedRow
from tests.support.samples.ledger_samples import (
    NOON_MS,
    RULES,
    D,
    LedgerBench,
    bench_with_position,
    bench_with_sell_order,
    imbalances,
)

STEP_MS = 5_000


class Comparing:
    """Reconciles a desk with responses five seconds apart, and applies the corrections."""

    def __init__(self, desk: LedgerBench) -> None:
        self.desk = desk
        self.now_ms = NOON_MS
        self.unconfirmed = tuple[UnconfirmedDifference, ...]()
        self.runs: list[Reconciliation] = []

    def compare(self, theirs: ExchangeSnapshot, moved: frozenset[str] = frozenset()) -> ComparisonResult:
        self.now_ms += STEP_MS
        ours = replace(self.desk.ledger_snapshot(), unconfirmed=self.unconfirmed, changed_assets=moved)
        outcome = reconcile(ours, replace(theirs, at_ms=self.now_ms), RULES, trigger=Trigger.TIMER)
        self.desk.now_ms = self.now_ms
        self.desk.correct(outcome.corrections)
        self.unconfirmed = outcome.unconfirmed
        self.runs.append(outcome.run)
        return outcome

    def found(self) -> list[Difference]:
        return [one for run in self.runs for one in (*run.unexplained, *run.explained)]


def without(theirs: ExchangeSnapshot, *assets: str) -> ExchangeSnapshot:
    return replace(theirs, balances=tuple(one for one in theirs.balances if one.asset not in assets))


def test_balances_and_ledger_of_different_moments_are_compared_later() -> None:
    comparing = Comparing(bench_with_position())
    theirs = comparing.desk.exchange_snapshot(ABC="-1.93", USDT="3.187")
    outcome = comparing.compare(theirs, moved=frozenset({"ABC", "USDT"}))
    assert (comparing.found(), outcome.corrections, outcome.unconfirmed) == ([], (), ())
    assert outcome.postponed == ("ABC", "USDT")
    comparing.compare(comparing.desk.exchange_snapshot())
    assert comparing.found() == []
    assert sum_flows(comparing.desk.entries.values()) == 0


@pytest.mark.parametrize(
    "missing",
    [
        ("ABC", "MX", "USDT"),
        ("ABC",),
        ("ABC", "MX"),
        ("USDT",),
    ],
    ids=["empty", "one coin missing", "no coins", "no cash"],
)
@pytest.mark.parametrize("times", [1, 2])
def test_a_wrong_balance_response_books_nothing_pauses_entries_and_is_reported(
    missing: tuple[str, ...], times: int
) -> None:
    comparing = Comparing(bench_with_sell_order(bench_with_position("7")))
    right = comparing.desk.exchange_snapshot()
    for _ in range(times):
        outcome = comparing.compare(without(right, *missing))
        assert outcome.corrections == ()
        assert any(one.pauses_entries for one in outcome.unconfirmed)
        assert outcome.run.problem
    outcome = comparing.compare(right)
    assert (outcome.unconfirmed, outcome.run.problem) == ((), "")
    assert {one.kind for one in comparing.found()} == {DifferenceKind.FALSE_ALARM}
    position = comparing.desk.positions["p1"]
    assert (position.remaining, position.gone) == (10, 0)
    assert sum_flows(comparing.desk.entries.values()) == 0
    assert lasting(comparing.runs) == ()


def test_coins_are_not_written_off_before_thirty_seconds_of_equal_responses() -> None:
    comparing = Comparing(bench_with_position())
    gone = comparing.desk.exchange_snapshot(ABC="-4")
    for _ in range(6):
        assert comparing.compare(gone).corrections == ()
    comparing.compare(gone)
    assert comparing.desk.positions["p1"].gone == 4
    (short,) = lasting(comparing.runs)
    assert short.kind is DifferenceKind.SHORTFALL


def test_another_amount_begins_another_confirmation() -> None:
    comparing = Comparing(bench_with_position())
    for number in range(8):
        stale = comparing.desk.exchange_snapshot(USDT=str(number + 1))
        assert comparing.compare(stale).corrections == ()


@pytest.mark.parametrize("asset", ["USDT", "ABC"])
def test_a_difference_that_changes_with_every_response_pauses_entries_for_two_minutes_at_most(
    asset: str,
) -> None:
    comparing = Comparing(bench_with_position())
    for number in range(40):
        amounts = {asset: str(-2 - number % 3)}
        outcome = comparing.compare(comparing.desk.exchange_snapshot(**amounts))
        (seen,) = outcome.unconfirmed
        assert outcome.corrections == ()
        assert seen.pauses_entries is (number * STEP_MS < PAUSE_MS)
    assert "entries continue" in comparing.runs[-1].problem
    still = comparing.compare(comparing.desk.exchange_snapshot(), moved=frozenset({asset}))
    assert not still.unconfirmed[0].pauses_entries
    comparing.compare(comparing.desk.exchange_snapshot())
    again = comparing.compare(comparing.desk.exchange_snapshot(**{asset: "-5"}))
    assert again.unconfirmed[0].pauses_entries


def test_a_constantly_changing_asset_does_not_pause_entries_permanently() -> None:
    comparing = Comparing(bench_with_position())
    last = comparing.compare(comparing.desk.exchange_snapshot(USDT="-5"))
    assert last.unconfirmed[0].pauses_entries
    for _ in range(PAUSE_MS // STEP_MS):
        last = comparing.compare(comparing.desk.exchange_snapshot(USDT="-5"), moved=frozenset({"USDT"}))
    assert not last.unconfirmed[0].pauses_entries


@pytest.mark.parametrize("gone", ["-4", "-10"], ids=["some", "all"])
def test_coins_that_reappear_are_the_desks_again(gone: str) -> None:
    comparing = Comparing(bench_with_position())
    right, wrong = comparing.desk.exchange_snapshot(), comparing.desk.exchange_snapshot(ABC=gone)
    for _ in range(7):
        comparing.compare(wrong)
    assert comparing.desk.positions["p1"].gone == -D(gone)
    for _ in range(3):
        comparing.compare(right)
    position = comparing.desk.positions["p1"]
    assert (position.remaining, position.gone, position.state) == (10, 0, PositionState.OPEN)
    assert (position.close_reason, position.realised) == (CloseReason.NONE, 0)
    assert comparing.desk.held.get((LedgerAccount.OWN, "ABC"), ZERO) == 0
    assert lasting(comparing.runs) == ()
    assert_sound(comparing.desk, right)
    for _ in range(7):  # and once more: entries of a second time are no copies of the first
        comparing.compare(wrong)
    assert comparing.desk.positions["p1"].gone == -D(gone)
    assert_sound(comparing.desk, wrong)


def test_more_coins_than_were_written_off_are_the_users_own() -> None:
    comparing = Comparing(bench_with_position())
    gone = comparing.desk.exchange_snapshot(ABC="-4")
    for _ in range(7):
        comparing.compare(gone)
    more = comparing.desk.exchange_snapshot(ABC="9")
    for _ in range(3):
        comparing.compare(more)
    assert comparing.desk.positions["p1"].remaining == 10
    assert comparing.desk.held[LedgerAccount.OWN, "ABC"] == 5
    assert_sound(comparing.desk, more)


def test_coins_that_come_long_after_a_write_off_are_the_users_own() -> None:
    comparing = Comparing(bench_with_position())
    gone = comparing.desk.exchange_snapshot(ABC="-4")
    for _ in range(7):
        comparing.compare(gone)
    ours = replace(comparing.desk.ledger_snapshot(), written_off=())
    seen = UnconfirmedDifference(
        asset="ABC",
        amount=D(4),
        shortfall=ZERO,
        value=D(8),
        first_ms=NOON_MS,
        since_ms=NOON_MS,
        observations=9,
        pauses_entries=False,
        text="",
    )
    back = replace(comparing.desk.exchange_snapshot(ABC="4"), at_ms=comparing.now_ms + 90_000)
    outcome = reconcile(replace(ours, unconfirmed=(seen,)), back, RULES, trigger=Trigger.TIMER)
    comparing.desk.correct(outcome.corrections)
    assert comparing.desk.held[LedgerAccount.OWN, "ABC"] == 4


@pytest.mark.parametrize(
    ("asset", "amount"), [("USDT", "-50"), ("USDT", "3.187"), ("ABC", "5"), ("ODD", "9")]
)
def test_a_drift_that_is_reversed_is_a_false_alarm_and_not_two_external_flows(
    asset: str, amount: str
) -> None:
    comparing = Comparing(bench_with_position("7"))
    right, wrong = comparing.desk.exchange_snapshot(), comparing.desk.exchange_snapshot(**{asset: amount})
    for _ in range(3):
        comparing.compare(wrong)
    assert [one.kind for one in lasting(comparing.runs)] == [DifferenceKind.DRIFT]
    for _ in range(3):
        comparing.compare(right)
    assert lasting(comparing.runs) == ()
    assert comparing.found()[-1].kind is DifferenceKind.FALSE_ALARM
    assert sum_flows(comparing.desk.entries.values()) == 0
    external = [one for one in comparing.desk.entries.values() if one.kind.value == "drift"]
    assert len(external) == 1
    assert_sound(comparing.desk, right)


def test_a_deposit_after_a_withdrawal_of_another_amount_are_two_external_flows() -> None:
    comparing = Comparing(bench_with_position())
    out = comparing.desk.exchange_snapshot(USDT="-50")
    for _ in range(3):
        comparing.compare(out)
    back = comparing.desk.exchange_snapshot(USDT="30")
    for _ in range(3):
        comparing.compare(back)
    assert [one.kind for one in lasting(comparing.runs)] == [DifferenceKind.DRIFT] * 2
    assert sum_flows(comparing.desk.entries.values()) == -20


@pytest.mark.parametrize("amount", ["0.0005", "-0.4"])
def test_a_small_unconfirmed_difference_pauses_nothing(amount: str) -> None:
    comparing = Comparing(bench_with_position())
    outcome = comparing.compare(comparing.desk.exchange_snapshot(USDT=amount))
    assert [one.pauses_entries for one in outcome.unconfirmed] == [False]


def test_a_wrong_split_of_free_and_locked_is_no_difference() -> None:
    comparing = Comparing(bench_with_position())
    right = comparing.desk.exchange_snapshot()
    swapped = tuple(Balance(one.asset, one.locked, one.free) for one in right.balances)
    assert comparing.compare(replace(right, balances=swapped)).unconfirmed == ()
    assert comparing.found() == []


def assert_sound(desk: LedgerBench, theirs: ExchangeSnapshot) -> None:
    assert [words for entry in desk.entries.values() for words in imbalances(entry)] == []
    assert solvent(desk.held) == ()
    assert lots_agree(desk.held, desk.positions.values(), RULES.quote_assets) == ()
    assert agrees(desk.held, theirs.balances, {asset for _, asset in desk.held}, tolerance=Decimal(0)) == ()


def test_a_delisted_pair_excludes_only_its_own_coin_from_reconciliation() -> None:
    comparing = Comparing(bench_with_sell_order(bench_with_position()))
    theirs = comparing.desk.exchange_snapshot(ABC="-10", ABC2="10000", USDT="-50")
    silent = replace(
        theirs, orders=(), listed_symbols=frozenset[str](), delisted={"ABCUSDT": "Unknown pair (code -1121)"}
    )
    for _ in range(9):
        comparing.compare(silent)
    position = comparing.desk.positions["p1"]
    assert (position.remaining, position.gone) == (10, 0)
    assert sorted(one.about for one in lasting(comparing.runs)) == ["ABC2", "USDT"]
    assert comparing.runs[-1].problem == ""
    (excluded,) = comparing.runs[-1].excluded
    assert excluded.asset == "ABC"
    assert "delisted or renamed" in excluded.text


def test_a_pair_without_its_history_is_deferred_and_the_others_are_reconciled() -> None:
    comparing = Comparing(bench_with_position())
    theirs = replace(comparing.desk.exchange_snapshot(ABC="-10", MX="-1"), failed={"ABCUSDT": "no answer"})
    for _ in range(9):
        comparing.compare(theirs)
    assert [one.about for one in lasting(comparing.runs)] == ["MX"]
    assert "ABCUSDT is reconciled in the next run: no answer" in comparing.runs[-1].problem
    assert comparing.desk.positions["p1"].remaining == 10


@pytest.mark.parametrize("name", ["ABC", ""])
def test_an_unreadable_balance_is_not_missing_and_the_others_are_reconciled(name: str) -> None:
    comparing = Comparing(bench_with_sell_order(bench_with_position("7")))
    theirs = without(comparing.desk.exchange_snapshot(MX="-1"), "ABC")
    unread = replace(theirs, skipped=(SkippedRow(name, "Expected `str`, got `null` at $.free"),))
    for _ in range(9):
        comparing.compare(unread)
    position = comparing.desk.positions["p1"]
    assert (position.remaining, position.gone) == (10, 0)
    assert [one.about for one in lasting(comparing.runs)] == ["MX"]
    assert comparing.runs[-1].problem == ""
    (excluded,) = comparing.runs[-1].excluded
    assert (excluded.asset, excluded.cause) == ("ABC", ExcludedCause.UNREAD)
    assert "could not be read" in excluded.text
    comparing.compare(comparing.desk.exchange_snapshot())
    assert comparing.runs[-1].excluded == ()


def test_a_listed_balance_is_compared_although_another_row_has_no_name() -> None:
    comparing = Comparing(bench_with_position())
    theirs = replace(comparing.desk.exchange_snapshot(ABC="-1"), skipped=(SkippedRow("", "no row"),))
    for _ in range(9):
        comparing.compare(theirs)
    assert comparing.desk.positions["p1"].remaining == 9


def seen(times: int, *, first_s: int, since_s: int | None = None, short: str = "0") -> UnconfirmedDifference:
    first_ms = first_s * 1_000
    return UnconfirmedDifference(
        asset="ABC",
        amount=D("-5"),
        shortfall=D(short),
        value=None,
        first_ms=first_ms,
        since_ms=first_ms if since_s is None else since_s * 1_000,
        observations=times,
        pauses_entries=False,
        text="",
    )


@pytest.mark.parametrize(
    ("one", "at_s", "needed"),
    [
        (seen(1, first_s=0), 5, False),
        (seen(1, first_s=0), 10, True),
        (seen(2, first_s=0, short="5"), 29, False),
        (seen(1, first_s=0, short="5"), 30, False),
        (seen(2, first_s=0, short="5"), 30, True),
        (seen(1, first_s=8, since_s=0), 9, False),
        (seen(1, first_s=8, since_s=0), 10, True),
    ],
    ids=[
        "early",
        "may be booked",
        "coins early",
        "coins seen once",
        "coins gone",
        "changed",
        "keeps changing",
    ],
)
def test_the_history_of_pairs_is_queried_when_a_difference_may_be_booked(
    one: UnconfirmedDifference, at_s: int, *, needed: bool
) -> None:
    assert needs_history(one, at_s * 1_000) is needed


def test_a_difference_is_never_booked_by_a_comparison_without_the_history() -> None:
    """Whatever is confirmed by a comparison needed the history when it began at the same moment."""
    for times in range(1, 5):
        for short in ("0", "5"):
            for at_s in range(40):
                before = seen(times, first_s=0, short=short)
                after = replace(before, observations=times + 1)
                if is_confirmed(after, at_s * 1_000):
                    assert needs_history(before, at_s * 1_000)
