"""A minimal Textual app: lower bound of the time to the first paint."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class MinimalApp(App[None]):
    """Shows one word."""

    def compose(self) -> ComposeResult:
        """Return the word as a widget."""
        yield Static("painted")


if __name__ == "__main__":
    MinimalApp().run()
