"""Readiness checklist in the last second before an opening (T0), and its preview before that."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.entries.arming import Arming
from mexc_tui.engine.entries.entry_context import EntryParameters, key_permission
from mexc_tui.engine.entries.firing import Firing
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.runtime.suspend_detector import SuspendDetector
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.snipe import Snipe
from mexc_tui.model.verdict import Verdict
from mexc_tui.ports.market import PairStreams
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.readiness_checklist import ReadyFacts, ReadyLimits, checklist

log = logging.getLogger(__name__)

MAX_KEPT = 100
PROBE_FRESH_MS = 2_000
"""Maximum silence of a connection that was just pinged; longer counts as dead."""
PROBE_TRIES, PROBE_INTERVAL_S = 12, 0.05
"""Attempts to see subscriptions accepted and pings answered; it is 1.2 s before the opening."""
CONNECTION_CHECKS = ("connection", "round_trip", "requests")
"""Checks that need the firing connection."""


@dataclass(frozen=True, slots=True)
class ReadinessCheck:
    """A checklist; `at_ms` None: a preview without the checks of the connection."""

    verdicts: tuple[Verdict, ...]
    at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _Line:
    """State of the firing connection."""

    is_warm: bool = False
    round_trip_ms: float | None = None
    are_requests_ready: bool = False


class PairWatch(Protocol):
    """The market streams as the checklist uses them."""

    def pair_streams(self, symbol: str) -> PairStreams:
        """Return the state of a pair's streams."""
        ...

    def probe_streams(self, symbol: str) -> None:
        """Ping the connections of a pair's streams."""
        ...


class Readiness:
    """Runs the checklist and keeps its results."""

    def __init__(
        self,
        *,
        knowledge_store: KnowledgeStore,
        trading: TradingPort,
        ledger: LedgerWriter,
        arming: Arming,
        reconciler: Reconciler,
        suspend_detector: SuspendDetector,
        parameters: Callable[[], EntryParameters],
        streams: PairWatch,
    ) -> None:
        self._knowledge_store = knowledge_store
        self._trading = trading
        self._ledger = ledger
        self._arming = arming
        self._reconciler = reconciler
        self._suspend_detector = suspend_detector
        self._parameters = parameters
        self._streams = streams
        self._checked: OrderedDict[str, ReadinessCheck] = OrderedDict()

    async def check(self, firing: Firing) -> tuple[Verdict, ...]:
        """Run every check and keep the result."""
        snipe, trip_ns = firing.snipe, firing.line.round_trip_ns
        line = _Line(
            firing.line.is_warm, None if trip_ns is None else trip_ns / 1e6, firing.are_requests_ready()
        )
        await self._await_probes(snipe.symbol)
        free = self._free_when_reconciled()
        if free is None or free < snipe.spend_cap:
            free = await self._free_quote()
        verdicts = self._verdicts(snipe, line, free, silent_ms=PROBE_FRESH_MS)
        self._checked[snipe.id] = ReadinessCheck(verdicts, self._trading.now_ms())
        while len(self._checked) > MAX_KEPT:
            self._checked.popitem(last=False)
        return verdicts

    def probe(self, symbol: str) -> None:
        """Ping the streams of the pair and of the desk's orders; the checklist requires an answer."""
        self._streams.probe_streams(symbol)
        self._trading.probe_private()

    async def _await_probes(self, symbol: str) -> None:
        """Wait briefly for pending subscriptions and for answers to the pings."""
        for number in range(PROBE_TRIES):
            public, private = self._streams.pair_streams(symbol), self._trading.private_state()
            silent_ms = max(_knowledge_store(public.silent_ms), _knowledge_store(private.silent_ms))
            if not public.missing and silent_ms <= PROBE_FRESH_MS:
                return
            if not number:
                self.probe(symbol)
            await asyncio.sleep(PROBE_INTERVAL_S)

    def of(self, snipe_id: str) -> ReadinessCheck:
        """Return the checklist of a snipe, or its preview; empty for an earlier snipe."""
        snipe, known = self._ledger.state.snipes.get(snipe_id), self._checked.get(snipe_id)
        if known is not None or snipe is None:
            return known or ReadinessCheck(())
        verdicts = self._verdicts(
            snipe, _Line(), self._free_when_reconciled(), silent_ms=self._parameters().silent_ms
        )
        return ReadinessCheck(tuple(verdict for verdict in verdicts if verdict.name not in CONNECTION_CHECKS))

    def _verdicts(
        self, snipe: Snipe, line: _Line, free: Decimal | None, *, silent_ms: int
    ) -> tuple[Verdict, ...]:
        memory, clock = self._ledger.state, self._trading.clock()
        private, public = self._trading.private_state(), self._streams.pair_streams(snipe.symbol)
        listing = self._knowledge_store.knowledge.listings.get(snipe.listing_id)
        facts = ReadyFacts(
            trading=memory.trading.state,
            generation=memory.trading.generation,
            armed_generation=self._arming.generations.get(snipe.id, memory.trading.generation),
            symbol=self._knowledge_store.knowledge.pairs.get(snipe.symbol),
            opens_ms=None if listing is None else listing.opens_ms,
            is_warm=line.is_warm,
            round_trip_ms=line.round_trip_ms,
            clock_error_ms=None if clock is None else clock.error_ms,
            clock_age_s=None if clock is None else clock.age_s,
            free_quote=free,
            is_private_live=private.is_live,
            private_silent_ms=private.silent_ms,
            public_silent_ms=public.silent_ms,
            missing_topics=public.missing,
            has_unknown_order=memory.has_unknown(snipe.symbol),
            orders_left=self._trading.orders_left(Purpose.ENTRY),
            are_requests_ready=line.are_requests_ready,
            ban=self._trading.ban(),
            key_permission=key_permission(
                self._knowledge_store, snipe.symbol, listing, now_ms=self._trading.now_ms()
            ),
            standstill=self._suspend_detector.entry_block,
        )
        parameters = self._parameters()
        limits = ReadyLimits(clock_age_s=parameters.clock_age_s, silent_ms=silent_ms)
        return checklist(snipe, facts, limits, rules=parameters.fire)

    def _free_when_reconciled(self) -> Decimal | None:
        """Return the free balance at the last reconciliation; None: unknown."""
        return next((balance.free for balance in self._reconciler.balances if balance.asset == QUOTE), None)

    async def _free_quote(self) -> Decimal | None:
        try:
            account = await self._trading.account(purpose=Purpose.ENTRY)
        except ExchangeError as error:
            log.warning("balances could not be queried: %s", error)
            return None
        return account.free(QUOTE)


def _knowledge_store(silent_ms: int | None) -> float:
    return float("inf") if silent_ms is None else silent_ms
