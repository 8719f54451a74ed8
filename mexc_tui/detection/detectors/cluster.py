"""Detector: listings that open together compete for attention, money and request budget."""

from collections.abc import Iterable, Mapping

from mexc_tui.detection.detector import Detector, DetectorFinding, DetectorInput, Explanation, minutes
from mexc_tui.model.listing import Listing, ListingStage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input


def groups(listings: Iterable[Listing], window_ms: int) -> Mapping[str, tuple[Listing, ...]]:
    """Return groups of two or more listings that open within `window_ms` of the first.

    The key is the id of the representative: the member known longest.
    """
    timed = sorted(
        [
            listing
            for listing in listings
            if listing.opens_ms is not None and listing.stage is not ListingStage.CANCELLED
        ],
        key=_opens_ms,
    )
    found: dict[str, tuple[Listing, ...]] = {}
    group: list[Listing] = []
    for listing in timed:
        if group and _opens_ms(listing)[0] - _opens_ms(group[0])[0] > window_ms:
            _close(group, found)
            group = []
        group.append(listing)
    _close(group, found)
    return found


def find(data: DetectorInput) -> Iterable[DetectorFinding]:
    """Find the group that this listing represents."""
    if not data.together:
        return ()
    return (DetectorFinding("together", " ".join(sorted(member.id for member in data.together))),)


def explain(data: DetectorInput, finding: DetectorFinding) -> Explanation:
    """List the members and the time span between them."""
    times = [_opens_ms(member)[0] for member in data.together]
    names = ", ".join(member.symbol for member in data.together)
    span = minutes(max(times) - min(times))
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_TOGETHER),
        (f"{len(data.together)} listings open within {span}: {names}",),
        "pair" if len(data.together) == 2 else "many",
        (Input("members", names), Input("size", str(len(data.together)))),
    )


def _close(group: list[Listing], found: dict[str, tuple[Listing, ...]]) -> None:
    if len(group) > 1:
        found[_representative(group).id] = tuple(group)


def _opens_ms(listing: Listing) -> tuple[int, str]:
    return (listing.opens_ms or 0, listing.id)


def _representative(together: Iterable[Listing]) -> Listing:
    return min(together, key=lambda member: (member.first_seen_ms, member.id))


DETECTOR = Detector(DetectorName.CLUSTER, 1, find, explain)
