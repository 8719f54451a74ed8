"""Endpoints of coins, deposits, withdrawals and transfers (protocol 4.5), without any movement."""

from collections.abc import Callable
from typing import TypeAlias

from mexc_tui.practice.matching.ids import contract_address
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest.auth import AccessRules, KeyPermission
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute
from mexc_tui.practice.session import ExchangeSession

Handler: TypeAlias = Callable[[Call], Json]

_WITHDRAW_READ = KeyPermission.WITHDRAW_READ
_WITHDRAW_WRITE = KeyPermission.WITHDRAW_WRITE
_TRANSFER_READ = KeyPermission.TRANSFER_READ
_TRANSFER_WRITE = KeyPermission.TRANSFER_WRITE


class WalletRoutes:
    """Endpoints for deposits and withdrawals of an account."""

    def __init__(self, session: ExchangeSession) -> None:
        self._session = session

    def routes(self) -> list[PracticeRoute]:
        """Return the endpoints of this module."""
        capital = "/api/v3/capital"
        return [
            PracticeRoute("GET", f"{capital}/config/getall", self._coins, 10, AccessRules()),
            _read_route(f"{capital}/deposit/hisrec", _empty_list, _WITHDRAW_READ, weight=10),
            _read_route(f"{capital}/deposit/address", _empty_list, _WITHDRAW_READ, weight=10),
            _read_route(f"{capital}/withdraw/history", _empty_list, _WITHDRAW_READ),
            _read_route(f"{capital}/withdraw/address", empty_page, _WITHDRAW_READ, weight=10),
            _read_route(f"{capital}/transfer", lambda call: {"rows": [], "total": 0}, _TRANSFER_READ),
            _read_route(f"{capital}/transfer/tranId", _no_record, _TRANSFER_READ),
            _read_route(f"{capital}/transfer/internal", empty_page, _TRANSFER_READ),
            _read_route("/api/v3/asset/internal/transfer/record", empty_page, _TRANSFER_READ, weight=10),
            _write_route(
                "DELETE", f"{capital}/withdraw", _no_record, permission=_WITHDRAW_WRITE, mandatory=("id",)
            ),
            _write_route("POST", f"{capital}/withdraw", _not_allowed, permission=_WITHDRAW_WRITE),
            _write_route("POST", f"{capital}/withdraw/apply", _not_allowed, permission=_WITHDRAW_WRITE),
            _write_route("POST", f"{capital}/deposit/address", _not_allowed, permission=_WITHDRAW_WRITE),
            _write_route("POST", f"{capital}/transfer", _not_allowed, permission=_TRANSFER_WRITE),
            _write_route("POST", f"{capital}/transfer/internal", _not_allowed, permission=_TRANSFER_WRITE),
        ]

    def _coins(self, call: Call) -> Json:
        """List the account's coins, or only the requested one if the account has it."""
        requested = call.params.get("coin")
        held = [balance.asset for balance in self._session.balances()]
        return [_coin(asset) for asset in held if requested in ("", asset)]


def _read_route(path: str, handler: Handler, permission: KeyPermission, *, weight: int = 1) -> PracticeRoute:
    return PracticeRoute("GET", path, handler, weight, AccessRules(permission))


def _write_route(
    method: str, path: str, handler: Handler, *, permission: KeyPermission, mandatory: tuple[str, ...] = ()
) -> PracticeRoute:
    return PracticeRoute(method, path, handler, 1, AccessRules(permission, mandatory))


def _coin(asset: str) -> Json:
    """Return one coin in the format of capital/config/getall, with one network."""
    network: dict[str, Json] = {
        "coin": asset,
        "depositDesc": None,
        "depositEnable": False,
        "minConfirm": 12,
        "name": asset,
        "network": "Ethereum(ERC20)",
        "netWork": "ETH",
        "withdrawEnable": False,
        "withdrawFee": "1",
        "withdrawIntegerMultiple": None,
        "withdrawMax": "1000000",
        "withdrawMin": "10",
        "sameAddress": False,
        "contract": contract_address(asset),
        "withdrawTips": None,
        "depositTips": None,
    }
    return {"coin": asset, "Name": asset, "name": asset, "networkList": [network]}


def _empty_list(call: Call) -> Json:
    del call
    return []


def empty_page(call: Call) -> Json:
    """Return the only page of an empty history."""
    del call
    return {"data": [], "totalRecords": 0, "page": 1, "totalPageNum": 1}


def _no_record(call: Call) -> Json:
    del call
    raise PracticeRefusal(22222, "record does not exist")


def _not_allowed(call: Call) -> Json:
    del call
    raise PracticeRefusal(26, "operation not allowed")
