"""A small app around one widget whose driver records the bytes written to the terminal."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Region
from textual.widget import Widget

from mexc_tui.tui.terminal.ansi_minifier import minified
from mexc_tui.tui.themed_app import ThemedApp
from mexc_tui.tui.themes import all_themes
from mexc_tui.tui.widgets.table import Table


class RecordingDriver(HeadlessDriver):
    """A terminal driver that records its output."""

    written: str = ""

    @property
    def is_headless(self) -> bool:
        """Return False, so that frames are written as to a real terminal."""
        return False

    def write(self, data: str) -> None:
        """Record the data."""
        self.written += minified(data)


class SingleWidgetApp(ThemedApp):
    """Shows one widget."""

    def __init__(self, make_widget: Callable[[], Widget], theme: str = "dark") -> None:
        themes = all_themes(Path("/nonexistent"))
        super().__init__(themes, themes.by_name[theme], RecordingDriver)
        self._make_widget = make_widget

    @property
    def wire(self) -> RecordingDriver:
        """Return the recording driver."""
        driver = self._driver
        assert isinstance(driver, RecordingDriver)
        return driver

    def compose(self) -> ComposeResult:
        """Show the widget."""
        yield self._make_widget()


class RecordingTable(Table):
    """A table that records its drawn lines and its requested refreshes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.drawn: list[int] = []
        self.asked: list[Region] = []

    def render_line(self, y: int) -> Any:
        """Record the line."""
        self.drawn.append(y)
        return super().render_line(y)

    def refresh(self, *regions: Region, **kwargs: Any) -> Any:
        """Record the regions."""
        self.asked.extend(regions)
        return super().refresh(*regions, **kwargs)
