"""Listing calendar and symbol list of the MEXC web site: unofficial and optional (protocol 10).

Never await them on the order path. Every failure is a WebUnavailable.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import msgspec

from mexc_tui.exchange.origins import checked_origin
from mexc_tui.exchange.rest.connection import Headers, RawResponse
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.calendar import (
    Calendar,
    CalendarEntry,
    WebSymbol,
    WebSymbols,
    is_credible_opening,
    opening_ms,
)
from mexc_tui.model.errors import ExchangeError, WebUnavailable
from mexc_tui.model.text import clean, clean_name

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

MEXC_WEB = ("https://www.mexc.com", "https://www.mexc.co")
"""The mirror serves many data centres that the main site blocks."""
CALENDAR_PATH = "/api/operation/new_coin_calendar"
SYMBOLS_PATH = "/api/platform/spot/market-v2/web/symbolsV2"
CAP_BYTES = 32 * 1024 * 1024
DEADLINE_S = 15.0
ENTRIES_AT_ONCE = 200

HEADERS = Headers(
    {
        # The edge blocks clients that do not look like a browser.
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36",
        "Accept": "application/json, text/plain, */*",
        "Accept-Language": "en-US,en;q=0.9",
        "Accept-Encoding": "identity",
    }
)

_JSON = msgspec.json.Decoder()


class WebSite:
    """Client of the web site, without a key. Tries the origins in order.

    Raises OriginRefused for an origin that is neither MEXC nor this machine.
    """

    def __init__(self, transport: HttpTransport, clock: "Clock", origins: Sequence[str] = MEXC_WEB) -> None:
        self._transport = transport
        self._clock = clock
        self._origins = tuple(map(checked_origin, origins))

    async def calendar(self, deadline_s: float = DEADLINE_S) -> Calendar:
        """Return past and upcoming listings, about a week each way. Raises WebUnavailable."""
        now_ms = self._clock.now_ms()
        body, origin = await self._fetch(CALENDAR_PATH, f"timestamp={now_ms}", deadline_s)
        return parse_calendar(body, now_ms, origin)

    async def symbols(self, deadline_s: float = DEADLINE_S) -> WebSymbols:
        """Return every pair listed on the site (several MB). Raises WebUnavailable."""
        body, origin = await self._fetch(SYMBOLS_PATH, "", deadline_s)
        symbols: list[WebSymbol] = []
        skipped = 0
        for quote, items in _slices(body):
            skipped += _read_slice(quote, items, symbols)
            await asyncio.sleep(0)  # 2,000 at once would block the event loop for 15 ms
        return WebSymbols(tuple(symbols), skipped, origin)

    async def _fetch(self, path: str, query: str, deadline_s: float) -> tuple[bytes, str]:
        problems: list[str] = []
        for origin in self._origins:
            try:
                response = await self._transport.send(
                    "GET",
                    origin,
                    path,
                    query=query,
                    headers=HEADERS,
                    deadline_s=deadline_s,
                    cap_bytes=CAP_BYTES,
                )
            except ExchangeError as error:
                problems.append(f"{origin}: {error.problem}")
                continue
            problem = _problem_of(response)
            if not problem:
                return response.body, origin
            problems.append(f"{origin}: {problem}")
        raise WebUnavailable(f"{path} could not be read. {'; '.join(problems)}.")


def parse_calendar(body: bytes, now_ms: int, origin: str = "") -> Calendar:
    """Parse the calendar; skip and count invalid entries. Raises WebUnavailable."""
    entries: list[CalendarEntry] = []
    skipped = 0
    for item in _entries(_data(body), "newCoins"):
        entry = _calendar_entry(item, now_ms)
        if entry is None:
            skipped += 1
        else:
            entries.append(entry)
    return Calendar(tuple(entries), skipped, origin)


def parse_symbols(body: bytes, origin: str = "") -> WebSymbols:
    """Parse symbolsV2, keyed by quote or flat; skip and count invalid entries. Raises WebUnavailable."""
    symbols: list[WebSymbol] = []
    skipped = sum(_read_slice(quote, items, symbols) for quote, items in _slices(body))
    return WebSymbols(tuple(symbols), skipped, origin)


def _slices(body: bytes) -> Iterator[tuple[str, list[Any]]]:
    """Yield the entries in slices, with their quote asset."""
    data = _data(body)
    listed = data.get("symbols", data) if isinstance(data, dict) else data
    for quote, items in _by_quote(listed):
        for start in range(0, len(items), ENTRIES_AT_ONCE):
            yield quote, items[start : start + ENTRIES_AT_ONCE]


def _read_slice(quote: str, items: list[Any], symbols: list[WebSymbol]) -> int:
    """Append valid entries to `symbols`; return the number of invalid ones."""
    read = [symbol for item in items if (symbol := _web_symbol(item, quote)) is not None]
    symbols.extend(read)
    return len(items) - len(read)


def _problem_of(response: RawResponse) -> str:
    if response.status != 200:
        return f"HTTP {response.status}"
    if response.body.lstrip()[:1] not in (b"{", b"["):
        return "not JSON (a block page?)"
    return ""


def _data(body: bytes) -> dict[str, Any] | list[Any]:
    """Return the value of `data`, or the whole response without such a field."""
    try:
        response: object = _JSON.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise WebUnavailable("The web site's response is not JSON.") from None
    data = cast("dict[str, Any]", response).get("data", response) if isinstance(response, dict) else response
    if not isinstance(data, dict | list):
        raise WebUnavailable("The web site's response has no list.")
    return cast("dict[str, Any] | list[Any]", data)


def _entries(data: dict[str, Any] | list[Any], name: str) -> list[Any]:
    found: object = data.get(name) if isinstance(data, dict) else data
    if not isinstance(found, list):
        raise WebUnavailable(f"The web site's response has no {name}.")
    return cast("list[Any]", found)


def _by_quote(listed: object) -> Iterable[tuple[str, list[Any]]]:
    if isinstance(listed, list):
        return [("USDT", cast("list[Any]", listed))]
    if not isinstance(listed, dict):
        raise WebUnavailable("The web site's response has no symbols.")
    groups = cast("dict[str, Any]", listed)
    return [
        (clean_name(quote), cast("list[Any]", items))
        for quote, items in groups.items()
        if isinstance(items, list)
    ]


def _calendar_entry(item: object, now_ms: int) -> CalendarEntry | None:
    if not isinstance(item, dict):
        return None
    fields = cast("dict[str, Any]", item)
    base = _text(fields, "vcoinName")
    opens_ms = opening_ms(fields.get("firstOpenTime"))
    if not base or opens_ms is None or not is_credible_opening(opens_ms, now_ms):
        return None
    return CalendarEntry(
        coin_id=_text(fields, "vcoinId"),
        base=base,
        full_name=_text(fields, "vcoinNameFull"),
        opens_ms=opens_ms,
        zone=_text(fields, "zone"),
        introduction=clean(_raw_text(fields, "introductionEn")),
    )


def _web_symbol(item: object, quote: str) -> WebSymbol | None:
    if not isinstance(item, dict):
        return None
    fields = cast("dict[str, Any]", item)
    base = _text(fields, "vn")
    if not base:
        return None
    return WebSymbol(
        symbol_id=_text(fields, "id"),
        coin_id=_text(fields, "cd"),
        base=base,
        quote=quote,
        full_name=_text(fields, "fne") or _text(fields, "fn"),
        status=_number(fields, "sts"),
        state=_number(fields, "st"),
        trading_type=_number(fields, "tt"),
        opens_ms=opening_ms(fields.get("ot")),
        price_precision=_number(fields, "ps"),
        quantity_precision=_number(fields, "qs"),
        contract_address=_text(fields, "ca"),
    )


def _raw_text(fields: Mapping[str, Any], name: str) -> str:
    value: object = fields.get(name)
    return value if isinstance(value, str) else ""


def _text(fields: Mapping[str, Any], name: str) -> str:
    return clean_name(_raw_text(fields, name))


def _number(fields: Mapping[str, Any], name: str) -> int | None:
    value: object = fields.get(name)
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        return int(value)
    return value if isinstance(value, int) else None
