"""Detection pass: evaluate every detector for every listing and raise each new state once."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mexc_tui.detection.calibration import CalibrationHistory
from mexc_tui.detection.detector import UNKNOWN, Detector, DetectorFinding, DetectorInput, known_inputs
from mexc_tui.detection.detectors import (
    api_enabled,
    cluster,
    launch_sequence,
    opening,
    pre_ready,
    ready_state,
    risk_warning,
)
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.listing import Listing
from mexc_tui.model.signal import Input, Signal, SignalEnd, SignalKey

DETECTORS: tuple[Detector, ...] = (
    launch_sequence.DETECTOR,
    pre_ready.DETECTOR,
    ready_state.DETECTOR,
    api_enabled.DETECTOR,
    opening.DETECTOR,
    risk_warning.DETECTOR,
    cluster.DETECTOR,
)

SLICE = 25
"""Listings per slice before the event loop runs: well under 5 ms, even if all their data is new."""


class ActiveState(NamedTuple):
    """Active signal of one key: its state and when it was raised."""

    state: str
    at_ms: int


ActiveSignals = Mapping[SignalKey, ActiveState]
"""Active signals by key; `active_after` rebuilds them from stored signals."""


@dataclass(frozen=True, slots=True)
class PassResult:
    """Result of one detection pass."""

    raised: tuple[Signal, ...]
    ended: tuple[SignalEnd, ...]
    looked_at: int


def active_after(facts: Iterable[Signal | SignalEnd]) -> dict[SignalKey, ActiveState]:
    """Replay signals and their ends, oldest first; gives the same state as before a restart."""
    active: dict[SignalKey, ActiveState] = {}
    for fact in facts:
        if isinstance(fact, Signal):
            active[fact.key] = ActiveState(fact.state, fact.at_ms)
            continue
        stood = active.pop(fact.key, None)
        if stood is not None and fact.goes_on_as is not None:
            active.setdefault(fact.goes_on_as, stood)
    return active


def detect(
    listings: Iterable[Listing],
    now_ms: int,
    active: ActiveSignals,
    *,
    settings: DetectionSettings | None = None,
    history: CalibrationHistory | None = None,
    liquidity: Mapping[str, Liquidity] | None = None,
) -> PassResult:
    """Evaluate every given listing, with `liquidity` by symbol.

    Active signals of listings that are not given stay active.
    """
    parts = detect_in_slices(
        listings, now_ms, active, settings=settings, history=history, liquidity=liquidity
    )
    while True:
        try:
            next(parts)
        except StopIteration as done:
            return done.value


def detect_in_slices(
    listings: Iterable[Listing],
    now_ms: int,
    active: ActiveSignals,
    *,
    settings: DetectionSettings | None = None,
    history: CalibrationHistory | None = None,
    liquidity: Mapping[str, Liquidity] | None = None,
) -> Generator[None, None, PassResult]:
    """Run `detect` in slices; yield after each so that the event loop can run."""
    settings_in_force = settings or DetectionSettings()
    inputs = list(_inputs(tuple(listings), now_ms, settings_in_force, liquidity=liquidity or {}))
    current = _Pass(_renamed(active, inputs), history or CalibrationHistory(), settings_in_force.config_hash)
    for start in range(0, len(inputs), SLICE):
        for data in inputs[start : start + SLICE]:
            current.evaluate(data)
        yield
    looked_at = {
        name: data.listing.id for data in inputs for name in (data.listing.id, *data.listing.also_ids)
    }
    ended = tuple(_ended(active, current.found, looked_at, now_ms=now_ms, hold_ms=settings_in_force.hold_ms))
    return PassResult(tuple(current.raised), ended, len(inputs))


class _Pass:
    """State of one pass in progress."""

    def __init__(self, active: ActiveSignals, history: CalibrationHistory, config: str) -> None:
        self.raised: list[Signal] = []
        self.found: dict[SignalKey, str] = {}
        self._active = active
        self._history = history
        self._config = config

    def evaluate(self, data: DetectorInput) -> None:
        """Evaluate every detector for one listing."""
        new: list[tuple[Detector, DetectorFinding, SignalKey]] = []
        for detector in DETECTORS:
            for finding in detector.find(data):
                key = SignalKey(detector.name, data.listing.id, finding.topic)
                self.found[key] = finding.state
                known = self._active.get(key)
                is_new = known is None or known.state != finding.state
                if is_new and finding.state != UNKNOWN:
                    new.append((detector, finding, key))
        if new:
            known = known_inputs(data.listing)
            self.raised += [
                self._signal(detector, data, finding, key=key, known=known) for detector, finding, key in new
            ]

    def _signal(
        self,
        detector: Detector,
        data: DetectorInput,
        finding: DetectorFinding,
        *,
        key: SignalKey,
        known: tuple[Input, ...],
    ) -> Signal:
        why = detector.explain(data, finding)
        return Signal(
            key=key,
            state=finding.state,
            at_ms=data.now_ms,
            version=detector.version,
            config_hash=self._config,
            symbol=data.listing.symbol,
            severity=why.severity,
            claim=why.claim,
            stratum=why.stratum,
            probability=self._history.probability(
                detector.name, detector.version, why.stratum, claim=why.claim.kind, kappa=data.settings.kappa
            ),
            reasons=why.reasons,
            inputs=known + why.inputs,
        )


def _renamed(active: ActiveSignals, inputs: Iterable[DetectorInput]) -> ActiveSignals:
    """Return the active signals, also under the ids of listings that absorbed others."""
    now_id = {old: data.listing.id for data in inputs for old in data.listing.also_ids}
    if not now_id:
        return active
    taken_over = {
        SignalKey(key.detector, now_id[key.subject], key.topic): known
        for key, known in active.items()
        if key.subject in now_id
    }
    return {**taken_over, **active}


def _inputs(
    listings: tuple[Listing, ...],
    now_ms: int,
    settings: DetectionSettings,
    *,
    liquidity: Mapping[str, Liquidity],
) -> Iterator[DetectorInput]:
    together = cluster.groups(listings, settings.cluster_window_ms)
    for listing in listings:
        stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
        yield DetectorInput(
            listing,
            now_ms,
            stage,
            stage.is_over,
            settings,
            liquidity.get(listing.symbol),
            together.get(listing.id, ()),
        )


_HELD = {detector.name: detector.held_topics for detector in DETECTORS}


def _ended(
    active: ActiveSignals,
    found: Mapping[SignalKey, str],
    looked_at: Mapping[str, str],
    *,
    now_ms: int,
    hold_ms: int,
) -> Iterator[SignalEnd]:
    """Yield the end of active signals without a finding; `looked_at` maps every id of a listing to its own.

    A signal under the id of an absorbed listing ends and continues under the remaining id if it is still
    found there.
    """
    for key, known in active.items():
        now_id = looked_at.get(key.subject)
        if now_id is None:
            continue
        now_key = SignalKey(key.detector, now_id, key.topic)
        is_held = key.topic in _HELD[key.detector] and now_ms - known.at_ms < hold_ms
        if now_id == key.subject:
            if now_key not in found and not is_held:
                yield SignalEnd(key=key, state=known.state, at_ms=now_ms)
            continue
        is_so = found.get(now_key, known.state if is_held else None) in (known.state, UNKNOWN)
        into = now_id if is_so and now_key not in active else ""
        yield SignalEnd(
            key=key, state=known.state, at_ms=now_ms, reason=f"its listing was joined to {now_id}", into=into
        )
