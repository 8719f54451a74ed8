"""Reasons why a detector raises no signal for a listing."""

from collections.abc import Callable, Mapping

from mexc_tui.detection.detector import DetectorInput, minutes
from mexc_tui.detection.detectors.risk_warning import RISKS
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.signal import DetectorName

_OFFICIAL = (ListingSource.EXCHANGE_INFO, ListingSource.DEFAULT_SYMBOLS, ListingSource.SELF_SYMBOLS)


def unmet_condition(name: DetectorName, data: DetectorInput) -> str:
    """Return the unmet condition. Only for a detector without a finding now."""
    return _WORDS[name](data)


def _launch_sequence(data: DetectorInput) -> str:
    if data.is_over:
        return _over(data)
    if data.listing.opened_ms is not None:
        return "already open"
    return "the announced opening time has passed"


def _pre_ready(data: DetectorInput) -> str:
    listing, settings = data.listing, data.settings
    if data.is_over or listing.opened_ms is not None or listing.triple is None:
        return _no_triple(data)
    if listing.triple == settings.ready_triple:
        return f"symbolsV2 shows {listing.triple}: already the ready state"
    known = ", ".join(f"{step.status}/{step.state}" for step in settings.pre_ready)
    return f"symbolsV2 shows {listing.triple}, not one of the pre-ready states ({known})"


def _ready_state(data: DetectorInput) -> str:
    listing = data.listing
    if data.is_over or listing.opened_ms is not None or listing.triple is None:
        return _no_triple(data)
    return f"symbolsV2 shows {listing.triple}, not {data.settings.ready_triple}"


def _no_triple(data: DetectorInput) -> str:
    if data.is_over:
        return _over(data)
    if data.listing.opened_ms is not None:
        return "already open: states before an opening no longer apply"
    return "no state in symbolsV2"


def _api_enabled(data: DetectorInput) -> str:
    if data.is_over:
        return _over(data)
    said = ", ".join(f"{source} {_answer(data, source)}" for source in _OFFICIAL)
    return f"no official source allows API trading: {said}"


def _answer(data: DetectorInput, source: ListingSource) -> str:
    seen = data.listing.latest_from(source)
    if seen is None:
        return "no data"
    return "listed without permission" if seen.present else "not listed"


def _opening(data: DetectorInput) -> str:
    return _over(data) if data.is_over else "no quote or trade received"


def _risk_warning(data: DetectorInput) -> str:
    if data.liquidity is None and data.listing.opened_ms is not None:
        return f"none of {len(RISKS)} checks found a risk; order book unavailable"
    return f"none of {len(RISKS)} checks found a risk"


def _cluster(data: DetectorInput) -> str:
    if data.listing.opens_ms is None:
        return "opening time unknown"
    window = minutes(data.settings.cluster_window_ms)
    return f"no other opening within {window}, or another listing represents the group"


def _over(data: DetectorInput) -> str:
    return f"{data.stage}: no further events expected"


_WORDS: Mapping[DetectorName, Callable[[DetectorInput], str]] = {
    DetectorName.LAUNCH_SEQUENCE: _launch_sequence,
    DetectorName.PRE_READY: _pre_ready,
    DetectorName.READY_STATE: _ready_state,
    DetectorName.API_ENABLED: _api_enabled,
    DetectorName.OPENING: _opening,
    DetectorName.RISK_WARNING: _risk_warning,
    DetectorName.CLUSTER: _cluster,
}
