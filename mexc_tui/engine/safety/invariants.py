"""Invariants that are looked at in production: what is broken, in words (reliability 2.8)."""

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
"""Balances are held against books that nothing moved for so long."""
UNSETTLED_MS = 30_000
"""What is found broken for so long halts although something is still on its way."""
NAKED_MS = 15_000
"""A worker that failed is back by then; a position that lacks protection for longer is a breach."""
SLACK = Decimal("1.02")
"""Between two marks equity may have been a little higher, when something was armed."""
MOVES = (EntryKind.TRADE, EntryKind.FEE, EntryKind.DUST)
"""Entries that move balances, of which the last comparison knows nothing."""
GRAVE = (Severity.ERROR, Severity.CRITICAL)


class Invariants:
    """Looks at memory: each second costs next to nothing."""

    def __init__(
        self,
        keeper: LedgerWriter,
        equity: EquityMonitor,
        execution: Execution,
        reconciler: Reconciler,
        now_ms: Callable[[], int],
    ) -> None:
        self._keeper = keeper
        self._equity = equity
        self._execution = execution
        self._reconciler = reconciler
        self._now_ms = now_ms
        self._traded_ms = 0
        self._allowed = ZERO
        self._naked_ms = dict[str, int]()
        self._since_ms = dict[str, int]()
        """When each finding that lasts was first made."""
        self._unequal_ms = dict[str, int]()
        """Moment of the comparison that first found a balance unequal; it is so still."""
        self._settled = frozenset[str]()
        """What the last look found, if the state was settled then."""
        self.heartbeat_ms: Callable[[Position], int | None] | None = None
        """When a position was last looked after, exchange time; None: nothing here looks after positions."""
        keeper.on_change(self._note)

    def breaches(self, cap_pct: Decimal) -> tuple[str, ...]:
        """Return what was broken at two looks in a row on a settled state, or for long on an unsettled one.

        While something is on its way or not known, parts of the books describe different moments.
        """
        found = (*self._limits(cap_pct), *self._books(), *self._equity.breaches(), *self._balances())
        now_ms, is_settled = self._now_ms(), self._is_settled()
        self._since_ms = {about: self._since_ms.get(about, now_ms) for about in map(_about, found)}
        lasting = tuple(
            words
            for words in found
            if (is_settled and _about(words) in self._settled)
            or now_ms - self._since_ms[_about(words)] >= UNSETTLED_MS
        )
        self._settled = frozenset(self._since_ms) if is_settled else frozenset[str]()
        return (*lasting, *self._naked_for_long())

    def unprotected(self) -> tuple[str, ...]:
        """Return what is held without a stop in force that somebody looks after (reliability I9)."""
        if self.heartbeat_ms is None:
            return ()
        memory, now_ms, wrong = self._keeper.state, self._now_ms(), list[str]()
        for position in memory.positions.values():
            found = protected(position, memory.intents_of(position.id), self.heartbeat_ms(position), now_ms)
            wrong += found
            if found:
                self._naked_ms.setdefault(position.id, now_ms)
            else:
                self._naked_ms.pop(position.id, None)
        self._naked_ms = {name: at for name, at in self._naked_ms.items() if name in memory.positions}
        return tuple(wrong)

    # ---- inside

    def _is_settled(self) -> bool:
        """Whether everything that was sent is answered, and everything that was told is booked."""
        return not (
            self._keeper.is_behind
            or self._execution.in_flight
            or any(needs_query(order) for order in self._keeper.state.orders.values())
        )

    def _limits(self, cap_pct: Decimal) -> tuple[str, ...]:
        """I1. What was bound within the limit of its time stays within it: losses shrink no limit."""
        memory = self._keeper.state
        intents, positions = list(memory.intents.values()), memory.booked_positions()
        bound = exposure(intents, positions)
        point = memory.equity
        if point is not None and point.is_complete:
            now = point.equity * cap_pct / HUNDRED
            is_first = self._allowed == ZERO
            self._allowed = max(now, bound if is_first else ZERO, self._allowed if bound else ZERO)
        wrong = within_limit(intents, positions, self._allowed * SLACK) if self._allowed else ()
        for intent in intents:
            orders = tuple(one for one in memory.orders.values() if one.intent_id == intent.id)
            wrong += within_reservation(intent, orders)
        return wrong

    def _books(self) -> tuple[str, ...]:
        """I6."""
        memory = self._keeper.state
        return solvent(memory.balances) + lots_agree(memory.balances, memory.booked_positions(), QUOTES)

    def _balances(self) -> tuple[str, ...]:
        """I8: after a comparison that nothing disturbed, balances are the books' own."""
        memory = self._keeper.state
        run = memory.reconciled
        if run is None or run.problem:
            return ()
        wrong = tuple(
            f"coins of the desk are gone: {one.words}"
            for one in run.unexplained
            if one.kind is DifferenceKind.SHORTFALL and one.severity in GRAVE
        )
        is_quiet = not memory.live_orders() and not self._execution.in_flight
        if not is_quiet or self._traded_ms > run.at_ms - QUIET_MS:
            return wrong
        balances = self._reconciler.compared_balances
        held = {asset for (_, asset), amount in memory.balances.items() if amount}
        unequal = agrees(memory.balances, balances, held & {one.asset for one in balances}, TOLERANCE)
        return wrong + self._found_twice(unequal, run.at_ms)

    def _found_twice(self, unequal: tuple[str, ...], at_ms: int) -> tuple[str, ...]:
        """Return what an earlier comparison found too; of what is new, a second one is asked for."""
        first = {about: self._unequal_ms.get(about, at_ms) for about in map(_about, unequal)}
        if first.keys() - self._unequal_ms.keys():
            self._reconciler.request_comparison()
        self._unequal_ms = first
        return tuple(words for words in unequal if first[_about(words)] < at_ms)

    def _naked_for_long(self) -> tuple[str, ...]:
        since_ms = self._now_ms() - NAKED_MS
        positions = self._keeper.state.positions
        names = [name for name, at_ms in self._naked_ms.items() if at_ms < since_ms and name in positions]
        return tuple(f"{positions[name].symbol} has no protection" for name in names)

    def _note(self, written: LedgerChanges) -> None:
        if any(entry.kind in MOVES for entry in written.entries):
            self._traded_ms = self._now_ms()


def _about(words: str) -> str:
    """Return a finding without its numbers, which move from look to look."""
    return " ".join(word for word in words.split() if not any(sign.isdigit() for sign in word))
