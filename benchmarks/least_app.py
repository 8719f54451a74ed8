"""The least Textual app: how soon one can paint at all."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Least(App[None]):
    """Says one word."""

    def compose(self) -> ComposeResult:
        """Say it."""
        yield Static("painted")


if __name__ == "__main__":
    Least().run()
