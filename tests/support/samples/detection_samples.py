"""A small detection desk that keeps its signals and restarts from what it stored."""

from collections.abc import Mapping

from mexc_tui.detection.calibration import CalibrationHistory
from mexc_tui.detection.detection_pass import ActiveState, PassResult, active_after, detect
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.signal import DetectorName, Signal, SignalEnd, SignalKey
from tests.support.samples.listing_sources import before, calendar, entry, knowing


class Desk:
    """Passes over one knowledge, at moments counted in seconds before the opening."""

    def __init__(
        self, known: Knowledge | None = None, settings: DetectionSettings | None = None,
        history: CalibrationHistory | None = None,
    ) -> None:  # fmt: skip
        """Begin with an empty list of signals."""
        self.known = known or knowing()
        self.settings = settings or DetectionSettings()
        self.history = history
        self.stored: list[Signal | SignalEnd] = []

    @property
    def standing(self) -> dict[SignalKey, ActiveState]:
        """Return what stands, told from what is stored alone: each pass is a restart."""
        return active_after(self.stored)

    def look(self, seconds: float, liquidity: Mapping[str, Liquidity] | None = None) -> PassResult:
        """Make one pass over all listings, and store what it found."""
        found = detect(
            tuple(self.known.listings),
            before(seconds),
            self.standing,
            settings=self.settings,
            history=self.history,
            liquidity=liquidity,
        )
        self.stored += [*found.raised, *found.ended]
        return found

    def raised(self, detector: DetectorName, topic: str = "") -> list[Signal]:
        """Return all signals of a detector so far, oldest first."""
        return [
            one
            for one in self.stored
            if isinstance(one, Signal) and one.key.detector is detector and topic in ("", one.key.topic)
        ]


def announced(seconds: float = 80_000) -> Desk:
    """Return a desk that read NEWUSDT in the calendar so many seconds before its opening."""
    desk = Desk()
    desk.known.read_calendar(calendar(entry()), before(seconds))
    return desk


def book(seconds: float, *, spread: float = 0.01, value: float = 5_000.0) -> Mapping[str, Liquidity]:
    """Return the liquidity of NEWUSDT at a moment."""
    return {
        "NEWUSDT": Liquidity(
            at_ms=before(seconds), bid=1.0, ask=1.0 + spread, bid_value=value, ask_value=value
        )
    }
