"""The web site's endpoints: new coin calendar and symbolsV2 (protocol 10)."""

from mexc_tui.practice.matching.values import PracticeCalendarEntry, PracticeWebSymbol
from mexc_tui.practice.rest.route import Json
from mexc_tui.practice.session import ExchangeSession

CALENDAR = "/api/operation/new_coin_calendar"
SYMBOLS = "/api/platform/spot/market-v2/web/symbolsV2"

BLOCKED_PAGE = (
    "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n \n"
    "You don't have permission to access this resource on this server.<P>\n"
    "Reference&#32;&#35;18&#46;practice\n</BODY>\n</HTML>\n"
)
"""Firewall page sent with 403, here and on the API (protocol 2.2)."""


def calendar(session: ExchangeSession) -> Json:
    """Return the calendar (protocol 10.1)."""
    return {
        "code": 0,
        "data": {"newCoins": [_entry(entry) for entry in session.calendar()]},
        "msg": "success",
    }


def symbols(session: ExchangeSession) -> Json:
    """Return symbolsV2: an object keyed by quote asset (protocol 10.2)."""
    by_quote: dict[str, list[Json]] = {}
    for symbol in session.web_symbols():
        by_quote.setdefault(symbol.quote, []).append(_symbol(symbol))
    return {"code": 200, "data": {"symbols": by_quote}, "msg": "success"}


def _entry(entry: PracticeCalendarEntry) -> Json:
    return {
        "vcoinId": entry.coin_id,
        "vcoinName": entry.base,
        "vcoinNameFull": entry.full_name,
        "firstOpenTime": entry.first_open_ms,
        "zone": entry.zone,
        "introductionEn": entry.introduction,
        "introductionCn": entry.introduction,
    }


def _symbol(symbol: PracticeWebSymbol) -> Json:
    return {
        "id": symbol.symbol_id,
        "mcd": symbol.market_coin_id,
        "cd": symbol.coin_id,
        "vn": symbol.base,
        "fn": symbol.full_name,
        "fne": symbol.full_name,
        "srt": 0,
        "sts": symbol.state,
        "tp": 1,
        "in": "",
        "ot": symbol.opens_ms,
        "cp": "",
        "ci": "",
        "ps": symbol.price_scale,
        "qs": symbol.quantity_scale,
        "cdm": 1,
        "st": symbol.spot,
        "dst": 1,
        "tt": symbol.trading,
        "ca": symbol.contract_address,
    }
