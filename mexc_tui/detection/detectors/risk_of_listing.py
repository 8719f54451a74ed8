"""Risk checks of the listing plan: opening time, name, sources, and API trading."""

from mexc_tui.detection.detector import DetectorInput, minutes
from mexc_tui.market.listing_derivation import SAME_MOMENT_MS
from mexc_tui.model.listing import ChangeKind, ListingSource, ListingStage, ListingTopic


def moved(data: DetectorInput) -> str | None:
    """Detect a moved opening; the state is the number of moves."""
    return f"move {data.listing.moves}" if data.listing.moves else None


def moved_text(data: DetectorInput) -> str:
    """State the source, the amount and the notice of the move."""
    change = data.listing.last(ChangeKind.MOVED)
    assert change is not None, "a moved listing has a change in its history"
    by_ms = int(change.after) - int(change.before)
    left_ms = int(change.before) - change.at_ms
    when = (
        f"{minutes(left_ms)} before the planned time"
        if left_ms > 0
        else f"{minutes(left_ms)} after the planned time"
    )
    direction = "later" if by_ms > 0 else "earlier"
    return f"{change.source} moved the opening {minutes(by_ms)} {direction}, {when}"


def renamed(data: DetectorInput) -> str | None:
    """Detect a renamed listing."""
    if len(data.listing.names) < 2:
        return None
    change = data.listing.last(ChangeKind.RENAMED)
    return f"{change.after} since {change.at_ms}" if change is not None else None


def renamed_text(data: DetectorInput) -> str:
    """State the old and the new name."""
    change = data.listing.last(ChangeKind.RENAMED)
    assert change is not None, "a renamed listing has a change in its history"
    return f"renamed from {change.before} to {change.after} by {change.source}"


def cancelled(data: DetectorInput) -> str | None:
    """Detect a listing that no source lists any more, or that was dropped manually."""
    return f"since {data.listing.cancelled_ms}" if data.stage is ListingStage.CANCELLED else None


def cancelled_text(data: DetectorInput) -> str:
    """State how the listing was cancelled."""
    manual = data.listing.latest_from(ListingSource.MANUAL)
    if manual is not None and not manual.present:
        return "dropped manually"
    return "cancelled: no source lists it"


def withdrawn(data: DetectorInput) -> str | None:
    """Detect a listing that one source removed while others still list it."""
    if data.stage is ListingStage.CANCELLED or not _disagrees(data, ListingTopic.PRESENCE):
        return None
    change = data.listing.last(ChangeKind.WITHDRAWN)
    return f"since {change.at_ms}" if change is not None else None


def withdrawn_text(data: DetectorInput) -> str:
    """Name the sources that list it and those that do not."""
    return next(
        str(difference)
        for difference in data.listing.disagreements
        if difference.topic is ListingTopic.PRESENCE
    )


def disagreement(data: DetectorInput) -> str | None:
    """Detect sources that disagree about the opening time or the name."""
    if not data.listing.disagreements:
        return None
    found = [
        str(difference)
        for difference in data.listing.disagreements
        if difference.topic in (ListingTopic.OPENING, ListingTopic.NAME)
    ]
    return "; ".join(found) or None


def disagreement_text(data: DetectorInput) -> str:
    """State what each source reports."""
    return disagreement(data) or ""


def overdue(data: DetectorInput) -> str | None:
    """Detect a listing whose opening time has passed without a trade."""
    listing = data.listing
    if listing.opens_ms is None or listing.opened_ms is not None or data.is_over:
        return None
    late = data.now_ms - listing.opens_ms >= data.settings.overdue_ms
    return f"move {listing.moves}" if late else None


def overdue_text(data: DetectorInput) -> str:
    """State how long the opening is overdue."""
    return f"overdue by {minutes(data.now_ms - (data.listing.opens_ms or 0))}, not open"


def early(data: DetectorInput) -> str | None:
    """Detect an opening ahead of every announced time."""
    listing = data.listing
    if listing.opened_ms is None or listing.opens_ms is None:
        return None
    return "early" if listing.opens_ms - listing.opened_ms > SAME_MOMENT_MS else None


def early_text(data: DetectorInput) -> str:
    """State by how much it was early."""
    ahead_ms = (data.listing.opens_ms or 0) - (data.listing.opened_ms or 0)
    return f"opened {minutes(ahead_ms)} before the planned time"


def never_api(data: DetectorInput) -> str | None:
    """Detect a listing that API clients probably or certainly cannot trade."""
    listing = data.listing
    if data.stage is ListingStage.NEVER_API:
        return "confirmed"
    if listing.api_allowed or listing.status is None or data.stage is ListingStage.CANCELLED:
        return None  # not in exchangeInfo (any more), which therefore says nothing about the API
    if listing.opened_ms is not None:
        return "open without the API"
    if listing.opens_ms is None:
        return None
    return "suspected" if listing.opens_ms - data.now_ms <= data.settings.api_warning_ms else None


def never_api_text(data: DetectorInput) -> str:
    """State how certain that is."""
    zone = f" (zone {data.listing.zone})" if data.listing.zone else ""
    match never_api(data):
        case "confirmed":
            return f"API trading is still not enabled long after the opening{zone}"
        case "open without the API":
            return f"open, but no official source allows API trading{zone}"
        case _:
            return f"in exchangeInfo, but API trading is not enabled this close to the opening{zone}"


def own_key(data: DetectorInput) -> str | None:
    """Detect a symbol in defaultSymbols but not in selfSymbols, for longer than both polling intervals."""
    if not _disagrees(data, ListingTopic.API):
        return None
    own, ordinary = (
        data.listing.latest_from(ListingSource.SELF_SYMBOLS),
        data.listing.latest_from(ListingSource.DEFAULT_SYMBOLS),
    )
    if own is None or own.present or ordinary is None or not ordinary.present:
        return None
    since_ms = max(own.at_ms, ordinary.at_ms)
    return f"since {since_ms}" if data.now_ms - since_ms >= data.settings.stale_ms else None


def own_key_text(data: DetectorInput) -> str:
    """State the remedy."""
    return "not in selfSymbols: this API key may not trade it; check the key's symbols on the exchange"


def _disagrees(data: DetectorInput, topic: ListingTopic) -> bool:
    found = data.listing.disagreements
    return bool(found) and any(difference.topic is topic for difference in found)
