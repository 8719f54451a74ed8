"""Risk checks of the market: closed sides, suspension, delisting, and a book too thin to exit."""

from mexc_tui.detection.detector import UNKNOWN, DetectorInput
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.listing import ChangeKind, ListingSource
from mexc_tui.model.symbol import SymbolStatus, TradeSides


def side_closed(data: DetectorInput) -> str | None:
    """Detect a symbol with a closed side."""
    sides = data.listing.sides
    if sides is None or sides is TradeSides.BOTH or sides is TradeSides.UNKNOWN:
        return None
    return f"{sides.name.lower()} since {_since(data, ChangeKind.SIDES)}"


def side_closed_text(data: DetectorInput) -> str:
    """State which side remains open."""
    match data.listing.sides:
        case TradeSides.BUY_ONLY:
            return "buy only: selling is closed"
        case TradeSides.SELL_ONLY:
            return "sell only: buying is closed"
        case _:
            return "both sides are closed"


def suspended(data: DetectorInput) -> str | None:
    """Detect a symbol that is paused or offline."""
    status = data.listing.status
    if status is not SymbolStatus.PAUSED and status is not SymbolStatus.OFFLINE:
        return None
    return f"{status.name.lower()} since {_since(data, ChangeKind.STATUS)}"


def suspended_text(data: DetectorInput) -> str:
    """State the exchange status."""
    paused = data.listing.status is SymbolStatus.PAUSED
    return "trading paused by the exchange" if paused else "symbol taken offline by the exchange"


def delisted(data: DetectorInput) -> str | None:
    """Detect an opened symbol that left exchangeInfo."""
    if data.listing.opened_ms is None or data.listing.status is not None:
        return None
    seen = data.listing.latest_from(ListingSource.EXCHANGE_INFO)
    return f"since {seen.at_ms}" if seen is not None and not seen.present else None


def delisted_text(data: DetectorInput) -> str:
    """State the consequence for positions."""
    return "no longer in exchangeInfo: positions cannot be sold on the exchange"


def at_risk(data: DetectorInput) -> str | None:
    """Detect a symbol that the exchange marks as at risk of delisting."""
    return f"since {_since(data, ChangeKind.AT_RISK)}" if data.listing.at_risk else None


def at_risk_text(data: DetectorInput) -> str:
    """State the exchange's warning."""
    return "marked by the exchange as at risk of delisting"


def thin_book(data: DetectorInput) -> str | None:
    """Detect too little depth near the best price on either side."""
    if data.listing.opened_ms is None:
        return None
    now = _fresh(data)
    if now is None:
        return UNKNOWN
    return "thin" if min(now.bid_value, now.ask_value) < data.settings.thin_value else None


def thin_book_text(data: DetectorInput) -> str:
    """State the depth of each side."""
    now = data.liquidity
    if now is None:
        return "order book unknown"
    return f"thin book: {now.bid_value:,.0f} USDT bids / {now.ask_value:,.0f} USDT asks within 2 %"


def wide_spread(data: DetectorInput) -> str | None:
    """Detect a wide spread, or an empty side."""
    if data.listing.opened_ms is None:
        return None
    now = _fresh(data)
    if now is None:
        return UNKNOWN
    ratio = now.spread_ratio
    return "wide" if ratio is None or ratio > data.settings.wide_spread else None


def wide_spread_text(data: DetectorInput) -> str:
    """State the spread."""
    ratio = data.liquidity.spread_ratio if data.liquidity is not None else None
    return f"spread {ratio:.1%}" if ratio is not None else "one side of the order book is empty"


def _fresh(data: DetectorInput) -> Liquidity | None:
    now = data.liquidity
    return now if now is not None and data.now_ms - now.at_ms <= data.settings.stale_ms else None


def _since(data: DetectorInput, kind: ChangeKind) -> int:
    change = data.listing.last(kind)
    return change.at_ms if change is not None else data.listing.visible_ms or 0
