"""Exchange error codes: meaning and recommended action (protocol 6.1)."""

import re
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from mexc_tui.model.answer import money
from mexc_tui.model.outcome import Advice, Refusal
from mexc_tui.model.text import clean


@dataclass(frozen=True, slots=True)
class Meaning:
    """Meaning of one code. `definite`: an order rejected with it certainly does not exist."""

    text: str
    advice: Advice
    definite: bool = True
    listing_advice: Advice | None = None
    """Advice while a listing is opening, if different."""


_QUERY = Advice.QUERY
_FIX = Advice.MEND
_NOW = Advice.RETRY_NOW
_STOP = Advice.STOP
_SYMBOLS = Advice.REFRESH_SYMBOLS

TABLE: dict[int, Meaning] = {
    # Errors of order queries and cancels. They prove nothing about a new order.
    -2011: Meaning("The exchange no longer has that order, or never had it", _QUERY, definite=False),
    -2013: Meaning("The exchange does not show that order yet", _QUERY, definite=False),
    # Request errors.
    -1121: Meaning("Unknown pair", _SYMBOLS, listing_advice=_NOW),
    -1128: Meaning("Incompatible parameters", _FIX),
    400: Meaning("Malformed request", _FIX),
    22222: Meaning("A record is missing", _FIX),
    33333: Meaning("A parameter is wrong", _FIX),
    44444: Meaning("A parameter is empty", _FIX),
    700004: Meaning("A required parameter is missing", _FIX),
    700005: Meaning("recvWindow is larger than 60,000 ms", _FIX),
    700008: Meaning("Forbidden characters in a parameter", _FIX),
    700013: Meaning("The Content-Type header is missing or wrong", _FIX),
    30026: Meaning("Invalid order ids", _FIX),
    # Key, permission and account errors.
    26: Meaning("Operation not allowed for this account", _STOP),
    401: Meaning("Not authorised", _STOP),
    602: Meaning("Wrong signature, or an expired key", _STOP),
    10001: Meaning("The account does not exist", _STOP),
    10015: Meaning("The account has no id", _STOP),
    10072: Meaning("Unknown, deleted or expired key", _STOP),
    10098: Meaning("Risk control stopped the account", _STOP),
    10099: Meaning("The sub-account is not open", _STOP),
    30018: Meaning("The account may not place orders for now; ask support", _STOP),
    60005: Meaning("The account is abnormal", _STOP),
    700001: Meaning("The key is malformed", _STOP),
    700002: Meaning("Wrong signature, or an expired key", _STOP),
    700006: Meaning("This machine's address is not on the key's list", _STOP),
    700007: Meaning("The key lacks this permission", _STOP),
    10073: Meaning("The timestamp is invalid", Advice.RESYNC_CLOCK),
    700003: Meaning("The timestamp is outside recvWindow", Advice.RESYNC_CLOCK),
    730708: Meaning("The listen key is unknown or expired", Advice.RENEW_LISTEN_KEY),
    # Pair errors.
    10007: Meaning("The pair is not open to API keys", Advice.STOP_PAIR, listing_advice=_NOW),
    30000: Meaning("The pair is suspended", Advice.WAIT, listing_advice=_NOW),
    30001: Meaning("This side of the pair is not tradable", Advice.STOP_PAIR, listing_advice=_NOW),
    30014: Meaning("Not a tradable pair", _SYMBOLS, listing_advice=_NOW),
    30021: Meaning("Not a tradable pair", _SYMBOLS, listing_advice=_NOW),
    30016: Meaning("Trading of the pair is disabled", Advice.WAIT, listing_advice=_NOW),
    30020: Meaning("The key may not trade this pair", Advice.STOP_PAIR),
    30027: Meaning("The maximum holding of this coin is reached; buying is suspended", Advice.STOP_BUYING),
    30028: Meaning("Risk control suspended selling of this coin", Advice.WAIT),
    70011: Meaning("The key is banned from this pair", Advice.STOP_PAIR),
    730001: Meaning("Pair not found", _SYMBOLS),
    # Price, size and order-type errors.
    10095: Meaning("The amount is missing", _FIX),
    10096: Meaning("The amount has too many decimals", Advice.REDUCE_SIZE),
    10097: Meaning("The amount is wrong", Advice.REDUCE_SIZE),
    10102: Meaning("The amount is not positive", _FIX),
    30002: Meaning("The order is below the minimum notional", Advice.RAISE_SIZE),
    30003: Meaning("The order is above the maximum size", Advice.REDUCE_SIZE),
    30010: Meaning("The price is outside the currently allowed range", Advice.REPRICE),
    30087: Meaning("The price is outside the allowed band", Advice.REPRICE),
    30019: Meaning("MARKET orders are disabled here for now", Advice.CHANGE_TYPE),
    30051: Meaning("MARKET orders are disabled here for now", Advice.CHANGE_TYPE),
    30025: Meaning("No orders on the other side of the book", Advice.CHANGE_TYPE),
    30041: Meaning("This order type is not accepted now", Advice.CHANGE_TYPE),
    # Balance and position errors.
    10101: Meaning("Not enough balance", Advice.REFRESH_BALANCES),
    30004: Meaning("Not enough balance", Advice.REFRESH_BALANCES),
    30005: Meaning("More than the free balance", Advice.REFRESH_BALANCES),
    30029: Meaning("Too many open orders", Advice.WAIT),
    30032: Meaning("The maximum position is reached", Advice.REDUCE_SIZE),
    # Exchange errors.
    403: Meaning("Blocked by the firewall or a missing permission", Advice.WAIT, definite=False),
    429: Meaning("Too many requests", Advice.WAIT),
    500: Meaning("Internal error of the exchange", _QUERY, definite=False),
    503: Meaning("The exchange is overloaded or under maintenance", _QUERY, definite=False),
    504: Meaning("Gateway timeout of the exchange", _QUERY, definite=False),
    10203: Meaning("The exchange failed while processing the order", _QUERY, definite=False),
    11444: Meaning("Unavailable: maintenance", Advice.WAIT),
    20002: Meaning("Internal error of the exchange", _QUERY, definite=False),
}

UNKNOWN_CODE = Meaning("Unknown error code", _QUERY, definite=False)

BY_STATUS: dict[int, Meaning] = {
    401: TABLE[401],
    403: TABLE[403],
    418: Meaning("This machine's address is banned", Advice.WAIT),
    429: TABLE[429],
}
"""Meaning of an HTTP status without a code in the body (protocol 2.2)."""

UNREADABLE = Meaning("Response without a readable code", _QUERY, definite=False)
SERVER_FAILED = Meaning("The exchange failed; the outcome of the request is unknown", _QUERY, definite=False)

_SUCCESS = (0, 200)
_NUMBER = r"(\d+(?:\.\d+)?(?:E-?\d+)?)"
# "The price cannot be higher than 0.05USDT", "… cannot be less than:0.5USDT"
_AFTER_THAN = re.compile(rf"than\s*:?\s*{_NUMBER}")
_BEFORE_QUOTE = re.compile(rf"{_NUMBER}\s*[A-Z]{{2,}}")


class ErrorBody(msgspec.Struct, frozen=True):
    """`code` is a number or numeric text; `msg` may be missing or null."""

    code: int | str | None = None
    msg: str | None = None


_ERROR_BODY = msgspec.json.Decoder(ErrorBody)


def read_error(body: bytes) -> ErrorBody:
    """Return the error in a response body; an empty one for HTML or other unreadable content."""
    try:
        return _ERROR_BODY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ErrorBody()


def number_of(code: int | str | None) -> int | None:
    """Return a code as an integer; None if it is not numeric."""
    if isinstance(code, str):
        text = code.strip()
        digits = text.removeprefix("-")
        return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 12 else None
    return code


def is_success(code: int | str | None) -> bool:
    """Whether a code in a wrapped response means success: 0 or 200, depending on the endpoint."""
    return number_of(code) in _SUCCESS


def explain(http_status: int, error: ErrorBody) -> Refusal:
    """Return the refusal for an unsuccessful response. Never raises, whatever the code."""
    code = number_of(error.code)
    message = clean(error.msg or "")
    meaning = _meaning(http_status, code)
    number = parse_number(message) if code in (30002, 30003, 30010, 30087) else None
    return Refusal(
        http_status=http_status,
        code=code,
        message=message,
        text=meaning.text,
        advice=meaning.advice,
        listing_advice=meaning.listing_advice or meaning.advice,
        definite=meaning.definite,
        number=number,
    )


def parse_number(message: str) -> Decimal | None:
    """Return the price or value in a refusal message; None if there is no positive one."""
    found = _AFTER_THAN.search(message) or _BEFORE_QUOTE.search(message)
    if found is None:
        return None
    try:
        number = money(found.group(1))
    except ValueError:
        return None
    return number if number > 0 else None


def _meaning(http_status: int, code: int | None) -> Meaning:
    if http_status >= 500 or 300 <= http_status < 400:
        # Whatever the body says, the outcome of the request is unknown (protocol 2.2).
        return SERVER_FAILED if http_status >= 500 else UNREADABLE
    if code is not None and not (http_status == 200 and code in _SUCCESS):
        return TABLE.get(code, BY_STATUS.get(http_status, UNKNOWN_CODE))
    return BY_STATUS.get(http_status, UNREADABLE)
