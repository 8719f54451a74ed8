"""Describe fills and closed positions in one line, for news and activity."""

from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.event import FillBooked
from mexc_tui.model.order import Side
from mexc_tui.model.trading_view import PositionRow
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.text import age, amount, gain, price
from mexc_tui.wording.reasons import reason_text


@dataclass(frozen=True, slots=True)
class Filled:
    """Filled quantity and value of one order."""

    quantity: Decimal = Decimal(0)
    value: Decimal = Decimal(0)
    realised: Decimal = Decimal(0)
    fills: int = 0

    def plus(self, fill: FillBooked) -> "Filled":
        """Return it with one more fill added."""
        return Filled(
            self.quantity + fill.quantity,
            self.value + fill.value,
            self.realised + fill.realised,
            self.fills + 1,
        )


def fill_text(fill: FillBooked, filled: Filled, row: PositionRow | None) -> str:
    """Describe the fills of an order: bought 188.51 NOMKTUSDT at 0.05300 for 9.99 USDT in 2 fills."""
    done = "bought" if fill.side is Side.BUY else "sold"
    places, quantities = (None, None) if row is None else (row.price_decimals, row.quantity_decimals)
    quote = "" if row is None else f" {row.quote_asset}"
    at = filled.value / filled.quantity if filled.quantity else None
    text = f"{done} {price(filled.quantity, quantities).text} {fill.about} at {price(at, places).text}"
    text += f" for {amount(filled.value).text}{quote}"
    if filled.realised:
        text += f", realised {gain(filled.realised).text}"
    return text + (f" in {filled.fills} fills" if filled.fills > 1 else "")


def close_text(row: PositionRow) -> tuple[str, Tone]:
    """Describe a closed position: P&L, reason and holding time, with a tone for the P&L."""
    made = gain(row.realised)
    percent = "" if row.realised_pct is None else f" ({gain(row.realised_pct, 1, '%').text.strip()})"
    holding_time = age((row.closed_ms or row.opened_ms) - row.opened_ms)
    reason = reason_text(row.close_reason)
    tone = Tone.GOOD if row.realised > 0 else Tone.PLAIN
    return f"{made.text.strip()} {row.quote_asset}{percent}, {reason} after {holding_time}", tone
