"""Category of a listing, from its names and headlines. Pure.

MEXC publishes no category: only signs are read. A listing without a sign of another category is a coin.
"""

import re
from dataclasses import dataclass

from mexc_tui.model.listing import Listing, ListingCategory, ListingSource

_LEVERAGED = re.compile(r"[A-Z0-9]{2,}[2-5][LS]$")
_SIGNS = tuple(
    (category, re.compile(rf"\b(?:{pattern})\b"))
    for category, pattern in (
        (ListingCategory.MIGRATION, r"token swap|mainnet swap|migration|rebrand\w*|redenominat\w*"),
        (ListingCategory.RELISTING, r"re-?list\w*|resum\w* (?:of )?trading"),
        (ListingCategory.STOCK, r"tokeni[sz]ed (?:stock|etf|share)s?|x?stocks?|ondo tokenized"),
        (ListingCategory.RWA, r"rwa|real[- ]world assets?|tokeni[sz]ed (?:gold|silver|treasur\w*|bonds?)"),
        (ListingCategory.WRAPPED, r"wrapped|bridged|liquid stak\w+"),
    )
)


@dataclass(frozen=True, slots=True)
class Classified:
    """Category of a listing, and what it follows from."""

    category: ListingCategory
    source: ListingSource | None
    """None: no sign of another category."""
    sign: str = ""


def classify(listing: Listing) -> Classified:
    """Return the category of a listing by the first sign found."""
    texts = [
        (seen.source, text.lower())
        for seen in listing.sightings
        for text in (seen.facts.note, seen.facts.full_name, seen.facts.zone)
        if text
    ]
    for category, pattern in _SIGNS:
        for source, text in texts:
            if sign := pattern.search(text):
                return Classified(category, source, sign[0])
    if _LEVERAGED.match(listing.base):
        source = listing.sightings[-1].source if listing.sightings else None
        return Classified(ListingCategory.LEVERAGED, source, listing.base)
    return Classified(ListingCategory.COIN, None)
