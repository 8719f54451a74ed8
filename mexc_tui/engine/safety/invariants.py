"""Invariants checked in production: each breach as a line of text (reliability 2.8)."""

from collections.abc import Callable
from decimal import Decimal

from mexc_tui.engine.accounting.equity_monitor import EquityMonitor
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.ledger.checks import (
    agrees,
    exposure,
    lots_agree,
    protected,
    solvent,
    within_limit,
    within_reservation,
)
from mexc_tui.ledger.orders import needs_query
from mexc_tui.model.intent import ZERO
from mexc_tui.model.position import EntryKind, Position
from mexc_tui.model.reconciliation import DifferenceKind
from mexc_tui.model.severity import Severity

HUNDRED = Decimal(100)
QUOTES = frozenset({QUOTE})
TOLERANCE = Decimal("1e-6")
QUIET_MS = 2_000
"""Balances are compared only if nothing was booked this long before the reconciliation."""
UNSETTLED_MS = 30_000
"""A breach that lasts this long halts even while requests are in flight."""
UNPROTECTED_MS = 15_000
"""A failed worker has restarted by then; a position unprotected for longer is a breach."""
SLACK = Decimal("1.02")
"""Tolerance for equity that was higher between two marks, when a snipe was armed."""
MOVES = (EntryKind.TRADE, EntryKind.FEE, EntryKind.DUST)
"""Ledger entries that change balances after the last reconciliation."""
GRAVE = (Severity.ERROR, Severity.CRITICAL)


class Invariants:
    """Checks of the ledger in memory, cheap enough for every second."""

    def __init__(
        self,
        ledger: LedgerWriter,
        *,
        equity: EquityMonitor,
        execution: Execution,
        reconciler: Reconciler,
        now_ms: Callable[[], int],
        heartbeat_ms: Callable[[Position], int | None],
    ) -> None:
        """`heartbeat_ms`: exchange time of the last exit check of a position; None: never checked."""
        self._ledger = ledger
        self._equity = equity
        self._execution = execution
        self._reconciler = reconciler
        self._now_ms = now_ms
        self._traded_ms = 0
        self._allowed = ZERO
        self._unprotected_ms = dict[str, int]()
        self._since_ms = dict[str, int]()
        """First time of each finding that persists."""
        self._unequal_ms = dict[str, int]()
        """Time of the reconciliation that first found a balance unequal, for those still unequal."""
        self._settled = frozenset[str]()
        """Findings of the last check, if the state was settled then."""
        self.heartbeat_ms = heartbeat_ms
        ledger.on_change(self._record_trade)

    def breaches(self, cap_pct: Decimal) -> tuple[str, ...]:
        """Return breaches found by two consecutive checks of a settled state, or persistently otherwise.

        While a request is in flight or an order is unknown, parts of the ledger describe different moments.
        """
        found = (*self._limits(cap_pct), *self._books(), *self._equity.breaches(), *self._balances())
        now_ms, is_settled = self._now_ms(), self._is_settled()
        self._since_ms = {about: self._since_ms.get(about, now_ms) for about in map(_about, found)}
        lasting = tuple(
            text
            for text in found
            if (is_settled and _about(text) in self._settled)
            or now_ms - self._since_ms[_about(text)] >= UNSETTLED_MS
        )
        self._settled = frozenset(self._since_ms) if is_settled else frozenset[str]()
        return (*lasting, *self._unprotected_for_long())

    def unprotected(self) -> tuple[str, ...]:
        """Return positions without a monitored stop in force, each with the reason (reliability I9)."""
        memory, now_ms, wrong = self._ledger.state, self._now_ms(), list[str]()
        for position in memory.positions.values():
            found = protected(
                position, memory.intents_of(position.id), self.heartbeat_ms(position), now_ms=now_ms
            )
            wrong += found
            if found:
                self._unprotected_ms.setdefault(position.id, now_ms)
            else:
                self._unprotected_ms.pop(position.id, None)
        self._unprotected_ms = {
            name: at for name, at in self._unprotected_ms.items() if name in memory.positions
        }
        return tuple(wrong)

    # ---- internals

    def _is_settled(self) -> bool:
        """Return whether every request is answered and all evidence is booked."""
        return not (
            self._ledger.is_behind
            or self._execution.in_flight
            or any(needs_query(order) for order in self._ledger.state.orders.values())
        )

    def _limits(self, cap_pct: Decimal) -> tuple[str, ...]:
        """Check I1 against the limit at entry time: later losses do not shrink it."""
        memory = self._ledger.state
        intents, positions = list(memory.intents.values()), memory.booked_positions()
        bound = exposure(intents, positions)
        point = memory.equity
        if point is not None and point.is_complete:
            now = point.equity * cap_pct / HUNDRED
            is_first = self._allowed == ZERO
            self._allowed = max(now, bound if is_first else ZERO, self._allowed if bound else ZERO)
        wrong = within_limit(intents, positions, self._allowed * SLACK) if self._allowed else ()
        for intent in intents:
            orders = tuple(order for order in memory.orders.values() if order.intent_id == intent.id)
            wrong += within_reservation(intent, orders)
        return wrong

    def _books(self) -> tuple[str, ...]:
        """Check I6: no negative balance, and lots that add up to the balances."""
        memory = self._ledger.state
        return solvent(memory.balances) + lots_agree(memory.balances, memory.booked_positions(), QUOTES)

    def _balances(self) -> tuple[str, ...]:
        """Check I8: after an undisturbed reconciliation ledger and exchange balances are equal."""
        memory = self._ledger.state
        run = memory.reconciled
        if run is None or run.problem:
            return ()
        wrong = tuple(
            f"assets of the desk are missing: {difference.text}"
            for difference in run.unexplained
            if difference.kind is DifferenceKind.SHORTFALL and difference.severity in GRAVE
        )
        is_quiet = not memory.live_orders() and not self._execution.in_flight
        if not is_quiet or self._traded_ms > run.at_ms - QUIET_MS:
            return wrong
        balances = self._reconciler.compared_balances
        held = {asset for (_, asset), amount in memory.balances.items() if amount}
        unequal = agrees(
            memory.balances, balances, held & {balance.asset for balance in balances}, tolerance=TOLERANCE
        )
        return wrong + self._found_twice(unequal, run.at_ms)

    def _found_twice(self, unequal: tuple[str, ...], at_ms: int) -> tuple[str, ...]:
        """Return differences that an earlier reconciliation found too; request another for new ones."""
        first = {about: self._unequal_ms.get(about, at_ms) for about in map(_about, unequal)}
        if first.keys() - self._unequal_ms.keys():
            self._reconciler.request_comparison()
        self._unequal_ms = first
        return tuple(text for text in unequal if first[_about(text)] < at_ms)

    def _unprotected_for_long(self) -> tuple[str, ...]:
        since_ms = self._now_ms() - UNPROTECTED_MS
        positions = self._ledger.state.positions
        names = [
            name for name, at_ms in self._unprotected_ms.items() if at_ms < since_ms and name in positions
        ]
        return tuple(f"{positions[name].symbol} has no protection" for name in names)

    def _record_trade(self, changes: LedgerChanges) -> None:
        if any(entry.kind in MOVES for entry in changes.entries):
            self._traded_ms = self._now_ms()


def _about(text: str) -> str:
    """Return a finding without its numbers, which vary between checks."""
    return " ".join(word for word in text.split() if not any(sign.isdigit() for sign in word))
