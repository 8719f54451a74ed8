"""Describe the effect of a command in one sentence with its numbers."""

from decimal import Decimal

from mexc_tui.model.digits import money_text
from mexc_tui.model.plan_view import Preview, PreviewRow, SaleRow
from mexc_tui.model.text import many
from mexc_tui.model.trading import Tightening
from mexc_tui.model.trading_view import RiskRow
from mexc_tui.wording.money import amount, price, signed
from mexc_tui.wording.times import when

RULES = (
    " MEXC's rules: one version of its help page names bot and algorithmic trading as unauthorised use of "
    "the API, with an immediate freeze of the account; another says that spot has API access (read "
    "2026-11-30; which one is in force is not known). Keep only money there that you can do "
    "without; see docs/live.md. The words "
    '"rules read" in the phrase acknowledge this once.'
)
HALTED = "entries stay halted until you resume"


def preview_text(row: PreviewRow) -> str:
    """Return the confirmation text of a command that would be accepted."""
    match row.name:
        case Preview.ARM:
            caps = f", price {row.bound}" if row.bound else ""
            spend = f" for at most {amount(row.spend_cap)} USDT" if row.spend_cap is not None else ""
            return f"Buy {row.symbol} at its opening{spend}{caps}."
        case Preview.DISARM:
            return f"Disarm {row.symbol}: releases {amount(row.released)} USDT."
        case Preview.CLOSE:
            return f"{_capital(_sale(row.sales[0]))}."
        case Preview.REDUCE_ONLY:
            return f"Stop entries until you resume; {many(row.positions, 'position')} and exits stay active."
        case Preview.RESUME:
            return f"Allow entries again; {many(row.positions, 'position')} open."
        case Preview.UNLOCK:
            return (
                f"GO LIVE for {row.unlock_hours} hours: entries use REAL MONEY, up to "
                f"{many(row.max_positions, 'position')} of {amount(row.position_cap)} USDT each."
                f"{RULES if row.shows_rules else ''}"
            )
        case _:
            return _stop(row)


def _stop(row: PreviewRow) -> str:
    parts = [_sold(row)] if row.name is not Preview.HALT else []
    parts += [
        f"cancel {many(row.orders_to_cancel, 'order')}",
        f"disarm {many(row.snipes_to_disarm, 'snipe')}",
    ]
    if row.name is Preview.HALT:
        parts.append(f"keep {many(row.positions, 'position')} with exits")
    return f"{_capital(', '.join(parts))}; {HALTED}."


def _sold(row: PreviewRow) -> str:
    known = [sale.value for sale in row.sales if sale.value is not None]
    missing = len(row.sales) - len(known)
    text = f"sell {many(len(row.sales), 'position')}"
    if known:
        text += f" worth {amount(sum(known, Decimal(0)))} USDT at the bid"
    if row.pnl is not None and row.sales:
        text += f" (P&L ~{signed(row.pnl)})"
    return text + (f", {missing} without a price" if missing else "")


def _sale(sale: SaleRow) -> str:
    text = f"sell {price(sale.quantity)} {sale.base_asset}"
    if sale.value is None:
        return f"{text}: {sale.text}"
    text += f", worth {amount(sale.value)} USDT at bid {price(sale.bid)}"
    text += f", expected ~{price(sale.expected_price)}"
    text += "" if sale.slippage_pct is None else f" ({money_text(sale.slippage_pct)} % slippage)"
    text += f", P&L ~{signed(sale.pnl)} USDT"
    if sale.orders_to_cancel:
        text += f"; cancels {many(sale.orders_to_cancel, 'take-profit')} first"
    return text + (f"; {sale.text}" if sale.text else "")


def tightening_text(row: Tightening) -> str:
    """Describe the tightening of entry limits; empty if there is none."""
    if not row.steps:
        return ""
    until = f"until {when(row.until_ms)} UTC"
    return f"tightened {many(row.steps, 'step')} {until} by {row.by}: {row.cause}"


def day_text(row: RiskRow) -> str:
    """Format the P&L of the UTC day, in quote units and per cent."""
    if row.day_pnl is None or row.day_pct is None:
        return "P&L unknown: a price is missing"
    return f"{signed(row.day_pnl)} ({'+' if row.day_pct > 0 else ''}{money_text(row.day_pct)} %)"


def drawdown_text(row: RiskRow) -> str:
    """Format the drawdown from the equity peak."""
    if row.drawdown_pct is None:
        return "drawdown unknown"
    return f"{money_text(row.drawdown_pct)} % below the peak"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
