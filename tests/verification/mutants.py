"""Deliberate defects of the order path: the fault runs must find every one of them.

A mutant replaces one piece of a module's source. `seed` is a seed that finds it; the search for a new one is
`python -m tests.verification.search_mutants`.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).parents[2] / "mexc_tui"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One defect: `old` occurs exactly once in `module` and becomes `new`."""

    name: str
    module: str
    """Dotted, below `mexc_tui`."""
    old: str
    new: str
    seed: int = 0
    """0: no seed is known yet."""
    also: "tuple[Mutant, ...]" = ()
    """Further changes that belong to the same defect."""

    @property
    def path(self) -> Path:
        """Return the file of the module."""
        return PACKAGE / (self.module.replace(".", "/") + ".py")

    def source(self) -> str:
        """Return the source with the defect. Raises ValueError if `old` does not occur exactly once."""
        text = self.path.read_text("utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {text.count(self.old)} places in {self.module}")
        return text.replace(self.old, self.new)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, mutant: Mutant, name: str) -> None:
        super().__init__(name, str(mutant.path))
        self._text = mutant.source()

    def get_code(self, fullname: str) -> object:  # type: ignore[override]
        return compile(self._text, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != f"mexc_tui.{self._mutant.module}":
            return None
        return importlib.util.spec_from_loader(fullname, _Loader(self._mutant, fullname))


def install(mutant: Mutant) -> None:
    """Import the mutant instead of the module. Call it before anything of the package is imported."""
    for each in (mutant, *mutant.also):
        loaded = f"mexc_tui.{each.module}"
        if loaded in sys.modules:
            raise RuntimeError(f"{loaded} is imported already")
        sys.meta_path.insert(0, _Finder(each))


_EXECUTION = "engine.orders.execution"
_RESOLUTION = "engine.orders.order_resolution"
_WRITER = "engine.accounting.ledger_writer"
_TRANSACTION = "engine.accounting.ledger_transaction"
_RECONCILER = "engine.accounting.reconciler"
_ORDERS = "ledger.orders"
_FENCE = "ledger.order_absence"
_BOOKING = "ledger.booking"
_STOP = "engine.safety.emergency_stop"
_STATE = "engine.safety.trading_state"
_TRADING = "engine.trading"
_FIRING = "engine.entries.firing"
_REACTION = "sniping.reaction"

MUTANTS = (
    # Order machine
    Mutant(
        "fills may shrink",
        _ORDERS,
        "= max((order.filled_quantity, order.filled_value), reported)",
        "= reported",
        seed=74,
    ),
    Mutant(
        "an order that is done becomes live again",
        _ORDERS,
        "    state = _higher(order.state, reported)\n",
        "    state = reported\n",
        seed=23,
    ),
    Mutant(
        "no time for the fence",
        _ORDERS,
        "None if now_ms is None else now_ms + recv_window_ms + SETTLE_MS",
        "now_ms",
    ),
    Mutant(
        "fees are counted for every report",
        _ORDERS,
        "    known = set(order.trade_ids)\n    fresh = {\n",
        "    known = set[str]()\n    fresh = {\n",
        seed=6,
    ),
    Mutant(
        "fees of fills are never queried",
        _ORDERS,
        "    return order.filled_quantity > max(\n",
        "    return False and order.filled_quantity > max(\n",
    ),
    Mutant("an unknown order is not queried", _ORDERS, "        or order.state is OrderState.UNKNOWN\n", ""),
    Mutant(
        "a partial fill ends as cancelled without fills",
        _ORDERS,
        "    return _WITH_FILLS.get(state, state)\n",
        "    return state\n",
    ),
    # Fence
    Mutant(
        "absent after one denial",
        _FENCE,
        "    return tuple(text for proven_ms, text in wanted if proven_ms is None or proven_ms <= after_ms)",
        "    return tuple(text for proven_ms, text in wanted[:1] if proven_ms is None)",
    ),
    Mutant(
        "absent before the fence",
        _FENCE,
        '    if now_ms <= fence_ms:\n        return (f"may still be accepted for {fence_ms - now_ms} ms",)\n',
        "",
    ),
    Mutant(
        "denied before the fence is proof enough",
        _RESOLUTION,
        "        if order.fence_ms is not None and self._trading.now_ms() <= order.fence_ms:\n"
        "            await self._denied(order)\n            return\n        name",
        "        if await self._denied(order) is not None:\n"
        "            from mexc_tui.ledger.evidence import from_fence\n"
        "            from mexc_tui.model.intent import OrderState\n"
        "            gone = from_fence(OrderState.ABSENT, 'denied', self._trading.now_ms())\n"
        "            await self._ledger.book_evidence(order.client_order_id, gone)\n"
        "            return\n        name",
        seed=63,
    ),
    # Sending
    Mutant(
        "a sent order is not registered",
        _EXECUTION,
        "        self._ledger.register_sent(row)\n        outcome = await self._trading.place(",
        "        outcome = await self._trading.place(",
        seed=2,
    ),
    Mutant(
        "a fired order is not registered",
        _EXECUTION,
        "        self._ledger.register_sent(row)\n        fired = await (",
        "        fired = await (",
        seed=1,
    ),
    Mutant(
        "the response is not booked",
        _EXECUTION,
        "        self._begin_chore(self._ledger.book_evidence(name, reported))\n        return SendResult(",
        "        return SendResult(",
        seed=8,
    ),
    Mutant(
        "the response is not applied at once",
        _EXECUTION,
        "        self._ledger.apply_evidence(name, reported)\n"
        "        self._begin_chore(self._ledger.book_evidence(name, reported))\n        return SendResult(",
        "        self._begin_chore(self._ledger.book_evidence(name, reported))\n        return SendResult(",
    ),
    Mutant(
        "a rejection is always believed",
        _EXECUTION,
        "        if refusal.http_status in UNPROCESSED:\n            return False\n",
        "        return False\n",
    ),
    Mutant(
        "a timeout counts as not sent",
        _REACTION,
        "        return _after_ambiguous(outcome, progress, rules, now_ms=now_ms)",
        "        return _again(_same(progress), progress, rules, at_ms=now_ms, reason=outcome.reason)",
    ),
    Mutant(
        "earlier attempts do not count",
        _FIRING,
        "            committed=self._orders.committed(order),",
        "            committed=self._orders.committed(order) * 0,",
        seed=29,
    ),
    Mutant(
        "a resting entry is left open",
        _FIRING,
        '                    await self._execution.cancel(order, "the price moved away from the entry")\n',
        "                    pass\n",
    ),
    # Gates
    Mutant(
        "entries pass a halt",
        _TRADING,
        "        if not memory.trading.state.allows_entries:\n",
        "        if memory.trading.state.allows_entries is None:\n",
        seed=56,
    ),
    Mutant(
        "entries pass an unknown order",
        _TRADING,
        "        if memory.has_unknown(symbol):\n",
        "        if not symbol:\n",
    ),
    # Ledger
    Mutant(
        "evidence that could not be booked is dropped",
        _WRITER,
        "                self._unbooked.append(reported)\n                self._apply_unstored(reported)\n",
        "                self._apply_unstored(reported)\n",
    ),
    Mutant("a bought position gets no stop", _WRITER, "            desk.protect(spare)\n", "", seed=3),
    Mutant(
        "fills of a position are not booked",
        _BOOKING,
        "        *_trade_entry(position, before, order, at_ms=at_ms),\n",
        "",
        seed=1,
    ),
    Mutant(
        "fees are not booked",
        _BOOKING,
        "        *_fee_entries(position, before, order, at_ms=at_ms),\n",
        "",
        seed=1,
    ),
    Mutant(
        "an order of a previous engine is ignored",
        _WRITER,
        "                order = unknown_attempt(intent, name, None)\n",
        "                return\n",
    ),
    Mutant(
        "a reservation never shrinks",
        _BOOKING,
        "    return max(intent.spend_cap - spent(intent, orders), ZERO)",
        "    return intent.spend_cap",
    ),
    Mutant(
        "a snipe forgets its fills",
        _TRANSACTION,
        "        if step.has_fill:\n            self._follow_snipe(after)\n",
        "",
    ),
    # Reconciliation
    Mutant(
        "live orders are not marked after a restart",
        _RECONCILER,
        "            await self._ledger.mark_order_unknown(order.client_order_id, now_ms, window_ms)\n",
        "            pass\n",
    ),
    Mutant(
        "client order ids continue after a restart",
        _RECONCILER,
        "            await self._ledger.add_ids(intent)\n",
        "            pass\n",
    ),
    Mutant(
        "corrections are not applied",
        _RECONCILER,
        "            for correction in outcome.corrections:\n                await self._apply(correction)\n",
        "",
        seed=1,
    ),
    Mutant(
        "entries do not wait for the fence of a restart",
        _RECONCILER,
        "            await asyncio.sleep(max(fence_ns - self._clock.monotonic_ns(), 0) / 1e9)\n",
        "",
    ),
    Mutant(
        "a fill booked during a comparison is booked as a difference",
        "engine.accounting.ledger_snapshot",
        "        changed_assets=_moved(tables, known),\n",
        "",
        also=(
            Mutant(
                "one comparison confirms a difference",
                "ledger.confirmation",
                "    times, span_ms = (\n",
                "    if not difference.shortfall:\n        return True\n    times, span_ms = (\n",
            ),
        ),
        seed=50,
    ),
    # Emergency stop
    Mutant(
        "an emergency stop cancels entries only",
        _STOP,
        "        return await self._complete(self._halt(text, _is_any))",
        "        return await self._complete(self._halt(text, _is_entry))",
    ),
    Mutant(
        "a stop does not cancel",
        _STOP,
        "        late = await self._sweep.cancel(_is_any)\n",
        "        late = CancelResult(0, 0, '')\n",
    ),
    Mutant(
        "a halt is not stored",
        _STATE,
        "        row = self._begin(self._write_row())\n"
        "        if not self._is_durable():\n            await asyncio.shield(row)\n",
        "",
    ),
    Mutant("a halt writes no file", _STATE, "        await self._write_file()\n        row", "        row"),
)
