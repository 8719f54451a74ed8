"""`ScreenFace` on a running engine."""

from collections import Counter

from mexc_tui.engine.detector_rows import NEWEST, Raised, detector_rows, pass_row, scores
from mexc_tui.engine.engine import Engine
from mexc_tui.engine.labelling import label_version
from mexc_tui.model.engine_view import DetectorsRow


class EngineScreens:
    """One engine, as its screens draw it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def detectors(self) -> DetectorsRow:
        """Return how each detector does. Raises StorageError."""
        engine = self._engine
        known, detection = engine.known, engine.detection
        version = label_version(engine.detection_settings())
        cards = await engine.parts.books.read("detectors", lambda stored: scores(stored, version))
        standing = Counter(key.detector for key in known.signals)
        raised = Raised(detection.counts, standing, known.history)
        return DetectorsRow(
            at_ms=engine.parts.market.now_ms(),
            detectors=detector_rows(raised, cards),
            last_pass=None if detection.last is None else pass_row(detection.last, detection.passes),
            newest=NEWEST,
        )
