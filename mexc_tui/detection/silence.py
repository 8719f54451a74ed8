"""Why a detector does not speak of a listing: the other half of an explanation."""

from collections.abc import Callable, Mapping

from mexc_tui.detection.look import DetectorInput, minutes
from mexc_tui.detection.risk_warning import RISKS
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.signal import DetectorName

_OFFICIAL = (ListingSource.EXCHANGE_INFO, ListingSource.DEFAULT_SYMBOLS, ListingSource.SELF_SYMBOLS)


def why_silent(name: DetectorName, look: DetectorInput) -> str:
    """Say what would have to be otherwise. Only for a detector that finds nothing now."""
    return _WORDS[name](look)


def _launch_sequence(look: DetectorInput) -> str:
    if look.is_over:
        return _over(look)
    if look.listing.opened_ms is not None:
        return "it is open already"
    return "the moment announced for its opening has passed"


def _pre_ready(look: DetectorInput) -> str:
    listing, settings = look.listing, look.settings
    if look.is_over or listing.opened_ms is not None or listing.triple is None:
        return _no_triple(look)
    if listing.triple == settings.ready_triple:
        return f"symbolsV2 shows {listing.triple}: that is the ready state already"
    known = ", ".join(f"{step.status}/{step.state}" for step in settings.pre_ready)
    return f"symbolsV2 shows {listing.triple}, which is none of the states before it ({known})"


def _ready_state(look: DetectorInput) -> str:
    listing = look.listing
    if look.is_over or listing.opened_ms is not None or listing.triple is None:
        return _no_triple(look)
    return f"symbolsV2 shows {listing.triple}, not {look.settings.ready_triple}"


def _no_triple(look: DetectorInput) -> str:
    if look.is_over:
        return _over(look)
    if look.listing.opened_ms is not None:
        return "it is open already: states before an opening say nothing more"
    return "symbolsV2 has shown no states of it"


def _api_enabled(look: DetectorInput) -> str:
    if look.is_over:
        return _over(look)
    said = ", ".join(f"{source} {_answer(look, source)}" for source in _OFFICIAL)
    return f"no official source lets the API trade it: {said}"


def _answer(look: DetectorInput, source: ListingSource) -> str:
    seen = look.listing.latest_from(source)
    if seen is None:
        return "says nothing"
    return "lists it without permission" if seen.present else "does not list it"


def _opening(look: DetectorInput) -> str:
    return _over(look) if look.is_over else "no quote and no trade of it has been seen"


def _risk_warning(look: DetectorInput) -> str:
    if look.liquidity is None and look.listing.opened_ms is not None:
        return f"none of {len(RISKS)} checks found anything; its book is not at hand"
    return f"none of {len(RISKS)} checks found anything"


def _cluster(look: DetectorInput) -> str:
    if look.listing.opens_ms is None:
        return "no opening time is known"
    window = minutes(look.settings.cluster_window_ms)
    return f"nothing else opens within {window} of it, or another listing speaks for the group"


def _over(look: DetectorInput) -> str:
    return f"it is {look.stage}: nothing more is expected of it"


_WORDS: Mapping[DetectorName, Callable[[DetectorInput], str]] = {
    DetectorName.LAUNCH_SEQUENCE: _launch_sequence,
    DetectorName.PRE_READY: _pre_ready,
    DetectorName.READY_STATE: _ready_state,
    DetectorName.API_ENABLED: _api_enabled,
    DetectorName.OPENING: _opening,
    DetectorName.RISK_WARNING: _risk_warning,
    DetectorName.CLUSTER: _cluster,
}
