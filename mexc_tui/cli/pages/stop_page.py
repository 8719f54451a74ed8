"""Text output of `stop`."""

from mexc_tui.cli.pages.json_output import StopJson
from mexc_tui.cli.pages.tables import Pen, fold


def stop_page(row: StopJson, pen: Pen) -> str:
    """Report the stopped engine and the positions left open."""
    message = f"Process {row.pid} has stopped."
    if row.held:
        count = f"{len(row.held)} position{'s stay' if len(row.held) > 1 else ' stays'} open"
        message += f" {count}, and stops are not monitored until the next start: {', '.join(row.held)}."
    return "\n".join(fold(message, "  ", pen))
