"""The invariants of reliability 2.8 as checks of what was stored, sent and accepted in one run.

Every check returns what is wrong, each line with the number of its invariant; nothing: it holds.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_state import LedgerState
from mexc_tui.ledger.checks import protected, within_reservation
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.model.event import Fact, OrderChanged
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Position
from mexc_tui.model.snipe import Snipe
from mexc_tui.practice.matching.values import OrderRecord

ZERO = Decimal(0)
UNPROTECTED = 40
"""Checks in a row in which a position may be without protection: after a start, freeze or clock step."""
TOLERANCE = Decimal("1e-9")
_ENDED = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.PARTIALLY_CANCELLED})


@dataclass(frozen=True, slots=True)
class Stored:
    """All rows of a ledger at the end of a run."""

    orders: Mapping[str, Order]
    intents: Mapping[str, Intent]
    """By client order id."""
    snipes: Mapping[str, Snipe]
    positions: Sequence[Position]
    entries: Sequence[LedgerEntry]
    balances: Mapping[str, Decimal]
    """Of each asset, the desk's and the user's own together."""
    facts: Sequence[Fact]


@dataclass(frozen=True, slots=True)
class Exchange:
    """The account at the exchange at one moment."""

    orders: Sequence[OrderRecord]
    balances: Mapping[str, Decimal]

    @property
    def ours(self) -> list[OrderRecord]:
        """Return the desk's orders."""
        return [one for one in self.orders if one.client_order_id.startswith(PREFIX)]

    @property
    def open_ours(self) -> list[OrderRecord]:
        """Return the desk's open orders."""
        return [one for one in self.ours if not one.status.is_terminal]


def within_budget(exchange: Exchange, stored: Stored) -> list[str]:
    """I2: the buys of a signal, filled and open, cost no more than its snipe may spend."""
    spent: dict[str, Decimal] = {}
    for record in exchange.ours:
        intent = stored.intents.get(record.client_order_id)
        if record.side is not Side.BUY or intent is None:
            continue
        is_open = not record.status.is_terminal
        rest = (record.quantity - record.executed) * record.price if is_open else ZERO
        spent[intent.snipe_id] = spent.get(intent.snipe_id, ZERO) + record.executed_quote + rest
    return [
        f"I2: snipe {snipe_id} has {amount} at the exchange and may spend {stored.snipes[snipe_id].spend_cap}"
        for snipe_id, amount in spent.items()
        if snipe_id in stored.snipes and amount > stored.snipes[snipe_id].spend_cap + TOLERANCE
    ]


def known_orders(exchange: Exchange, stored: Stored) -> list[str]:
    """I3: every order that the exchange accepted from us has a durable intent and a row."""
    return [
        f"I3: order {record.client_order_id} is at the exchange and not in the ledger"
        for record in exchange.ours
        if record.client_order_id not in stored.orders or record.client_order_id not in stored.intents
    ]


def equal_orders(exchange: Exchange, stored: Stored) -> list[str]:
    """I4: filled quantity, filled value and end of every order are the exchange's."""
    wrong: list[str] = []
    for record in exchange.ours:
        order = stored.orders.get(record.client_order_id)
        if order is None:
            continue
        if (order.filled_quantity, order.filled_value) != (record.executed, record.executed_quote):
            wrong.append(
                f"I4: {record.client_order_id} filled {order.filled_quantity} for {order.filled_value} in "
                f"the ledger, {record.executed} for {record.executed_quote} at the exchange"
            )
        if order.state.is_terminal != record.status.is_terminal:
            wrong.append(
                f"I4: {record.client_order_id} is {order.state.value} in the ledger, "
                f"{record.status.value} at the exchange"
            )
        if order.state is OrderState.CANCELLED and record.executed:
            wrong.append(
                f"I4: {record.client_order_id} is cancelled without fills in the ledger, "
                f"{record.executed} filled at the exchange"
            )
    return wrong


def equal_snipes(exchange: Exchange, stored: Stored) -> list[str]:
    """I4: what every snipe bought is what its orders filled at the exchange."""
    bought: dict[str, tuple[Decimal, Decimal]] = {}
    for record in exchange.ours:
        intent = stored.intents.get(record.client_order_id)
        if intent is not None and intent.role is OrderRole.ENTRY:
            quantity, value = bought.get(intent.snipe_id, (ZERO, ZERO))
            bought[intent.snipe_id] = (quantity + record.executed, value + record.executed_quote)
    return [
        f"I4: snipe {name} bought {snipe.filled_quantity} for {snipe.filled_value} in the ledger, "
        f"{quantity} for {value} at the exchange"
        for name, (quantity, value) in bought.items()
        if (snipe := stored.snipes.get(name)) is not None
        and (snipe.filled_quantity, snipe.filled_value) != (quantity, value)
    ]


def no_open_entry(exchange: Exchange, stored: Stored) -> list[str]:
    """I5: long after the entry window no entry order is open."""
    return [
        f"I5: entry {record.client_order_id} is still open"
        for record in exchange.open_ours
        if (intent := stored.intents.get(record.client_order_id)) is not None
        and intent.role is OrderRole.ENTRY
    ]


def one_live_order(orders: Iterable[Order], intents: Iterable[Intent]) -> list[str]:
    """I5: at most one live entry order of an intent, at most one open entry intent of a snipe."""
    live: dict[str, int] = {}
    for order in orders:
        if order.role is OrderRole.ENTRY and order.state.is_on_exchange:
            live[order.intent_id] = live.get(order.intent_id, 0) + 1
    opened: dict[str, int] = {}
    for intent in {one.id: one for one in intents}.values():
        if intent.role is OrderRole.ENTRY and intent.is_open:
            opened[intent.snipe_id] = opened.get(intent.snipe_id, 0) + 1
    return [
        *(f"I5: {number} live entry orders of intent {name}" for name, number in live.items() if number > 1),
        *(
            f"I5: {number} open entry intents of snipe {name}"
            for name, number in opened.items()
            if number > 1
        ),
    ]


def balanced_entries(stored: Stored) -> list[str]:
    """I6: the postings of every entry sum to zero for each asset."""
    wrong: list[str] = []
    for entry in stored.entries:
        totals: dict[str, Decimal] = {}
        for posting in entry.postings:
            totals[posting.asset] = totals.get(posting.asset, ZERO) + posting.amount
        wrong += [f"I6: entry {entry.id} is off by {off} {asset}" for asset, off in totals.items() if off]
    return wrong


def positions_add_up(exchange: Exchange, stored: Stored) -> list[str]:
    """I7: every position follows from its orders at the exchange, and its result from both.

    Result = sold - bought - fees + cost of what is left (first in, first out, fees included).
    """
    bought, sold = dict[str, Decimal](), dict[str, Decimal]()
    for record in exchange.ours:
        if (intent := stored.intents.get(record.client_order_id)) is not None:
            totals = bought if record.side is Side.BUY else sold
            totals[intent.position_id] = totals.get(intent.position_id, ZERO) + record.executed_quote
    wrong: list[str] = []
    for one in stored.positions:
        traded = (bought.get(one.id, ZERO), sold.get(one.id, ZERO))
        if (one.bought_value, one.sold_value) != traded:
            wrong.append(
                f"I7: position {one.id} bought for {one.bought_value} and sold for {one.sold_value}; "
                f"its orders at the exchange: {traded[0]} and {traded[1]}"
            )
        result = one.sold_value - one.bought_value - one.fees + one.remaining_cost
        if abs(one.realised - result) > TOLERANCE:
            wrong.append(f"I7: position {one.id} realised {one.realised}, its parts add up to {result}")
    return wrong


def equal_balances(exchange: Exchange, stored: Stored) -> list[str]:
    """I8: balances of every asset are the exchange's."""
    assets = sorted({*exchange.balances, *stored.balances})
    return [
        f"I8: {stored.balances.get(asset, ZERO)} {asset} in the ledger, "
        f"{exchange.balances.get(asset, ZERO)} at the exchange"
        for asset in assets
        if abs(stored.balances.get(asset, ZERO) - exchange.balances.get(asset, ZERO)) > TOLERANCE
    ]


def nothing_open_after_kill(exchange: Exchange) -> list[str]:
    """I10: after an acknowledged emergency stop no order of ours is open."""
    return [f"I10: {one.client_order_id} is open after the emergency stop" for one in exchange.open_ours]


def legal_transitions(stored: Stored) -> list[str]:
    """I12: what is filled only grows, and an order that ended does not become live again."""
    latest: dict[str, Order] = {}
    wrong: list[str] = []
    for fact in stored.facts:
        if not isinstance(fact.event, OrderChanged):
            continue
        after = fact.event.order
        before = latest.get(after.client_order_id, after)
        latest[after.client_order_id] = after
        if after.filled_quantity < before.filled_quantity or after.filled_value < before.filled_value:
            wrong.append(
                f"I12: {after.client_order_id} filled {before.filled_quantity}, then {after.filled_quantity}"
            )
        if before.state in _ENDED and after.state not in _ENDED:
            wrong.append(f"I12: {after.client_order_id}: {before.state.value}, then {after.state.value}")
    return wrong


def absent_orders(exchange: Exchange, stored: Stored) -> list[str]:
    """I12: an order was concluded to be absent only if the exchange never accepted it."""
    accepted = {record.client_order_id for record in exchange.ours}
    concluded = {
        fact.event.order.client_order_id
        for fact in stored.facts
        if isinstance(fact.event, OrderChanged) and fact.event.order.state is OrderState.ABSENT
    }
    return [
        f"I12: order {name} counted as absent, the exchange accepted it"
        for name in sorted(accepted & concluded)
    ]


def gapless_facts(stored: Stored) -> list[str]:
    """I13: facts are numbered without a gap."""
    numbers = [fact.sequence for fact in stored.facts]
    expected = list(range(numbers[0], numbers[0] + len(numbers))) if numbers else []
    return [] if numbers == expected else ["I13: the numbers of the facts have a gap"]


def settled(stored: Stored) -> list[str]:
    """I18: after the calm nothing is unknown, and every order that was sent has ended or is open."""
    doubtful = (OrderState.UNKNOWN, OrderState.SENT, OrderState.CANCELLING)
    return [
        f"I18: order {order.client_order_id} is still {order.state.value}"
        for order in stored.orders.values()
        if order.state in doubtful
    ]


def only_real_flows(stored: Stored, flows: frozenset[Decimal]) -> list[str]:
    """I8: what was booked as a balance change from outside is a deposit or withdrawal that took place.

    A forgotten fee or fill would be booked as one. `flows`: amounts without sign.
    """
    return [
        f"I8: {-amount} {asset} was booked as a change from outside, which did not take place"
        for asset, amount in _external(stored)
        if abs(amount) not in flows
    ]


def no_correction_taken_back(stored: Stored, flows: frozenset[Decimal]) -> list[str]:
    """I19: no reconciliation books a difference that a later one reverses. `flows`: as above."""
    booked: dict[str, list[Decimal]] = {}
    wrong: list[str] = []
    for asset, amount in _external(stored):
        before = booked.setdefault(asset, [])
        if -amount in before and abs(amount) not in flows:
            wrong.append(f"I19: {amount} {asset} was booked and taken back")
        before.append(amount)
    return wrong


def _external(stored: Stored) -> list[tuple[str, Decimal]]:
    """Return the amounts that reconciliations booked as changes from outside."""
    return [
        (posting.asset, posting.amount)
        for entry in stored.entries
        if entry.kind in (EntryKind.DRIFT, EntryKind.CORRECTION)
        for posting in entry.postings
        if posting.account is LedgerAccount.EXTERNAL
    ]


def within_reservations(memory: LedgerState) -> list[str]:
    """I1: the attempts of every intent, filled and open, cost no more than its reservation."""
    wrong: list[str] = []
    for intent in memory.intents.values():
        orders = tuple(one for one in memory.orders.values() if one.intent_id == intent.id)
        wrong += (f"I1: {text}" for text in within_reservation(intent, orders))
    return wrong


def shrunk_reservations(intents: Iterable[Intent], orders: Iterable[Order]) -> list[str]:
    """I1: what a buy still reserves and what it spent do not exceed its spend cap. All fills are booked."""
    spent: dict[str, Decimal] = {}
    for order in orders:
        spent[order.intent_id] = spent.get(order.intent_id, ZERO) + order.filled_value
    return [
        f"I1: {one.symbol} reserves {one.reserved} and spent {spent[one.id]} of {one.spend_cap}"
        for one in intents
        if one.side is Side.BUY
        and one.is_open
        and one.reserved + spent.get(one.id, ZERO) > one.spend_cap + TOLERANCE
    ]


@dataclass(slots=True)
class ProtectionCheck:
    """I9: every open position has a stop in force, and the task that monitors it runs."""

    unprotected: Counter[str] = field(default_factory=Counter[str])
    """Checks in a row in which a position was not protected."""
    _beats: dict[str, int | None] = field(default_factory=dict[str, int | None])

    def check(self, memory: LedgerState, heartbeat_ms: Callable[[Position], int | None]) -> list[str]:
        """Return positions that were unprotected in too many checks in a row, with the reason.

        A heartbeat counts as current if it moved since the last check: no clock is needed.
        """
        beats = {one.id: heartbeat_ms(one) for one in memory.positions.values()}
        wrong: list[str] = []
        counts: Counter[str] = Counter()
        for one in memory.positions.values():
            beat = beats[one.id] if beats[one.id] != self._beats.get(one.id) else None
            if found := protected(one, memory.intents_of(one.id), beat, now_ms=beat or 0):
                counts[one.id] = self.unprotected[one.id] + 1
                if counts[one.id] > UNPROTECTED:
                    wrong.append(f"I9: {'; '.join(found)}")
        self.unprotected, self._beats = counts, beats
        return wrong


def at_the_end(exchange: Exchange, stored: Stored, deposited: frozenset[Decimal]) -> list[str]:
    """Return what is wrong when the exchange has been calm for a while."""
    return [
        *within_budget(exchange, stored),
        *known_orders(exchange, stored),
        *equal_orders(exchange, stored),
        *equal_snipes(exchange, stored),
        *no_open_entry(exchange, stored),
        *one_live_order(stored.orders.values(), stored.intents.values()),
        *balanced_entries(stored),
        *positions_add_up(exchange, stored),
        *equal_balances(exchange, stored),
        *only_real_flows(stored, deposited),
        *legal_transitions(stored),
        *absent_orders(exchange, stored),
        *gapless_facts(stored),
        *settled(stored),
        *no_correction_taken_back(stored, deposited),
    ]
