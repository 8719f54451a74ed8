"""What screens ask of a running engine to draw, on the engine's own loop. Asking changes nothing."""

from typing import Protocol

from mexc_tui.model.engine_view import DetectorsRow


class ScreenFace(Protocol):
    """One engine, as its screens draw it."""

    async def detectors(self) -> DetectorsRow:
        """Return how each detector does. Raises StorageError."""
        ...
