"""Reference price of a snipe's premium, and the text of its price bound."""

from decimal import Decimal

from mexc_tui.ledger.arithmetic import short
from mexc_tui.sniping.rounding import HUNDRED

CONFIRM_MS = 250
"""An ask that neither a trade nor a nearby bid confirms counts after this time."""


def confirmed_price(
    bid: Decimal | None, ask: Decimal | None, last: Decimal | None, *, premium_pct: Decimal
) -> Decimal | None:
    """Return the lower of ask and last trade; without a trade, an ask within the premium of the bid.

    None: no price, or only an unconfirmed ask.
    """
    if ask is None or last is not None:
        return last if ask is None or last is None else min(ask, last)
    is_near = bid is not None and ask <= bid * (1 + premium_pct / HUNDRED)
    return ask if is_near else None


def price_bound_text(cap: Decimal | None, premium_pct: Decimal, *, is_ahead: bool) -> str:
    """Return the maximum price per coin as text; empty: none. `is_ahead`: the opening is in the future.

    Before the opening a pair usually has no price: then the first price at the opening is the reference,
    and no order is sent before it.
    """
    if cap is not None:
        return f"at most {short(cap)}"
    return f"at most {premium_pct:f} % over the first price at the opening" if is_ahead else ""
