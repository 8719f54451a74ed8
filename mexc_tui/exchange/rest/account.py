"""Account, fees, listen keys, dust conversion and permission probes (protocol 4.5, 4.7; reliability 4.3)."""

from collections.abc import Sequence

import msgspec

from mexc_tui.exchange.rest import routes
from mexc_tui.exchange.rest.requester import Requester
from mexc_tui.exchange.rest.responses import UNREADABLE, nothing, plain, wrapped
from mexc_tui.exchange.rest.rows import RowReader
from mexc_tui.model.account import (
    Account,
    Balance,
    DustCandidate,
    DustConversion,
    KeyInfo,
    KeyRight,
    KeyRights,
    ListenKey,
    ListenKeys,
    TradeFee,
)
from mexc_tui.model.errors import BadResponse, ExchangeError, RequestRefused
from mexc_tui.model.outcome import NotSent, Purpose, SendOutcome
from mexc_tui.model.text import clean_all

DUST_ASSETS = 15
PERMISSION_DENIED = 700007
PROBE_SYMBOL = "BTCUSDT"
"""Any pair works: permissions are checked before the order itself."""
_KEY_PROBLEMS = frozenset(
    {401, 602, 10072, 10073, 700001, 700002, 700003, 700006, 700013, 429, 403, 26, 10098}
)
"""Codes returned before the permission check: they leave the permission undecided."""

_ACCOUNT = plain(Account)
_BALANCES = RowReader(Balance, named_by=("asset",))
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(tuple[msgspec.Raw, ...])
_NAMES = wrapped(tuple[str, ...])
_FEE = wrapped(TradeFee)
_KEY_INFO = plain(KeyInfo)
_LISTEN_KEY = plain(ListenKey)
_LISTEN_KEYS = plain(ListenKeys)
_DUST = plain(DustConversion)
_DUST_LIST = plain(tuple[DustCandidate, ...])


class RestAccount:
    """Endpoints of the account. Methods raise ExchangeError, except `convert_dust`."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    async def account(self, *, purpose: Purpose = Purpose.ORDINARY) -> Account:
        """Return balances and account permissions."""
        account = await self._requester.get(routes.ACCOUNT, _account, purpose=purpose)
        total = len(account.balances) + len(account.skipped)
        self._requester.skipped.record(routes.ACCOUNT, account.skipped, total)
        return account

    async def self_symbols(self) -> tuple[str, ...]:
        """Return the pairs that this key may trade."""
        return clean_all(await self._requester.get(routes.SELF_SYMBOLS, _NAMES))

    async def trade_fee(self, symbol: str) -> TradeFee:
        """Return the account's fees for a pair, as ratios."""
        return await self._requester.get(routes.TRADE_FEE, _FEE, [("symbol", symbol)])

    async def create_listen_key(self) -> str:
        """Create a listen key valid for one hour. The exchange may return an existing one."""
        response = await self._requester.call(routes.NEW_LISTEN_KEY, _LISTEN_KEY, purpose=Purpose.EXIT)
        return response.listen_key

    async def listen_keys(self) -> list[str]:
        """Return all valid listen keys of the account."""
        return list((await self._requester.get(routes.LISTEN_KEYS, _LISTEN_KEYS)).listen_keys)

    async def renew_listen_key(self, key: str) -> None:
        """Extend a listen key by one hour. On code 730708 create a new one."""
        params = [("listenKey", key)]
        await self._requester.call(routes.EXTEND_LISTEN_KEY, nothing, params, purpose=Purpose.EXIT)

    async def delete_listen_key(self, key: str) -> None:
        """Delete a listen key. An account has at most 60."""
        await self._requester.call(routes.CLOSE_LISTEN_KEY, nothing, [("listenKey", key)])

    async def dust_candidates(self) -> tuple[DustCandidate, ...]:
        """Return balances small enough to be converted to MX."""
        return await self._requester.get(routes.DUST_LIST, _DUST_LIST)

    async def convert_dust(self, assets: Sequence[str]) -> SendOutcome[DustConversion]:
        """Convert 1 to 15 small balances to MX. Requires SPOT_ACCOUNT_WRITE."""
        if not 1 <= len(assets) <= DUST_ASSETS:
            return NotSent(f"Not sent: name 1 to {DUST_ASSETS} assets.")
        params = [("asset", ",".join(assets))]
        return await self._requester.send(routes.CONVERT_DUST, _DUST, params, purpose=Purpose.ORDINARY)

    async def can_read_withdrawals(self, purpose: Purpose = Purpose.ORDINARY) -> KeyRight:
        """Probe SPOT_WITHDRAW_READ with a withdrawal-history query. Changes nothing."""
        return await self._probe(routes.WITHDRAW_HISTORY, [], purpose)

    async def can_place_orders(self, purpose: Purpose = Purpose.ORDINARY) -> KeyRight:
        """Probe SPOT_DEAL_WRITE with a test order. Places nothing."""
        order = [
            ("symbol", PROBE_SYMBOL),
            ("side", "BUY"),
            ("type", "LIMIT"),
            ("quantity", "1"),
            ("price", "1"),
        ]
        return await self._probe(routes.TEST_ORDER, order, purpose)

    async def rights(self, purpose: Purpose = Purpose.ORDINARY) -> KeyRights:
        """Return the permissions of the key: as reported, otherwise by probes that change nothing."""
        account = await self.account(purpose=purpose)
        info = await self._key_info(purpose)
        if info is not None:
            days = None if info.valid_days is None or info.valid_days < 0 else info.valid_days
            unbound = None if days is None else ()  # a key that does not expire is bound
            return KeyRights(
                may_trade=account.can_trade,
                places_orders=info.right("SPOT_DEAL_WRITE"),
                withdraws=info.right("SPOT_WITHDRAW_WRITE"),
                reads_withdrawals=info.right("SPOT_WITHDRAW_READ"),
                transfers=info.right("SPOT_TRANSFER_WRITE"),
                addresses=info.addresses or unbound,
                valid_days=None if info.addresses else days,
                is_reported=True,
            )
        return KeyRights(
            may_trade=account.can_trade,
            places_orders=await self.can_place_orders(purpose),
            withdraws=await self.can_withdraw(purpose),
            reads_withdrawals=await self.can_read_withdrawals(purpose),
        )

    async def _key_info(self, purpose: Purpose) -> KeyInfo | None:
        """Return what the exchange reports of the key; None: nothing usable (protocol 4.9).

        Raises ExchangeError without a response.
        """
        key = self._requester.access_key
        try:
            info = await self._requester.call(
                routes.KEY_INFO, _KEY_INFO, [("accessKey", key)], purpose=purpose
            )
        except (RequestRefused, BadResponse):
            return None
        return info if info.access_key == key and info.permissions else None

    async def can_withdraw(self, purpose: Purpose = Purpose.ORDINARY) -> KeyRight:
        """Probe SPOT_WITHDRAW_WRITE by cancelling a withdrawal id that cannot exist. Changes nothing."""
        return await self._probe(routes.CANCEL_WITHDRAW, [("id", "0" * 32)], purpose)

    async def _probe(self, route: routes.Route, params: list[tuple[str, str]], purpose: Purpose) -> KeyRight:
        """Call `route`. Code 700007 means no permission; an error about the request means permission."""
        try:
            await self._requester.call(route, _any_json, params, purpose=purpose)
        except RequestRefused as error:
            refusal = error.refusal
            if refusal.code == PERMISSION_DENIED:
                return KeyRight.LACKS
            undecided = refusal.code is None or refusal.code in _KEY_PROBLEMS or refusal.http_status >= 500
            return KeyRight.UNCLEAR if undecided else KeyRight.HAS
        except ExchangeError:
            return KeyRight.UNCLEAR
        return KeyRight.HAS


def _account(body: bytes) -> Account:
    """Decode an account. Malformed balances are skipped."""
    try:
        return _ACCOUNT(body)
    except UNREADABLE:
        fields = _FIELDS.decode(body)
        if "balances" not in fields:
            raise
        found = _BALANCES.each(_LIST.decode(fields["balances"]))
        rest = _ACCOUNT(msgspec.json.encode({**fields, "balances": ()}))
        return msgspec.structs.replace(rest, balances=found.rows, skipped=found.skipped)


def _any_json(body: bytes) -> None:
    """Check that a response is JSON and not an error."""
    msgspec.json.decode(body)
    if body.lstrip().startswith(b"{"):
        nothing(body)
