"""From what a source answered to sightings: who lists what, and who has taken something back."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal

from mexc_tui.market.symbols import PairChange
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.calendar import CalendarEntry, WebSymbol, is_credible_opening, opening_ms
from mexc_tui.model.listing import Listing, ListingFacts, ListingSource, Sighting, Triple
from mexc_tui.model.pair_names import split_symbol
from mexc_tui.model.stream import BestQuote, StreamDeal
from mexc_tui.model.symbol import ListedType, Symbol
from mexc_tui.model.text import is_tradable_name

RECENT_MS = 60 * 60_000
"""Openings longer ago are no news to somebody who has just begun to look."""
OLD_MS = 86_400_000
"""An entry that leaves the calendar so long after its moment has only grown old."""
ANNOUNCED_MS = 7 * 86_400_000
"""Headlines older than this announce nothing that is still to come."""
CALENDAR_QUOTE = "USDT"
"""The calendar names coins only; their pair is almost always against this (protocol 10.1)."""

_HEADLINE = re.compile(r"\b(?:will list|to list|lists|initial listing|new listing)\b", re.IGNORECASE)
_DELISTING = re.compile(r"\bdelist", re.IGNORECASE)
_TICKER = re.compile(r"\(([A-Z0-9]{1,20})\)")


def of_calendar(entry: CalendarEntry) -> ListingFacts:
    """Return what one row of the calendar says."""
    return ListingFacts(
        symbol=entry.base + CALENDAR_QUOTE,
        base=entry.base,
        quote=CALENDAR_QUOTE,
        full_name=entry.full_name,
        coin_id=entry.coin_id,
        zone=entry.zone,
        opens_ms=entry.opens_ms,
    )


def of_web_symbol(row: WebSymbol, at_ms: int) -> ListingFacts:
    """Return what one row of symbolsV2 says."""
    return ListingFacts(
        symbol=row.base + row.quote,
        base=row.base,
        quote=row.quote,
        full_name=row.full_name,
        coin_id=row.coin_id,
        contract=row.contract_address,
        opens_ms=_credible(row.opens_ms, at_ms),
        triple=Triple(row.status, row.state, row.trading_type),
    )


def of_pair(pair: Symbol, at_ms: int) -> ListingFacts:
    """Return what exchangeInfo says of one pair."""
    return ListingFacts(
        symbol=pair.symbol,
        base=pair.base_asset,
        quote=pair.quote_asset,
        full_name=pair.full_name,
        contract=pair.contract_address,
        opens_ms=_credible(pair.first_open_ms, at_ms),
        status=pair.status,
        sides=pair.sides,
        api_allowed=pair.is_spot_trading_allowed,
        at_risk=pair.special_treatment,
        market_orders=ListedType.MARKET in pair.order_types,
    )


def read_calendar(
    entries: Iterable[CalendarEntry], at_ms: int, known: Collection[Listing]
) -> Iterator[Sighting]:
    """Yield what the calendar lists, and what it lists no more although it has not opened.

    Entries stay for days (protocol 10.1), so one that leaves right after its moment was taken back as well.
    """
    rows = tuple(entries)
    old_news = _old_news(at_ms, known)
    for entry in rows:
        facts = of_calendar(entry)
        if not old_news(facts):
            yield Sighting(source=ListingSource.CALENDAR, at_ms=at_ms, facts=facts)
    shown = {entry.coin_id or entry.base for entry in rows}
    for listing, last in _held(known, ListingSource.CALENDAR):
        gone = (last.facts.coin_id or last.facts.base) not in shown
        if gone and listing.opened_ms is None and (last.facts.opens_ms or 0) > at_ms - OLD_MS:
            yield _withdrawn(last, at_ms)


def read_web_symbols(rows: Iterable[WebSymbol], at_ms: int, known: Collection[Listing]) -> Iterator[Sighting]:
    """Yield rows of symbolsV2 that open soon or belong to a listing, and listings that left the list."""
    all_rows = tuple(rows)
    coins = {listing.coin_id for listing in known if listing.coin_id}
    names = {name for listing in known for name in listing.names}
    for row in all_rows:
        if _is_coming(row.opens_ms, at_ms) or row.coin_id in coins or row.base + row.quote in names:
            yield Sighting(source=ListingSource.SYMBOLS_V2, at_ms=at_ms, facts=of_web_symbol(row, at_ms))
    shown = {(row.coin_id, row.quote) for row in all_rows}
    for _, last in _held(known, ListingSource.SYMBOLS_V2):
        if (last.facts.coin_id, last.facts.quote) not in shown:
            yield _withdrawn(last, at_ms)


def read_pair_changes(
    changes: Iterable[PairChange],
    at_ms: int,
    is_known: Callable[[str], bool],
    *,
    was_seen: Callable[[str], bool],
) -> Iterator[Sighting]:
    """Yield what changed in exchangeInfo and concerns a listing: `is_known` tells by its name.

    A pair that was never seen is a listing. In the very first reading and when an old pair comes back,
    `was_seen` says so, and only one that is about to open is.
    """
    for change in changes:
        pair = change.after
        if pair is None:
            assert change.before is not None, "a change has a side"
            yield Sighting(
                source=ListingSource.EXCHANGE_INFO,
                at_ms=at_ms,
                facts=of_pair(change.before, at_ms),
                present=False,
            )
            continue
        coming = _is_coming(pair.first_open_ms, at_ms)
        is_new = change.before is None and not was_seen(pair.symbol)
        if coming or is_new or is_known(pair.symbol):
            yield Sighting(source=ListingSource.EXCHANGE_INFO, at_ms=at_ms, facts=of_pair(pair, at_ms))


def read_names(
    source: ListingSource, names: Collection[str], before: Collection[str] | None, at_ms: int,
    known: Collection[Listing],
) -> Iterator[Sighting]:  # fmt: skip
    """Yield what defaultSymbols or selfSymbols allow; `before` is the last reading, None for the first.

    Listings that are visible and not among the names are reported as well: that is worth knowing.
    """
    if before is not None:
        for name in sorted(set(names).difference(before)):
            base, quote = split_symbol(name)
            facts = ListingFacts(symbol=name, base=base, quote=quote)
            yield Sighting(source=source, at_ms=at_ms, facts=facts)
    for listing in known:
        last = listing.latest_from(source)
        name = next((name for name in reversed(listing.names) if name in names), None)
        facts = ListingFacts(symbol=name or listing.symbol, base=listing.base, quote=listing.quote)
        if name is not None:
            yield Sighting(source=source, at_ms=at_ms, facts=facts)
        elif listing.visible_ms is not None or last is not None:
            told = facts if last is None else last.facts
            yield Sighting(source=source, at_ms=at_ms, facts=told, present=False)


def read_announcements(headlines: Iterable[Announcement], at_ms: int) -> Iterator[Sighting]:
    """Yield headlines that announce the listing of one ticker: evidence, from which no time is read."""
    for headline in headlines:
        posted_ms = headline.post_time
        tickers = _TICKER.findall(headline.title)
        fresh = posted_ms is not None and at_ms - posted_ms < ANNOUNCED_MS
        announces = _HEADLINE.search(headline.title) and not _DELISTING.search(headline.title)
        if fresh and announces and len(tickers) == 1:
            base = str(tickers[0])
            facts = ListingFacts(
                symbol=base + CALENDAR_QUOTE, base=base, quote=CALENDAR_QUOTE, note=headline.title
            )
            yield Sighting(source=ListingSource.ANNOUNCEMENT, at_ms=at_ms, facts=facts)


def of_quote(quote: BestQuote, at_ms: int, listing: Listing) -> Sighting | None:
    """Return the first quote of a pair that had none; a book without asks is no opening."""
    if listing.opened_ms is not None or quote.ask_price is None:
        return None
    facts = ListingFacts(symbol=quote.symbol, quoted_ms=at_ms, price=quote.ask_price)
    return Sighting(source=ListingSource.STREAM, at_ms=at_ms, facts=facts)


def of_deal(deal: StreamDeal, at_ms: int, listing: Listing) -> Sighting | None:
    """Return the first trade of a pair that had none."""
    return of_trade(deal.symbol, deal.time_ms, deal.price, at_ms, listing)


def of_trade(symbol: str, time_ms: int, price: Decimal, at_ms: int, listing: Listing) -> Sighting | None:
    """Return the first trade of a pair that had none, or one from before, also when REST told of it."""
    if listing.traded_ms is not None and listing.traded_ms <= time_ms:
        return None
    facts = ListingFacts(symbol=symbol, quoted_ms=listing.opened_ms, traded_ms=time_ms, price=price)
    return Sighting(source=ListingSource.STREAM, at_ms=at_ms, facts=facts)


def by_hand(symbol: str, opens_ms: int | None, at_ms: int, note: str = "") -> Sighting:
    """Return a listing that a person adds. Raises ValueError with what to mend."""
    if not is_tradable_name(symbol):
        raise ValueError(f"{symbol!r} is no pair's name: use capital letters and digits, such as NEWUSDT")
    if opens_ms is not None and opening_ms(opens_ms) is None:
        raise ValueError("that opening is no credible time: milliseconds since 1970 are meant")
    if opens_ms is not None and not is_credible_opening(opens_ms, at_ms):
        raise ValueError("that opening is more than 30 days ahead: check the date")
    base, quote = split_symbol(symbol)
    facts = ListingFacts(symbol=symbol, base=base, quote=quote, opens_ms=opens_ms, note=note)
    return Sighting(source=ListingSource.BY_HAND, at_ms=at_ms, facts=facts)


def dropped_by_hand(listing: Listing, at_ms: int, note: str = "") -> Sighting:
    """Return that a person wants no more of it; it stays dropped until it is added by hand again."""
    facts = ListingFacts(symbol=listing.symbol, base=listing.base, quote=listing.quote, note=note)
    return Sighting(source=ListingSource.BY_HAND, at_ms=at_ms, facts=facts, present=False)


def _credible(opens_ms: int | None, at_ms: int) -> int | None:
    """Leave out an opening more than 30 days ahead (reliability C5)."""
    return opens_ms if opens_ms is not None and is_credible_opening(opens_ms, at_ms) else None


def _is_coming(opens_ms: int | None, at_ms: int) -> bool:
    """Whether an opening is ahead, or so short ago that it is news."""
    return opens_ms is not None and opens_ms > at_ms - RECENT_MS and is_credible_opening(opens_ms, at_ms)


def _old_news(at_ms: int, known: Collection[Listing]) -> Callable[[ListingFacts], bool]:
    """Return a test for rows that opened before we began to look and belong to no listing."""
    coins = {listing.coin_id for listing in known if listing.coin_id}
    names = {name for listing in known for name in listing.names}

    def is_old(facts: ListingFacts) -> bool:
        opened = facts.opens_ms is not None and facts.opens_ms <= at_ms - RECENT_MS
        return opened and facts.coin_id not in coins and facts.symbol not in names

    return is_old


def _held(known: Collection[Listing], source: ListingSource) -> Iterator[tuple[Listing, Sighting]]:
    """Yield the listings that a source lists at present, with what it said."""
    for listing in known:
        last = listing.latest_from(source)
        if last is not None and last.present:
            yield listing, last


def _withdrawn(last: Sighting, at_ms: int) -> Sighting:
    return Sighting(source=last.source, at_ms=at_ms, facts=last.facts, present=False)
