"""Checks the permissions of an API key with the exchange (reliability 4.3)."""

from random import Random

import msgspec

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.exchange.client import MexcClient
from mexc_tui.model.account import KeyRight, KeyRights
from mexc_tui.model.credentials import Credentials
from mexc_tui.model.errors import ExchangeError


class KeyCheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of a key check."""

    is_fit: bool
    """Whether it can trade and cannot withdraw, as live trading requires."""
    words: tuple[str, ...]
    """The result as text, line by line."""


async def check_key(origin: str, credentials: Credentials, expiry: str) -> KeyCheckResult:
    """Check a key with harmless requests. Raises ExchangeError without a response or for an unknown key."""
    async with MexcClient(origin, clock=SystemClock(), rng=Random(), credentials=credentials) as client:
        measured = await client.measure_clock(3)
        if measured.best is None:
            raise ExchangeError("GET", "/api/v3/time", measured.first_failure)
        return assess_rights(await client.account.rights(), expiry)


def assess_rights(rights: KeyRights, expiry: str) -> KeyCheckResult:
    """Assess permissions for live trading. `expiry`: expiry of the key as text."""
    lines = [_trades(rights), _withdraws(rights.withdraws)]
    if rights.transfers is KeyRight.HAS:
        lines.append("It CAN TRANSFER: a thief could move the funds. Create a key without that permission.")
    if rights.reads_withdrawals is KeyRight.HAS:
        lines.append("It can also read withdrawals, which the desk does not need.")
    lines.append(rights.validity_text(expiry))
    source = "apiKeyInfo of the exchange" if rights.is_reported else "harmless test requests"
    lines.append(f"Source: {source}.")
    is_fit = (
        rights.may_trade is not False
        and rights.places_orders is KeyRight.HAS
        and rights.withdraws is KeyRight.LACKS
        and rights.transfers is not KeyRight.HAS
    )
    lines.append("It is fit for live trading." if is_fit else "It is NOT fit for live trading.")
    return KeyCheckResult(is_fit=is_fit, words=tuple(lines))


def _trades(rights: KeyRights) -> str:
    if rights.may_trade is False:
        return "The account cannot trade."
    match rights.places_orders:
        case KeyRight.HAS:
            return "It can trade spot."
        case KeyRight.LACKS:
            return "It CANNOT trade: enable spot trading for it on the exchange's site."
        case KeyRight.UNCLEAR:
            return "Its permission to trade is unknown. Try again."


def _withdraws(right: KeyRight) -> str:
    match right:
        case KeyRight.HAS:
            return "It CAN WITHDRAW: a thief could empty the account. Create a key without that permission."
        case KeyRight.LACKS:
            return "It cannot withdraw."
        case KeyRight.UNCLEAR:
            return "Its permission to withdraw is unknown. Try again."
