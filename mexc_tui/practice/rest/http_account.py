"""Endpoints of the account: balances, fees, switches, dust, listen keys (protocol 4.1, 4.5 to 4.7)."""

import hashlib

from mexc_tui.practice.matching.intervals import DAY_MS
from mexc_tui.practice.matching.numbers import trimmed
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.auth import AccessRules, KeyPermission
from mexc_tui.practice.rest.http_wallet import empty_page
from mexc_tui.practice.rest.limits import Bucket
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute, wrapped
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.practice.streams.listen_keys import PracticeListenKeys

KEY_DAYS = 90
"""Lifetime of a key without bound addresses (protocol 2.6)."""

_READ = AccessRules(KeyPermission.ACCOUNT_READ)


class AccountRoutes:
    """Account endpoints. `now_ms` of a call is the displayed clock; keys expire by the session's clock."""

    def __init__(self, session: ExchangeSession, listen_keys: PracticeListenKeys, api_key: str) -> None:
        self._session = session
        self._api_key = api_key
        self._plan = session.scenario.account
        self._listen_keys = listen_keys

    def routes(self) -> list[PracticeRoute]:
        """Return the endpoints of this module."""
        stream = "/api/v3/userDataStream"
        named = AccessRules(KeyPermission.ACCOUNT_READ, ("listenKey",))
        deduct = "/api/v3/mxDeduct/enable"
        switch = AccessRules(KeyPermission.ACCOUNT_WRITE, ("mxDeductEnable",))
        convert = AccessRules(KeyPermission.ACCOUNT_WRITE, ("asset",))
        key = AccessRules(KeyPermission.ACCOUNT_READ, ("accessKey",))
        fee = AccessRules(KeyPermission.ACCOUNT_READ, ("symbol",))
        return [
            PracticeRoute("GET", "/api/v3/account", self._account, 10, _READ, (Bucket.ACCOUNT,)),
            PracticeRoute("GET", "/api/v3/selfSymbols", self._self_symbols, 1, _READ),
            PracticeRoute("GET", "/api/v3/tradeFee", self._trade_fee, 20, fee),
            PracticeRoute("GET", "/api/v3/kyc/status", lambda call: {"status": self._plan.kyc}, 1, _READ),
            PracticeRoute("GET", "/api/v3/uid", self._uid, 1, _READ),
            PracticeRoute("GET", deduct, self._mx_deduct, 1, _READ),
            PracticeRoute("POST", deduct, self._set_mx_deduct, 1, switch),
            PracticeRoute("POST", "/api/v3/capital/convert", self._convert, 10, convert),
            PracticeRoute("GET", "/api/v3/capital/convert/list", self._dust, 1, _READ),
            PracticeRoute("GET", "/api/v3/capital/convert", empty_page, 1, _READ),
            PracticeRoute("GET", "/api/v3/apiKeyInfo", self._key, 1, key),
            PracticeRoute("POST", stream, self._create_key, 1, _READ),
            PracticeRoute("GET", stream, self._live_keys, 1, _READ),
            PracticeRoute("PUT", stream, self._extend_key, 1, named),
            PracticeRoute("DELETE", stream, self._close_key, 1, named),
        ]

    def _account(self, call: Call) -> Json:
        del call
        balances: list[Json] = [
            {
                "asset": balance.asset,
                "free": trimmed(balance.free),
                "locked": trimmed(balance.locked),
                "available": trimmed(balance.free),
            }
            for balance in self._session.balances()
        ]
        return {
            "makerCommission": None,
            "takerCommission": None,
            "buyerCommission": None,
            "sellerCommission": None,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "updateTime": None,
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
        }

    def _self_symbols(self, call: Call) -> Json:
        del call
        return {"code": 200, "data": self._session.self_symbols(), "msg": None}

    def _trade_fee(self, call: Call) -> Json:
        pair = self._session.pair(call.params.need("symbol"))
        if pair is None:
            raise PracticeRefusal(-1121, "Invalid symbol.")
        fees: dict[str, Json] = {
            "makerCommission": float(pair.rules.maker_fee),
            "takerCommission": float(pair.rules.taker_fee),
            "rpiMakerCommission": float(pair.rules.maker_fee),
        }
        return wrapped(fees, call.now_ms)

    def _uid(self, call: Call) -> Json:
        del call
        digest = hashlib.sha256(f"uid {self._session.seed}".encode()).hexdigest()
        return {"uid": str(10_000_000 + int(digest[:8], 16) % 90_000_000)}

    def _key(self, call: Call) -> Json:
        """Return the key's permissions (protocol 4.9). It expires after 90 days unless bound to addresses."""
        if call.params.need("accessKey") != self._api_key:
            raise PracticeRefusal(10072, "Api key info invalid")
        fields: dict[str, Json] = {
            "note": "practice",
            "accessKey": self._api_key,
            "createTime": self._session.start_ms,
            "permissions": self._plan.permissions,
            "ipWhiteList": self._plan.ips,
            "status": "1",
        }
        if not self._plan.ips:
            fields["remainingValidity"] = KEY_DAYS - (call.now_ms - self._session.start_ms) // DAY_MS
        return fields

    def _mx_deduct(self, call: Call) -> Json:
        return wrapped({"mxDeductEnable": self._session.mx_deduction}, call.now_ms)

    def _set_mx_deduct(self, call: Call) -> Json:
        self._session.mx_deduction = call.params.need("mxDeductEnable").lower() == "true"
        return self._mx_deduct(call)

    # Dust (protocol 4.5)

    def _convert(self, call: Call) -> Json:
        done = self._session.convert(call.params.need("asset").split(","))
        return {
            "successList": done.converted,
            "failedList": [
                {"asset": item.asset, "message": item.message, "code": item.code} for item in done.failed
            ],
            "totalConvert": trimmed(done.total_mx),
            "convertFee": trimmed(done.fee_mx),
        }

    def _dust(self, call: Call) -> Json:
        del call
        return [
            {
                "asset": dust.asset,
                "balance": trimmed(dust.balance),
                "convertMx": trimmed(dust.value_mx),
                "convertUsdt": trimmed(dust.value_usdt),
                "code": "0",
                "message": "",
                "currencyId": dust.coin_id,
            }
            for dust in self._session.dust()
        ]

    # Listen keys (protocol 4.7, 9)

    def _create_key(self, call: Call) -> Json:
        del call
        return {"listenKey": self._listen_keys.create(self._session.now_ms)}

    def _live_keys(self, call: Call) -> Json:
        del call
        return {"listenKey": self._listen_keys.live(self._session.now_ms)}

    def _extend_key(self, call: Call) -> Json:
        key = call.params.need("listenKey")
        self._listen_keys.extend(key, self._session.now_ms)
        return {"listenKey": key}

    def _close_key(self, call: Call) -> Json:
        key = call.params.need("listenKey")
        self._listen_keys.close(key, self._session.now_ms)
        return {"listenKey": key}
