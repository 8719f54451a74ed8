"""Risks of the pair itself: closed sides, suspension, and a book that nobody can leave through."""

from mexc_tui.detection.look import UNKNOWN, DetectorInput
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.listing import ChangeKind, ListingSource
from mexc_tui.model.symbol import SymbolStatus, TradeSides


def side_closed(look: DetectorInput) -> str | None:
    """Not both sides may be traded."""
    sides = look.listing.sides
    if sides is None or sides is TradeSides.BOTH or sides is TradeSides.UNKNOWN:
        return None
    return f"{sides.name.lower()} since {_since(look, ChangeKind.SIDES)}"


def side_closed_words(look: DetectorInput) -> str:
    """Say which sides are left."""
    match look.listing.sides:
        case TradeSides.BUY_ONLY:
            return "it can be bought but not sold"
        case TradeSides.SELL_ONLY:
            return "it can be sold but not bought"
        case _:
            return "neither side can be traded"


def suspended(look: DetectorInput) -> str | None:
    """The exchange paused it or took it offline."""
    status = look.listing.status
    if status is not SymbolStatus.PAUSED and status is not SymbolStatus.OFFLINE:
        return None
    return f"{status.name.lower()} since {_since(look, ChangeKind.STATUS)}"


def suspended_words(look: DetectorInput) -> str:
    """Say what the exchange calls it."""
    paused = look.listing.status is SymbolStatus.PAUSED
    return "trading is paused by the exchange" if paused else "the exchange took the pair offline"


def delisted(look: DetectorInput) -> str | None:
    """It was open, and exchangeInfo shows it no more."""
    if look.listing.opened_ms is None or look.listing.status is not None:
        return None
    seen = look.listing.latest_from(ListingSource.EXCHANGE_INFO)
    return f"since {seen.at_ms}" if seen is not None and not seen.present else None


def delisted_words(look: DetectorInput) -> str:
    """Say what that means for one who holds it."""
    return "the pair has vanished from exchangeInfo: what is held of it cannot be sold there"


def at_risk(look: DetectorInput) -> str | None:
    """The exchange itself marks it."""
    return f"since {_since(look, ChangeKind.AT_RISK)}" if look.listing.at_risk else None


def at_risk_words(look: DetectorInput) -> str:
    """Say whose mark it is."""
    return "the exchange marks it as at risk of being delisted"


def thin_book(look: DetectorInput) -> str | None:
    """There is too little to buy or to sell near the best price."""
    if look.listing.opened_ms is None:
        return None
    now = _fresh(look)
    if now is None:
        return UNKNOWN
    return "thin" if min(now.bid_value, now.ask_value) < look.settings.thin_value else None


def thin_book_words(look: DetectorInput) -> str:
    """Say how much there is on each side."""
    now = look.liquidity
    if now is None:
        return "nothing is known of its book"
    return f"near the best price lie {now.bid_value:,.0f} to sell into and {now.ask_value:,.0f} to buy from"


def wide_spread(look: DetectorInput) -> str | None:
    """Buying and selling at once would cost much, or cannot be done at all."""
    if look.listing.opened_ms is None:
        return None
    now = _fresh(look)
    if now is None:
        return UNKNOWN
    ratio = now.spread_ratio
    return "wide" if ratio is None or ratio > look.settings.wide_spread else None


def wide_spread_words(look: DetectorInput) -> str:
    """Say how wide it is."""
    ratio = look.liquidity.spread_ratio if look.liquidity is not None else None
    return f"the spread is {ratio:.1%}" if ratio is not None else "one side of its book is empty"


def _fresh(look: DetectorInput) -> Liquidity | None:
    now = look.liquidity
    return now if now is not None and look.now_ms - now.at_ms <= look.settings.stale_ms else None


def _since(look: DetectorInput, kind: ChangeKind) -> int:
    change = look.listing.last(kind)
    return change.at_ms if change is not None else look.listing.visible_ms or 0
