"""Every invariant finds a violation that is planted in otherwise correct rows."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.ledger.positions import open_position
from mexc_tui.model.event import Fact, OrderChanged
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import OrderStatus, OrderType, Side
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, PositionState, Posting
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.verification import invariants
from mexc_tui.verification.invariants import Exchange, Stored
from mexc_tui.verification.log_check import secret_in_files
from tests.support.samples.ledger_samples import NOON_MS, intent, order, snipe

D = Decimal
NAME = "mxt-buy-1"


def record(name: str = NAME, *, executed: str = "10", value: str = "20") -> OrderRecord:
    return OrderRecord(
        order_id="1",
        client_order_id=name,
        symbol="ABCUSDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        price=D(2),
        quantity=D(10),
        quote_quantity=D(20),
        status=OrderStatus.FILLED if executed == "10" else OrderStatus.NEW,
        executed=D(executed),
        executed_quote=D(value),
        created_ms=NOON_MS,
        visible_from_ms=NOON_MS,
    )


def row(name: str = NAME, state: OrderState = OrderState.FILLED) -> Order:
    return msgspec.structs.replace(order(name, state=state), filled_quantity=D(10), filled_value=D(20))


def owned() -> Intent:
    return intent("mxt-buy", ids=(NAME,), ended_ms=NOON_MS)


def exchange(*records: OrderRecord, **balances: str) -> Exchange:
    return Exchange(records, {asset: D(amount) for asset, amount in (balances or {"USDT": "980"}).items()})


def stored(*orders: Order) -> Stored:
    chosen = orders or (row(),)
    return Stored(
        orders={one.client_order_id: one for one in chosen},
        intents={one.client_order_id: owned() for one in chosen},
        snipes={"s1": msgspec.structs.replace(snipe(), filled_quantity=D(10), filled_value=D(20))},
        positions=(),
        entries=(),
        balances={"USDT": D(980)},
        facts=(),
    )


def changed(number: int, after: Order) -> Fact:
    event = OrderChanged(at_ms=NOON_MS, about="ABCUSDT", order=after, source="a query")
    return Fact(number, event)


def test_correct_rows_have_no_violation() -> None:
    wrong = invariants.at_the_end(exchange(record()), stored(), frozenset())
    assert wrong == []


def test_I1_an_attempt_costs_more_than_its_reservation() -> None:
    costly = msgspec.structs.replace(row(), filled_value=D(101))
    memory = LedgerState(intents={"mxt-buy": owned()}, orders={NAME: costly})
    assert [one[:3] for one in invariants.within_reservations(memory)] == ["I1:"]
    assert invariants.within_reservations(replace(memory, orders={NAME: row()})) == []


def test_I2_more_is_bought_than_the_snipe_may_spend() -> None:
    wrong = invariants.within_budget(exchange(record(value="100.5")), stored())
    assert [one[:2] for one in wrong] == ["I2"]


def test_I2_an_open_rest_counts_as_spent() -> None:
    rest = msgspec.structs.replace(record(executed="0", value="0"), quantity=D(51))
    assert invariants.within_budget(exchange(rest), stored()) != []


def test_I3_an_order_of_ours_is_not_in_the_ledger() -> None:
    wrong = invariants.known_orders(exchange(record(), record("mxt-buy-2")), stored())
    assert wrong == ["I3: order mxt-buy-2 is at the exchange and not in the ledger"]


def test_I4_fill_or_end_of_an_order_differs() -> None:
    assert len(invariants.equal_orders(exchange(record(executed="9", value="18")), stored())) == 2
    assert invariants.equal_orders(exchange(record()), stored(row(state=OrderState.PARTIAL))) != []


def test_I4_a_filled_order_counts_as_cancelled_without_fills() -> None:
    wrong = invariants.equal_orders(exchange(record()), stored(row(state=OrderState.CANCELLED)))
    assert wrong == [f"I4: {NAME} is cancelled without fills in the ledger, 10 filled at the exchange"]


def test_I4_a_snipe_forgets_a_fill() -> None:
    rows = replace(stored(), snipes={"s1": snipe()})
    assert [one[:12] for one in invariants.equal_snipes(exchange(record()), rows)] == ["I4: snipe s1"]
    known = msgspec.structs.replace(snipe(), filled_quantity=D(10), filled_value=D(20))
    assert invariants.equal_snipes(exchange(record()), replace(rows, snipes={"s1": known})) == []


def test_I5_an_entry_order_is_open_at_the_end() -> None:
    wrong = invariants.no_open_entry(exchange(record(executed="0", value="0")), stored())
    assert wrong == [f"I5: entry {NAME} is still open"]


def test_I1_a_reservation_does_not_shrink_with_a_fill() -> None:
    cap = msgspec.structs.replace(intent("mxt-buy", ids=(NAME,)), spend_cap=D(100), reserved=D(100))
    assert [one[:3] for one in invariants.shrunk_reservations((cap,), (row(),))] == ["I1:"]
    shrunk = msgspec.structs.replace(cap, reserved=D(80))
    assert invariants.shrunk_reservations((shrunk,), (row(),)) == []


def test_I5_two_live_entry_orders_of_one_intent() -> None:
    live = [order("mxt-buy-1", state=OrderState.ACKNOWLEDGED), order("mxt-buy-2", state=OrderState.PARTIAL)]
    assert invariants.one_live_order(live, ()) == ["I5: 2 live entry orders of intent mxt-buy"]


def test_I5_two_open_entry_intents_of_one_snipe() -> None:
    assert invariants.one_live_order((), (intent("a"), intent("b"))) == [
        "I5: 2 open entry intents of snipe s1"
    ]
    assert invariants.one_live_order((), (intent("a"), intent("a"))) == []


def entry(name: str, kind: EntryKind, *postings: Posting) -> LedgerEntry:
    return LedgerEntry(id=name, kind=kind, at_ms=NOON_MS, postings=postings)


def test_I6_an_entry_does_not_sum_to_zero() -> None:
    off = entry("e1", EntryKind.TRADE, Posting(LedgerAccount.DESK, "USDT", D(-1)))
    assert invariants.balanced_entries(replace(stored(), entries=(off,))) == [
        "I6: entry e1 is off by -1 USDT"
    ]


@pytest.mark.parametrize("change", [{"bought_value": D(19)}, {"realised": D(1)}, {"sold_value": D(3)}])
def test_I7_a_position_does_not_add_up(change: dict[str, Decimal]) -> None:
    bought = msgspec.structs.replace(
        open_position(snipe(), intent(), NOON_MS), bought_value=D(20), remaining=D(10), remaining_cost=D(20)
    )
    assert invariants.positions_add_up(exchange(record()), replace(stored(), positions=(bought,))) == []
    wrong = replace(stored(), positions=(msgspec.structs.replace(bought, **change),))
    assert invariants.positions_add_up(exchange(record()), wrong)[0].startswith("I7: position p1")


def test_I8_a_balance_differs() -> None:
    assert invariants.equal_balances(exchange(USDT="980"), stored()) == []
    wrong = invariants.equal_balances(exchange(USDT="979"), stored())
    assert wrong == ["I8: 980 USDT in the ledger, 979 at the exchange"]


def holding(*, has_stop: bool) -> LedgerState:
    position = msgspec.structs.replace(
        open_position(snipe(), intent(), NOON_MS),
        remaining=D(10),
        stop_price=D("1.8"),
        state=PositionState.OPEN,
    )
    stop = intent("stop", OrderRole.STOP, quantity=D(10))
    return LedgerState(positions={"p1": position}, intents={"stop": stop} if has_stop else {})


@pytest.mark.parametrize(("has_stop", "is_running"), [(True, True), (False, True), (True, False)])
def test_I9_a_position_has_no_stop_or_nothing_monitors_it(has_stop: bool, is_running: bool) -> None:
    check, memory = invariants.ProtectionCheck(), holding(has_stop=has_stop)
    wrong: list[str] = []
    for number in range(2 * invariants.UNPROTECTED):
        beat_ms = number if is_running else 7
        wrong += check.check(memory, lambda _, beat_ms=beat_ms: beat_ms)
    assert bool(wrong) is not (has_stop and is_running)
    assert all(one.startswith("I9: ABCUSDT") for one in wrong)


def test_I10_an_order_is_open_after_the_emergency_stop() -> None:
    wrong = invariants.nothing_open_after_kill(exchange(record(executed="0", value="0")))
    assert wrong == [f"I10: {NAME} is open after the emergency stop"]


@pytest.mark.parametrize(
    "after",
    [
        msgspec.structs.replace(row(), filled_quantity=D(9)),
        msgspec.structs.replace(row(), state=OrderState.PARTIAL),
    ],
    ids=["a fill shrinks", "a filled order becomes live"],
)
def test_I12_an_order_moves_backwards(after: Order) -> None:
    facts = (changed(1, row()), changed(2, after))
    assert [one[:3] for one in invariants.legal_transitions(replace(stored(), facts=facts))] == ["I12"]


def test_I12_an_accepted_order_counted_as_absent() -> None:
    facts = (changed(1, row(state=OrderState.ABSENT)),)
    wrong = invariants.absent_orders(exchange(record()), replace(stored(), facts=facts))
    assert wrong == [f"I12: order {NAME} counted as absent, the exchange accepted it"]
    assert invariants.absent_orders(exchange(), replace(stored(), facts=facts)) == []


def test_I13_a_fact_is_missing() -> None:
    facts = (changed(1, row()), changed(3, row()))
    assert invariants.gapless_facts(replace(stored(), facts=facts)) != []
    assert invariants.gapless_facts(replace(stored(), facts=facts[:1])) == []


def test_I14_a_file_contains_the_secret(tmp_path: Path) -> None:
    (tmp_path / "clean").write_text("nothing")
    (tmp_path / "log").write_text("key=c4n4ry")
    assert secret_in_files(tmp_path, "c4n4ry") == ["I14: log contains the secret"]


@pytest.mark.parametrize("state", [OrderState.UNKNOWN, OrderState.SENT, OrderState.CANCELLING])
def test_I18_an_order_is_not_settled(state: OrderState) -> None:
    assert invariants.settled(stored(row(state=state))) != []


def drift(name: str, amount: str) -> LedgerEntry:
    own = Posting(LedgerAccount.OWN, "USDT", D(amount))
    return entry(name, EntryKind.DRIFT, own, Posting(LedgerAccount.EXTERNAL, "USDT", -D(amount)))


def test_I8_a_flow_that_did_not_take_place_was_booked() -> None:
    rows = replace(stored(), entries=(drift("d1", "50"), drift("d2", "-0.03")))
    assert invariants.only_real_flows(rows, frozenset({D(50)})) == [
        "I8: -0.03 USDT was booked as a change from outside, which did not take place"
    ]


def test_I19_a_correction_is_taken_back() -> None:
    rows = replace(stored(), entries=(drift("d1", "5"), drift("d2", "-5")))
    assert [one[:3] for one in invariants.no_correction_taken_back(rows, frozenset())] == ["I19"]
    assert invariants.no_correction_taken_back(rows, frozenset({D(5)})) == []
