"""Sightings from source responses: which source lists what, and what a source has withdrawn."""

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
"""Openings longer ago than this are not news on a first reading."""
OLD_MS = 86_400_000
"""An entry that leaves the calendar this long after its time has expired rather than been withdrawn."""
ANNOUNCED_MS = 7 * 86_400_000
"""Headlines older than this announce no future opening."""
CALENDAR_QUOTE = "USDT"
"""The calendar names base assets only; the quote asset is almost always this one (protocol 10.1)."""

_HEADLINE = re.compile(r"\b(?:will list|to list|lists|initial listing|new listing)\b", re.IGNORECASE)
_DELISTING = re.compile(r"\bdelist", re.IGNORECASE)
_TICKER = re.compile(r"\(([A-Z0-9]{1,20})\)")


def of_calendar(entry: CalendarEntry) -> ListingFacts:
    """Return the facts of one calendar row."""
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
    """Return the facts of one symbolsV2 row."""
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
    """Return the facts of one symbol in exchangeInfo."""
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
    """Yield calendar entries, and those removed from the calendar before they opened.

    Entries remain for days (protocol 10.1), so one that leaves right after its time was withdrawn too.
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
    """Yield symbolsV2 rows that open soon or belong to a listing, and listings removed from the list."""
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
    """Yield changes in exchangeInfo that concern a listing; `is_known` checks a name.

    A symbol never seen before is a listing. In the first reading, and when an old symbol returns
    (`was_seen`), only one that is about to open is.
    """
    for change in changes:
        pair = change.after
        if pair is None:
            assert change.before is not None, "a change has a before or an after"
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
    source: ListingSource, names: Collection[str], before: Collection[str] | None, *, at_ms: int,
    known: Collection[Listing],
) -> Iterator[Sighting]:  # fmt: skip
    """Yield what defaultSymbols or selfSymbols allow; `before`: the last reading, None for the first.

    Visible listings that are not among the names are reported too.
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
            last_facts = facts if last is None else last.facts
            yield Sighting(source=source, at_ms=at_ms, facts=last_facts, present=False)


def read_announcements(headlines: Iterable[Announcement], at_ms: int) -> Iterator[Sighting]:
    """Yield headlines that announce the listing of one ticker: evidence without an opening time."""
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
    """Return the first quote of a symbol without one; a book without asks is not an opening."""
    if listing.opened_ms is not None or quote.ask_price is None:
        return None
    facts = ListingFacts(symbol=quote.symbol, quoted_ms=at_ms, price=quote.ask_price)
    return Sighting(source=ListingSource.STREAM, at_ms=at_ms, facts=facts)


def of_deal(deal: StreamDeal, at_ms: int, listing: Listing) -> Sighting | None:
    """Return the first trade of a symbol without one."""
    return of_trade(deal.symbol, deal.time_ms, deal.price, at_ms=at_ms, listing=listing)


def of_trade(symbol: str, time_ms: int, price: Decimal, *, at_ms: int, listing: Listing) -> Sighting | None:
    """Return the first trade of a symbol, or an earlier one than known, also from REST."""
    if listing.traded_ms is not None and listing.traded_ms <= time_ms:
        return None
    facts = ListingFacts(symbol=symbol, quoted_ms=listing.opened_ms, traded_ms=time_ms, price=price)
    return Sighting(source=ListingSource.STREAM, at_ms=at_ms, facts=facts)


def manual_sighting(symbol: str, opens_ms: int | None, at_ms: int, *, note: str = "") -> Sighting:
    """Return a listing added manually. Raises ValueError with what to correct."""
    if not is_tradable_name(symbol):
        raise ValueError(f"invalid symbol {symbol!r}: use capital letters and digits, such as NEWUSDT")
    if opens_ms is not None and opening_ms(opens_ms) is None:
        raise ValueError("invalid opening time: give milliseconds since 1970")
    if opens_ms is not None and not is_credible_opening(opens_ms, at_ms):
        raise ValueError("opening time more than 30 days ahead: check the date")
    base, quote = split_symbol(symbol)
    facts = ListingFacts(symbol=symbol, base=base, quote=quote, opens_ms=opens_ms, note=note)
    return Sighting(source=ListingSource.MANUAL, at_ms=at_ms, facts=facts)


def manual_drop(listing: Listing, at_ms: int, note: str = "") -> Sighting:
    """Return a manual drop; the listing stays dropped until it is added manually again."""
    facts = ListingFacts(symbol=listing.symbol, base=listing.base, quote=listing.quote, note=note)
    return Sighting(source=ListingSource.MANUAL, at_ms=at_ms, facts=facts, present=False)


def _credible(opens_ms: int | None, at_ms: int) -> int | None:
    """Return the opening time unless it is more than 30 days ahead (reliability C5)."""
    return opens_ms if opens_ms is not None and is_credible_opening(opens_ms, at_ms) else None


def _is_coming(opens_ms: int | None, at_ms: int) -> bool:
    """Return whether an opening is ahead, or recent enough to be news."""
    return opens_ms is not None and opens_ms > at_ms - RECENT_MS and is_credible_opening(opens_ms, at_ms)


def _old_news(at_ms: int, known: Collection[Listing]) -> Callable[[ListingFacts], bool]:
    """Return a test for rows that opened before the first reading and belong to no listing."""
    coins = {listing.coin_id for listing in known if listing.coin_id}
    names = {name for listing in known for name in listing.names}

    def is_old(facts: ListingFacts) -> bool:
        opened = facts.opens_ms is not None and facts.opens_ms <= at_ms - RECENT_MS
        return opened and facts.coin_id not in coins and facts.symbol not in names

    return is_old


def _held(known: Collection[Listing], source: ListingSource) -> Iterator[tuple[Listing, Sighting]]:
    """Yield the listings that a source currently lists, with its statement."""
    for listing in known:
        last = listing.latest_from(source)
        if last is not None and last.present:
            yield listing, last


def _withdrawn(last: Sighting, at_ms: int) -> Sighting:
    return Sighting(source=last.source, at_ms=at_ms, facts=last.facts, present=False)
