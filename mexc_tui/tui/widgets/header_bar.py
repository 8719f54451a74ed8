"""Header widget of every screen and page."""

from mexc_tui.model.mode import Mode
from mexc_tui.tui.widgets.header_text import HeaderData, lines
from mexc_tui.tui.widgets.layout import HEAD
from mexc_tui.tui.widgets.text_bar import TextBar


class HeaderBar(TextBar):
    """Header with mode and state; in live mode with a heavy line below."""

    DEFAULT_CSS = """
    HeaderBar { dock: top; }
    HeaderBar.-live { border-bottom: heavy $error; }
    """

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(HEAD, "header")

    def update_data(self, known: HeaderData, width: int) -> None:
        """Show the current data that fits."""
        is_live = known.status is not None and known.status.mode == Mode.LIVE
        self.set_class(is_live, "-live")
        self.styles.height = HEAD + is_live
        self.show(lines(known, width))
