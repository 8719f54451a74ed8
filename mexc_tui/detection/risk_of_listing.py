"""Risks of the plan: the opening, the name, who still stands by it, and whether a bot may trade it."""

from mexc_tui.detection.look import DetectorInput, minutes
from mexc_tui.market.life import SAME_MOMENT_MS
from mexc_tui.model.listing import ChangeKind, ListingSource, ListingStage, ListingTopic


def moved(look: DetectorInput) -> str | None:
    """Its opening was moved, as often as the state says."""
    return f"move {look.listing.moves}" if look.listing.moves else None


def moved_words(look: DetectorInput) -> str:
    """Say from when to when, and by whom."""
    change = look.listing.last(ChangeKind.MOVED)
    assert change is not None, "a move is in the history"
    by_ms = int(change.after) - int(change.before)
    left_ms = int(change.before) - change.at_ms
    when = f"{minutes(left_ms)} before it" if left_ms > 0 else f"{minutes(left_ms)} after it was due"
    way = "later" if by_ms > 0 else "earlier"
    return f"{change.source} moved the opening {minutes(by_ms)} {way}, {when}"


def renamed(look: DetectorInput) -> str | None:
    """It goes by another name than before."""
    if len(look.listing.names) < 2:
        return None
    change = look.listing.last(ChangeKind.RENAMED)
    return f"{change.after} since {change.at_ms}" if change is not None else None


def renamed_words(look: DetectorInput) -> str:
    """Say the old and the new name."""
    change = look.listing.last(ChangeKind.RENAMED)
    assert change is not None, "a new name is in the history"
    return f"renamed from {change.before} to {change.after} by {change.source}"


def cancelled(look: DetectorInput) -> str | None:
    """Nobody lists it any more, or a person dropped it."""
    return f"since {look.listing.cancelled_ms}" if look.stage is ListingStage.CANCELLED else None


def cancelled_words(look: DetectorInput) -> str:
    """Say who took it back last."""
    by_hand = look.listing.latest_from(ListingSource.BY_HAND)
    if by_hand is not None and not by_hand.present:
        return "dropped by hand"
    return "cancelled: no source lists it any more"


def withdrawn(look: DetectorInput) -> str | None:
    """A source lists it no more, while others still do."""
    if look.stage is ListingStage.CANCELLED or not _disagrees(look, ListingTopic.PRESENCE):
        return None
    change = look.listing.last(ChangeKind.WITHDRAWN)
    return f"since {change.at_ms}" if change is not None else None


def withdrawn_words(look: DetectorInput) -> str:
    """Say who still lists it and who does not."""
    return next(str(one) for one in look.listing.disagreements if one.topic is ListingTopic.PRESENCE)


def disagreement(look: DetectorInput) -> str | None:
    """Sources contradict each other about the opening or the name."""
    if not look.listing.disagreements:
        return None
    found = [
        str(one)
        for one in look.listing.disagreements
        if one.topic in (ListingTopic.OPENING, ListingTopic.NAME)
    ]
    return "; ".join(found) or None


def disagreement_words(look: DetectorInput) -> str:
    """Say who says what."""
    return disagreement(look) or ""


def overdue(look: DetectorInput) -> str | None:
    """Its moment has passed and nothing has traded."""
    listing = look.listing
    if listing.opens_ms is None or listing.opened_ms is not None or look.is_over:
        return None
    late = look.now_ms - listing.opens_ms >= look.settings.overdue_ms
    return f"move {listing.moves}" if late else None


def overdue_words(look: DetectorInput) -> str:
    """Say since when it is due."""
    return f"due {minutes(look.now_ms - (look.listing.opens_ms or 0))} ago and still not open"


def early(look: DetectorInput) -> str | None:
    """It opened before anybody had said."""
    listing = look.listing
    if listing.opened_ms is None or listing.opens_ms is None:
        return None
    return "early" if listing.opens_ms - listing.opened_ms > SAME_MOMENT_MS else None


def early_words(look: DetectorInput) -> str:
    """Say by how much."""
    ahead_ms = (look.listing.opens_ms or 0) - (look.listing.opened_ms or 0)
    return f"opened {minutes(ahead_ms)} before the planned moment"


def never_api(look: DetectorInput) -> str | None:
    """A bot may probably, or certainly, not trade it."""
    listing = look.listing
    if look.stage is ListingStage.NEVER_API:
        return "confirmed"
    if listing.api_allowed or listing.status is None or look.stage is ListingStage.CANCELLED:
        return None  # exchangeInfo does not show it (any more), so it says nothing of the API
    if listing.opened_ms is not None:
        return "open without the API"
    if listing.opens_ms is None:
        return None
    return "suspected" if listing.opens_ms - look.now_ms <= look.settings.api_warning_ms else None


def never_api_words(look: DetectorInput) -> str:
    """Say how sure that is."""
    zone = f" (zone {look.listing.zone})" if look.listing.zone else ""
    match never_api(look):
        case "confirmed":
            return f"long after its opening the API may still not trade it{zone}"
        case "open without the API":
            return f"it trades, but no official source lets the API trade it{zone}"
        case _:
            return f"exchangeInfo shows it, but the API may not trade it so shortly before the opening{zone}"


def own_key(look: DetectorInput) -> str | None:
    """Ordinary keys may trade it by API, this account's may not: for longer than the two polls lie apart."""
    if not _disagrees(look, ListingTopic.API):
        return None
    own, ordinary = (
        look.listing.latest_from(ListingSource.SELF_SYMBOLS),
        look.listing.latest_from(ListingSource.DEFAULT_SYMBOLS),
    )
    if own is None or own.present or ordinary is None or not ordinary.present:
        return None
    since_ms = max(own.at_ms, ordinary.at_ms)
    return f"since {since_ms}" if look.now_ms - since_ms >= look.settings.stale_ms else None


def own_key_words(look: DetectorInput) -> str:
    """Say what to do."""
    return "selfSymbols does not name it: this key may not trade it; check the key's pairs at the exchange"


def _disagrees(look: DetectorInput, topic: ListingTopic) -> bool:
    found = look.listing.disagreements
    return bool(found) and any(one.topic is topic for one in found)
