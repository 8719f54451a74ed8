"""Text output of `stop`."""

from mexc_tui.cli.json_output import StopJson
from mexc_tui.cli.tables import Pen, fold


def stop_page(gone: StopJson, pen: Pen) -> str:
    """Return that the engine has stopped, and the positions left open."""
    words = f"Process {gone.pid} has stopped."
    if gone.held:
        count = f"{len(gone.held)} position{'s stay' if len(gone.held) > 1 else ' stays'} open"
        words += f" {count}, and stops are not watched until the next start: {', '.join(gone.held)}."
    return "\n".join(fold(words, "  ", pen))
