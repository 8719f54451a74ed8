"""What `stop` prints for people."""

from mexc_tui.cli.json_output import StopJson
from mexc_tui.cli.tables import Pen, fold


def stop_page(gone: StopJson, pen: Pen) -> str:
    """Say that an engine is gone, and what it leaves behind."""
    words = f"Process {gone.pid} has stopped."
    if gone.held:
        count = f"{len(gone.held)} position{'s stay' if len(gone.held) > 1 else ' stays'} open"
        words += f" {count}, and nothing watches stops until the next start: {', '.join(gone.held)}."
    return "\n".join(fold(words, "  ", pen))
