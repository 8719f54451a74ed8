"""Reports of listing sources at times in seconds before the opening."""

from decimal import Decimal

from mexc_tui.market.knowledge import Knowledge
from mexc_tui.model.calendar import Calendar, CalendarEntry, WebSymbol, WebSymbols
from mexc_tui.model.order import Side
from mexc_tui.model.stream import BestQuote, StreamDeal
from mexc_tui.model.symbol import ListedType, Permission, Symbol, SymbolStatus

OPENS_MS = 1_790_003_600_000
"""Opening time of NEWUSDT in the examples."""


def before(seconds: float) -> int:
    """Return the time this many seconds before the opening, or after it if negative."""
    return OPENS_MS - round(seconds * 1_000)


def entry(
    base: str = "NEW", opens_ms: int = OPENS_MS, coin_id: str = "coin-new", zone: str = "NEW"
) -> CalendarEntry:
    """Return a row of the calendar."""
    return CalendarEntry(
        coin_id=coin_id, base=base, full_name=f"{base.capitalize()} Token", opens_ms=opens_ms, zone=zone
    )


def calendar(*entries: CalendarEntry) -> Calendar:
    """Return a calendar of these rows."""
    return Calendar(entries, 0, "test")


def row(
    triple: tuple[int, int, int] = (1, 1, 1), base: str = "NEW", coin_id: str = "coin-new",
    opens_ms: int | None = OPENS_MS, contract: str = "0xABC",
) -> WebSymbol:  # fmt: skip
    """Return a row of symbolsV2."""
    status, state, trading_type = triple
    return WebSymbol(
        symbol_id=f"id-{base}", coin_id=coin_id, base=base, quote="USDT", full_name=f"{base} Token",
        status=status, state=state, trading_type=trading_type, opens_ms=opens_ms, contract_address=contract,
    )  # fmt: skip


def web(*rows: WebSymbol) -> WebSymbols:
    """Return symbolsV2 with these rows."""
    return WebSymbols(rows, 0, "test")


def pair(
    base: str = "NEW", *, api: bool = True, status: SymbolStatus = SymbolStatus.ONLINE, sides: int = 1,
    opens_ms: int | None = OPENS_MS, at_risk: bool = False, contract: str = "0xabc",
) -> Symbol:  # fmt: skip
    """Return a pair of exchangeInfo."""
    return Symbol(
        symbol=base + "USDT", status=status, base_asset=base, quote_asset="USDT", base_asset_precision=2,
        quote_precision=5, is_spot_trading_allowed=api, order_types=(ListedType.LIMIT, ListedType.MARKET),
        permissions=(Permission.SPOT,), full_name=f"{base} Token", contract_address=contract,
        trade_side_type=sides, special_treatment=at_risk, first_open_time=opens_ms,
    )  # fmt: skip


OLD_PAIRS = (pair("BTC", opens_ms=None, contract=""), pair("ETH", opens_ms=None, contract=""))
"""Pairs that have always existed."""


def deal(
    symbol: str = "NEWUSDT",
    at_ms: int = OPENS_MS,
    price: str = "0.05",
    quantity: str = "100",
    trade_id: str = "",
) -> StreamDeal:
    """Return a trade on the stream."""
    return StreamDeal(
        symbol=symbol,
        price=Decimal(price),
        quantity=Decimal(quantity),
        taker_side=Side.BUY,
        time_ms=at_ms,
        trade_id=trade_id or f"{symbol}-{at_ms}",
    )


def quote(symbol: str = "NEWUSDT", ask: str | None = "0.05", bid: str | None = None) -> BestQuote:
    """Return a best bid and ask on the stream."""
    return BestQuote(
        symbol=symbol,
        bid_price=Decimal(bid) if bid else None,
        bid_quantity=Decimal(10),
        ask_price=Decimal(ask) if ask else None,
        ask_quantity=Decimal(10),
        version=1,
    )


def knowledge_of_pairs(*, pairs: tuple[Symbol, ...] = OLD_PAIRS, at_ms: int = before(90_000)) -> Knowledge:
    """Return the knowledge of a desk that read exchangeInfo once."""
    known = Knowledge()
    known.read_pairs(pairs, at_ms)
    return known
