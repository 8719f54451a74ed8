"""Detection passes, periodically and on news; new signals are stored once, with their alerts."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from mexc_tui.detection.detection_pass import DETECTORS, PassResult, detect_in_slices
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.event import Alert, SignalEnded, SignalRaised
from mexc_tui.model.listing import Listing, ListingSource
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import DetectionPass, DetectorName, ReadAge, Signal, SignalEnd, SignalKey
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.market import Market
from mexc_tui.ports.store import UnitOfWork

SHORTEST_S = 0.25
"""Minimum interval between passes triggered by news."""
LOUD = (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)


@dataclass(slots=True)
class DetectorCounts:
    """Counts of one detector since the start."""

    raised: int = 0
    last_ms: int | None = None


class DetectionWorker:
    """Worker that runs detection passes."""

    def __init__(
        self,
        *,
        market: Market,
        knowledge_store: KnowledgeStore,
        clock: Clock,
        settings: Callable[[], DetectionSettings],
        every_s: Callable[[], float],
        read_ms: Callable[[], Mapping[ListingSource, int | None]],
        is_opening: Callable[[], bool] = lambda: False,
    ) -> None:
        """`read_ms`: when each source was last read; `is_opening`: a snipe is firing, so passes wait."""
        self._market = market
        self._knowledge_store = knowledge_store
        self._clock = clock
        self._settings = settings
        self._every_s = every_s
        self._read_ms = read_ms
        self._wake = asyncio.Event()
        self._is_opening = is_opening
        self._pass_lock = asyncio.Lock()
        self.last: DetectionPass | None = None
        self.passes = 0
        self.counts: dict[DetectorName, DetectorCounts] = {
            detector.name: DetectorCounts() for detector in DETECTORS
        }
        knowledge_store.on_change(self._wake.set)

    async def run(self, started: Started) -> None:
        """Run passes until cancelled; the first completes before the worker counts as started.

        Each pass first reloads knowledge that could not be stored.

        """
        await self._knowledge_store.load()
        await self.run_pass()
        started()
        while True:
            await asyncio.sleep(SHORTEST_S)
            try:
                async with asyncio.timeout(max(self._every_s() - SHORTEST_S, 0.0)):
                    await self._wake.wait()
            except TimeoutError:
                pass
            if self._is_opening():  # performance 10
                continue
            await self._knowledge_store.load()
            await self.run_pass()

    async def run_pass(self) -> None:
        """Run one pass, yielding to the event loop between slices; passes never overlap."""
        async with self._pass_lock:
            await self._run_pass()

    async def _run_pass(self) -> None:
        """Run one pass; memory and store are updated in the same step."""
        self._wake.clear()
        now_ms, began_ns = self._market.now_ms(), self._clock.monotonic_ns()
        knowledge = self._knowledge_store.knowledge
        found = await self._detect(now_ms)
        if self._knowledge_store.knowledge is not knowledge:
            self._wake.set()  # knowledge was reloaded meanwhile: the findings are outdated
            return
        done = DetectionPass(
            at_ms=now_ms,
            read=tuple(_ages(self._read_ms(), now_ms)),
            looked_at=found.looked_at,
            raised=len(found.raised),
            ended=len(found.ended),
            duration_ns=self._clock.monotonic_ns() - began_ns,
        )
        over = [(ended, self._symbol_of(ended.key)) for ended in found.ended]
        raised = [(signal, self._symbol_of(signal.key)) for signal in found.raised]
        self._apply(found)
        self.last, self.passes = done, self.passes + 1

        def work(unit: UnitOfWork) -> None:
            _store(unit, raised, over)
            unit.passes.add(done)

        await self._knowledge_store.write("pass of detection", work)

    async def _detect(self, now_ms: int) -> PassResult:
        store = self._knowledge_store
        parts = detect_in_slices(
            self._listings(now_ms),
            now_ms,
            store.active_states,
            settings=self._settings(),
            history=store.history,
            liquidity=store.liquidity(),
        )
        while True:
            try:
                next(parts)
            except StopIteration as done:
                return done.value
            await asyncio.sleep(0)

    def _symbol_of(self, key: SignalKey) -> str:
        """Return the symbol of an active signal, which is also that of its alert; empty: not active."""
        signal = self._knowledge_store.signals.get(key)
        return signal.symbol if signal is not None else ""

    def _listings(self, now_ms: int) -> tuple[Listing, ...]:
        """Return the listings in progress, and ended ones with an active signal."""
        live = self._knowledge_store.live(now_ms)
        given = {listing.id for listing in live}
        left = {key.subject for key in self._knowledge_store.signals} - given
        over = (self._knowledge_store.knowledge.listings.get(listing_id) for listing_id in sorted(left))
        return live + tuple(listing for listing in over if listing is not None)

    def _apply(self, found: PassResult) -> None:
        for signal in found.raised:
            self._knowledge_store.signals[signal.key] = signal
            count = self.counts[signal.key.detector]
            count.raised, count.last_ms = count.raised + 1, signal.at_ms
        for ended in found.ended:
            signal, later = self._knowledge_store.signals.pop(ended.key, None), ended.goes_on_as
            if signal is not None and later is not None:
                self._knowledge_store.signals.setdefault(later, msgspec.structs.replace(signal, key=later))


def rule_of(key: SignalKey) -> str:
    """Return the alert rule of a signal."""
    return f"{key.detector}:{key.topic}"


def alert_of(signal: Signal) -> Alert | None:
    """Return the alert of a signal; None: its severity raises no alert."""
    if signal.severity not in LOUD:
        return None
    text = f"{signal.symbol}: {'; '.join(signal.reasons)}"
    rule = rule_of(signal.key)
    return Alert(at_ms=signal.at_ms, about=signal.symbol, severity=signal.severity, rule=rule, text=text)


def _store(
    unit: UnitOfWork, raised: Iterable[tuple[Signal, str]], over: Iterable[tuple[SignalEnd, str]]
) -> None:
    """Store new and ended signals, each with the symbol of the previously active signal."""
    for signal, before in raised:
        unit.signals.add(signal)
        unit.record(SignalRaised(at_ms=signal.at_ms, about=signal.symbol, signal=signal))
        if before not in ("", signal.symbol):
            unit.alerts.close(rule_of(signal.key), before, signal.at_ms)  # renamed since
        alert = alert_of(signal)
        if alert is None:
            unit.alerts.close(rule_of(signal.key), signal.symbol, signal.at_ms)
        elif unit.alerts.add(alert):
            unit.record(alert)
    for ended, symbol in over:
        if unit.signals.end(ended):
            unit.record(SignalEnded(at_ms=ended.at_ms, about=symbol, ended=ended))
            if not ended.into:
                unit.alerts.close(rule_of(ended.key), symbol, ended.at_ms)


def _ages(read_ms: Mapping[ListingSource, int | None], now_ms: int) -> list[ReadAge]:
    return [ReadAge(source, None if at is None else now_ms - at) for source, at in read_ms.items()]
