"""Categories of listings by their signs."""

import pytest

from mexc_tui.market.classification import classify
from mexc_tui.model.listing import ListingCategory, ListingFacts, ListingSource, Sighting
from tests.support.samples.sniping_samples import listing


@pytest.mark.parametrize(
    ("base", "full_name", "note", "category"),
    [
        ("NEW", "New Protocol", "MEXC will list New Protocol (NEW)", ListingCategory.COIN),
        ("STOCKY", "Woodstock Coin", "", ListingCategory.COIN),
        ("TSLAX", "Tesla xStock", "", ListingCategory.STOCK),
        ("AAPLON", "Apple (Ondo Tokenized)", "", ListingCategory.STOCK),
        ("XAUX", "Tokenized Gold", "", ListingCategory.RWA),
        ("BTC3L", "", "", ListingCategory.LEVERAGED),
        ("WETH", "Wrapped Ether", "", ListingCategory.WRAPPED),
        ("OLD", "Old Coin", "MEXC will relist Old Coin", ListingCategory.RELISTING),
        ("ABC", "Abc", "Notice of the token swap and rebranding of XYZ to ABC", ListingCategory.MIGRATION),
    ],
)
def test_a_sign_decides_the_category(base: str, full_name: str, note: str, category: ListingCategory) -> None:
    facts = ListingFacts(symbol=f"{base}USDT", base=base, full_name=full_name, note=note)
    seen = Sighting(source=ListingSource.ANNOUNCEMENT, at_ms=1, facts=facts)
    found = classify(listing(base=base, sightings=(seen,)))
    assert found.category is category
    assert (found.source is None) is (category is ListingCategory.COIN)
