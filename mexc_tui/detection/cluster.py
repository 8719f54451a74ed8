"""Listings that open together: they share attention and money, and the exchange's load."""

from collections.abc import Iterable, Mapping

from mexc_tui.detection.look import Detector, Explanation, Finding, Look, known_inputs, minutes
from mexc_tui.model.listing import Listing, Stage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input


def groups(listings: Iterable[Listing], window_ms: int) -> Mapping[str, tuple[Listing, ...]]:
    """Return by listing id the listings that open within `window_ms` of the group's first; no lone ones."""
    timed = sorted(
        [one for one in listings if one.opens_ms is not None and one.stage is not Stage.CANCELLED],
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


def find(look: Look) -> Iterable[Finding]:
    """Find a group; the listing of it that is known longest speaks for all."""
    if not look.together or look.listing is not _speaker(look.together):
        return ()
    return (Finding("together", " ".join(sorted(one.id for one in look.together))),)


def explain(look: Look, finding: Finding) -> Explanation:
    """Say which listings they are and how close they are."""
    times = [_opens_ms(one)[0] for one in look.together]
    names = ", ".join(one.symbol for one in look.together)
    span = minutes(max(times) - min(times))
    return Explanation(
        Severity.INFO,
        Claim(ClaimKind.OPENS_TOGETHER),
        (f"{len(look.together)} listings open within {span}: {names}",),
        (*known_inputs(look.listing), Input("members", names), Input("size", str(len(look.together)))),
        "pair" if len(look.together) == 2 else "many",
    )


def _close(group: list[Listing], found: dict[str, tuple[Listing, ...]]) -> None:
    if len(group) > 1:
        together = tuple(group)
        found.update((listing.id, together) for listing in group)


def _opens_ms(listing: Listing) -> tuple[int, str]:
    return (listing.opens_ms or 0, listing.id)


def _speaker(together: tuple[Listing, ...]) -> Listing:
    return min(together, key=lambda one: (one.first_seen_ms, one.id))


DETECTOR = Detector(DetectorName.CLUSTER, 1, find, explain)
