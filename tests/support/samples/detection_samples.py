"""A small detection desk that stores its signals and restarts before every pass."""

from collections.abc import Mapping

from mexc_tui.detection.calibration import CalibrationHistory
from mexc_tui.detection.detection_pass import ActiveState, PassResult, active_after, detect
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.signal import DetectorName, Signal, SignalEnd, SignalKey
from tests.support.samples.listing_sources import before, calendar, entry, knowledge_of_pairs


class DetectionBench:
    """Runs detection passes over one knowledge base at times given in seconds before the opening."""

    def __init__(
        self, known: Knowledge | None = None, settings: DetectionSettings | None = None,
        history: CalibrationHistory | None = None,
    ) -> None:  # fmt: skip
        """Start without signals."""
        self.knowledge = known or knowledge_of_pairs()
        self.settings = settings or DetectionSettings()
        self.history = history
        self.stored: list[Signal | SignalEnd] = []

    @property
    def active(self) -> dict[SignalKey, ActiveState]:
        """Return the active signals derived from the stored ones alone, as after a restart."""
        return active_after(self.stored)

    def run_pass(self, seconds: float, liquidity: Mapping[str, Liquidity] | None = None) -> PassResult:
        """Make one pass over all listings and store its signals."""
        found = detect(
            tuple(self.knowledge.listings),
            before(seconds),
            self.active,
            settings=self.settings,
            history=self.history,
            liquidity=liquidity,
        )
        self.stored += [*found.raised, *found.ended]
        return found

    def raised(self, detector: DetectorName, topic: str = "") -> list[Signal]:
        """Return all signals of a detector so far, oldest first."""
        return [
            item
            for item in self.stored
            if isinstance(item, Signal) and item.key.detector is detector and topic in ("", item.key.topic)
        ]


def announced_bench(seconds: float = 80_000) -> DetectionBench:
    """Return a desk that read NEWUSDT in the calendar this many seconds before its opening."""
    bench = DetectionBench()
    bench.knowledge.read_calendar(calendar(entry()), before(seconds))
    return bench


def book(seconds: float, *, spread: float = 0.01, value: float = 5_000.0) -> Mapping[str, Liquidity]:
    """Return the liquidity of NEWUSDT at this time."""
    return {
        "NEWUSDT": Liquidity(
            at_ms=before(seconds), bid=1.0, ask=1.0 + spread, bid_value=value, ask_value=value
        )
    }
